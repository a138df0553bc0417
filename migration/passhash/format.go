package passhash

import (
	"fmt"
	"slices"
	"strings"
)

// A format is one notation of one algorithm.
type format struct {
	name     string                                   // Its name, and the Stored.Scheme that selects it.
	prefixes []string                                 // What a Value starts with that needs no Scheme, in lower case.
	detect   func(value string) bool                  // The same where a prefix does not tell.
	parse    func(s Stored, l limits) (parsed, error) // Checks form and bounds; computes nothing.
	salted   bool                                     // Takes Stored.Salt.
	counted  bool                                     // Takes Stored.Iterations.
}

// parsed is a hash whose form and cost have been checked.
type parsed struct {
	verify  func(password string) bool
	convert func() (i Import, lazyReason string)
}

// formats is filled by init, because the formats that wrap others refer to it.
var formats []format

func init() {
	formats = slices.Concat(bcryptFormats, argon2Formats, pbkdf2Formats, aspnetFormats, scryptFormats,
		cryptFormats, desFormats, phpassFormats, ldapFormats, springFormats, djangoFormats, digestFormats, nestedFormats, columnFormats, plainFormats)
}

func parse(s Stored, l limits) (format, parsed, error) {
	if len(s.Value) > maxValue || len(s.Salt) > maxValue {
		return format{}, parsed{}, fmt.Errorf("%w: longer than %d bytes", ErrFormat, maxValue)
	}
	if s.Scheme != "plain" { // CHAR(n) pads with spaces, BINARY(n) with NUL
		s.Value = strings.Trim(s.Value, " \t\r\n\x00")
	}
	if unusable(s) {
		return format{}, parsed{}, ErrUnusable
	}
	o, err := cutOptions(&s)
	if err != nil {
		return format{}, parsed{}, err
	}
	if s.Scheme == "" {
		s.Value = unwrap(s.Value)
	}
	f, ok := find(s)
	if !ok && s.Scheme == "" {
		return format{}, parsed{}, fmt.Errorf("%w: nothing in the value tells its format; set Scheme", ErrFormat)
	}
	if !ok {
		return format{}, parsed{}, fmt.Errorf("%w: unknown Scheme; the nearest names are %s", ErrFormat, strings.Join(neighbors(s.Scheme), ", "))
	}
	if s.Salt != "" && !f.salted {
		return format{}, parsed{}, fmt.Errorf("%w: %s takes no Salt", ErrFormat, f.name)
	}
	if s.Iterations != "" && !f.counted {
		return format{}, parsed{}, fmt.Errorf("%w: %s takes no Iterations", ErrFormat, f.name)
	}
	p, err := f.parse(s, l)
	if err != nil {
		return format{}, parsed{}, fmt.Errorf("%w (%s)", err, f.name)
	}
	if o.latin1 {
		p = inLatin1(p)
	}
	return f, p, nil
}

const maxValue = 4096

// unusable is what systems write for a user who cannot log in with a password:
// nothing, Django's "!" with random characters, the stars of shadow files.
func unusable(s Stored) bool {
	return s.Value == "" || s.Scheme != "plain" && (s.Value[0] == '!' || s.Value == "*" || s.Value == "x")
}

func find(s Stored) (format, bool) {
	i := slices.IndexFunc(formats, func(f format) bool {
		if s.Scheme != "" {
			return strings.EqualFold(f.name, s.Scheme)
		}
		return f.matches(s.Value)
	})
	if i < 0 {
		return format{}, false
	}
	return formats[i], true
}

func (f *format) matches(value string) bool {
	for _, prefix := range f.prefixes {
		if hasPrefixFold(value, prefix) {
			return true
		}
	}
	return f.detect != nil && f.detect(value)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// wrappers are labels of frameworks before a value that speaks for itself.
var wrappers = []string{
	"{bcrypt}", "{argon2}", "{argon2@SpringSecurity_v5_2}", "{argon2@SpringSecurity_v5_8}", "{crypt}", "{ldap}",
	"bcrypt$", // Django: bcrypt$$2b$…
	"argon2",  // Django: argon2$argon2id$…
}

func unwrap(value string) string {
	for _, label := range wrappers {
		if rest, ok := cutPrefixFold(value, label); ok && rest != "" && (rest[0] == '$' || rest[0] == '{') {
			return rest
		}
	}
	return value
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if !hasPrefixFold(s, prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func malformed(problem string) error { return fmt.Errorf("%w: %s", ErrFormat, problem) }

// neighbors are the three names of schemes that are nearest to a misspelt one.
func neighbors(name string) []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	name = strings.ToLower(name[:min(len(name), 40)])
	slices.SortStableFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
	return names[:3]
}

// distance is how many letters have to be changed, added or taken away.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, last+cost)
		}
	}
	return row[len(b)]
}
