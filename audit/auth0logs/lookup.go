package auth0logs

import "slices"

// Codes returns all codes that are known, ordered.
func Codes() []Code { return slices.Clone(table) }

// Lookup returns what a code means. A code that is not known has the class
// "unknown" and an unknown outcome.
func Lookup(code string) Code {
	if c, ok := byCode[code]; ok {
		return c
	}
	return Code{Code: code, Class: "unknown", Actor: ByUser}
}

var byCode = func() map[string]Code {
	m := make(map[string]Code, len(table))
	for _, c := range table {
		m[c.Code] = c
	}
	return m
}()
