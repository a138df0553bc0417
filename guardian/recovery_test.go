package guardian_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
)

// A recovery code is read as phones, word processors and people copy it.
func TestRecoveryCodesSurviveCopying(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		_, codes := s.enroll(nil)
		with := func(between string) func(string) string {
			return func(code string) string { return strings.ReplaceAll(code, "-", between) }
		}
		for name, change := range map[string]func(string) string{
			"tabs": with("\t"), "newlines": with("\r\n"), "no-break spaces": with("\u00a0"), "narrow spaces": with("\u202f"), "thin spaces": with("\u2009"),
			"non-breaking hyphens": with("\u2011"), "en dashes": with("–"), "em dashes": with("—"), "minus": with("\u2212"), "soft hyphens": with("\u00ad"),
			"zero width": with("\u200b"), "wide": with("－"), "nothing": with(""), "lower case": strings.ToLower,
			"digits": func(code string) string {
				return strings.NewReplacer("2", "٢", "3", "٣", "4", "۴", "7", "۷").Replace(code)
			},
			"around": func(code string) string { return "\t " + code + " \n" },
			"zeros":  func(code string) string { return strings.ReplaceAll(code, "O", "0") },
		} {
			require.Regexp(s, regexp.MustCompile(`^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$`), codes[0])
			v, err := s.verify(guardian.LocalRecovery, change(codes[0]))
			if assert.NoError(s, err, name) {
				codes[0] = v.NewRecoveryCode
			}
		}
	})
}

// A colon in the account separates nothing.
func TestAccountWithColon(t *testing.T) {
	t.Parallel()
	key := enrolledKey(t, "Example", "corp:ada")
	assert.Contains(t, key.URL(), "otpauth://totp/Example:corp.ada?")
	assert.Contains(t, enrolledKey(t, "Example", "a+b@x").URL(), "Example:a%2Bb%40x?")
}
