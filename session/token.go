package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Token is the secret that the client holds: 32 random bytes after hashes of the
// user's id and the SID, 16 bytes each, in base64url. Whoever has it has the session, so it is
// not printed or logged; string(t) is the real value, for the cookie.
type Token string

// String hides the token.
func (t Token) String() string { return fmt.Sprint(t) }

// Format hides the token from every verb of package fmt.
func (t Token) Format(f fmt.State, _ rune) { secret.Format(f, t) }

// LogValue hides the token from log/slog.
func (t Token) LogValue() slog.Value { return secret.Shown() }

// MarshalText hides the token from JSON and the like.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

const (
	nameSize   = len(driver.Key{}.User)
	secretSize = 32 // ASVS 5.0 7.2.3 asks for 128 bits, NIST SP 800-63B-4 section 5.1 for 64
	tokenSize  = 2*nameSize + secretSize
	tokenText  = (tokenSize*8 + 5) / 6
)

// newToken makes another token with the names of k.
func newToken(k driver.Key) (Token, driver.Key) {
	var raw [tokenSize]byte
	copy(raw[:], k.User[:])
	copy(raw[nameSize:], k.SID[:])
	rand.Read(raw[2*nameSize:])
	return Token(base64.RawURLEncoding.EncodeToString(raw[:])), keyOf(&raw)
}

func keyOf(raw *[tokenSize]byte) driver.Key {
	return driver.Key{User: [nameSize]byte(raw[:nameSize]), SID: [nameSize]byte(raw[nameSize : 2*nameSize]), Hash: sha256.Sum256(raw[:])}
}

// key is the place of t, or false for what no Manager ever issued. The names are
// hashed too, so that a token with other names is another token.
func (t Token) key() (driver.Key, bool) {
	if len(t) != tokenText {
		return driver.Key{}, false
	}
	var text [tokenText]byte
	var raw [tokenSize]byte
	copy(text[:], t)
	if n, err := strictBase64.Decode(raw[:], text[:]); err != nil || n != tokenSize {
		return driver.Key{}, false
	}
	return keyOf(&raw), true
}

// strictBase64 refuses a second spelling of one token.
var strictBase64 = base64.RawURLEncoding.Strict()
