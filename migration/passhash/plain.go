package passhash

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

var plainFormats = []format{{name: "plain", prefixes: []string{"{noop}", "{plain}", "{clear}", "{cleartext}"}, parse: parsePlain}}

// parsePlain is a password kept as it is. Converting it hashes it with bcrypt of
// cost 10, with another salt each time, so that it leaves the process hashed.
func parsePlain(s Stored, _ limits) (parsed, error) {
	want := s.Value
	if s.Scheme == "" {
		_, want, _ = strings.Cut(s.Value, "}")
	}
	if want == "" {
		return parsed{}, malformed("is empty")
	}
	return parsed{
		verify: func(password string) bool {
			return equal(digest("sha256", password), digest("sha256", want)) // Hides the length, too.
		},
		convert: func() (Import, string) {
			if len(want) > 72 || strings.Contains(want, "\x00") {
				return Import{}, "bcrypt takes 72 bytes and no NUL"
			}
			hash, err := bcrypt.GenerateFromPassword([]byte(want), 10)
			if err != nil {
				return Import{}, fmt.Sprintf("cannot be hashed: %v", err)
			}
			return importBcrypt(string(hash))()
		},
	}, nil
}
