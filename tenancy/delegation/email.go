package delegation

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// normal returns an email address in the form in which addresses are compared:
// without spaces around it, in lower case, with the domain in ASCII. Auth0 keeps
// the case in which providers write an address, and people are not told apart by
// it.
func normal(email string) (string, error) {
	email = strings.TrimSpace(email)
	at := strings.LastIndexByte(email, '@')
	if at < 1 || len(email) > 254 || strings.ContainsFunc(email, outsideOfAddresses) || strings.Count(email, "@") != 1 {
		return "", ErrEmail
	}
	domain, err := idna.Lookup.ToASCII(email[at+1:])
	if err != nil || slices.ContainsFunc(strings.Split(domain, "."), noLabel) {
		return "", ErrEmail
	}
	return strings.Map(lower, email[:at]) + "@" + strings.ToLower(domain), nil
}

// noLabel reports whether a part of a domain is none. A domain ends with a label and
// not with a dot (RFC 5321, 4.1.2).
func noLabel(s string) bool { return s == "" || len(s) > 63 }

// lower is unicode.ToLower for letters whose other case is of the same alphabet: the
// mailbox of somebody with a Kelvin sign in their name is not that with a k.
func lower(r rune) rune {
	if low := unicode.ToLower(r); r <= unicode.MaxASCII || low > unicode.MaxASCII {
		return low
	}
	return r
}

// outsideOfAddresses are spaces, control characters, and what would need quotes in
// an address or in a search.
func outsideOfAddresses(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`"\<>()[],;:`, r)
}

// address returns the normal form of what Auth0 stores, or that itself when it is no
// address.
func address(stored string) string {
	if n, err := normal(stored); err == nil {
		return n
	}
	return stored
}

// spellings are the forms of a normal address in which Auth0 may have stored it:
// the one that somebody wrote, and the domain in ASCII and in Unicode.
func spellings(email, written string) []string {
	local, domain, _ := strings.Cut(email, "@")
	out := []string{email, written}
	if u, err := idna.Lookup.ToUnicode(domain); err == nil {
		out = append(out, local+"@"+u)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// same reports whether an address of Auth0 is the normal address.
func same(stored, normalized string) bool {
	n, err := normal(stored)
	return err == nil && n == normalized
}
