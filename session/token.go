package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Token is the secret that the client holds: 32 random bytes after the two of
// the user's tag, in base64url. Whoever has it has the session, so it is
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
	tagSize    = 2
	secretSize = 32 // ASVS 5.0 7.2.3 asks for 128 bits, NIST SP 800-63B-4 section 5.1 for 64
	tokenSize  = tagSize + secretSize
	tokenText  = (tokenSize*8 + 5) / 6
)

func newToken(tag uint16) (Token, driver.Key) {
	var raw [tokenSize]byte
	binary.BigEndian.PutUint16(raw[:], tag)
	rand.Read(raw[tagSize:])
	return Token(base64.RawURLEncoding.EncodeToString(raw[:])), driver.Key{Tag: tag, Hash: sha256.Sum256(raw[:])}
}

// key is the place of t, or false for what no Manager ever issued. The tag is
// hashed too, so that a token with another tag is another token.
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
	return driver.Key{Tag: binary.BigEndian.Uint16(raw[:]), Hash: sha256.Sum256(raw[:])}, true
}

// strictBase64 refuses a second spelling of one token.
var strictBase64 = base64.RawURLEncoding.Strict()
