package guardian

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// TOTPKey holds the secret for an authenticator app, which is returned once. It
// prints as guardian.TOTPKey{…} with every verb, and as [hidden] in slog.
type TOTPKey struct {
	secret string // base32
	url    string // otpauth://…
}

func newKey(issuer, account string, secret []byte) (*TOTPKey, error) {
	if len(secret) < minSecret {
		return nil, errSecret
	}
	encoded := base32NoPadding.EncodeToString(secret)
	return &TOTPKey{secret: encoded, url: keyURL(issuer, account, encoded)}, nil
}

// keyURL writes the URL itself: the library leaves an & in the issuer as it is,
// which ends the parameter (v1.5.0). Everything but letters and digits is encoded,
// also what a path may have: parsers differ in what they make of a bare + or &.
func keyURL(issuer, account, secret string) string {
	encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%d&period=%d",
		encode(issuer), encode(account), secret, encode(issuer), standard.algorithm, standard.digits.Length(), standard.period)
}

// Secret returns the secret in base32, for users who cannot scan.
func (k *TOTPKey) Secret() string { return k.secret }

// Grouped returns the secret in groups of four characters, for reading and typing.
func (k *TOTPKey) Grouped() string { return grouped(k.secret, " ") }

// URL returns the otpauth URL (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
// It contains the secret: put it into a QR code, never into a log or a link to
// another host.
func (k *TOTPKey) URL() string { return k.url }

// Format hides the secret from package fmt.
func (k TOTPKey) Format(f fmt.State, _ rune) { secret.Format(f, k) }

// LogValue hides the secret from log/slog.
func (k TOTPKey) LogValue() slog.Value { return secret.Shown() }

const maxLabel = 128 // bytes

// checkLabel refuses what would make the otpauth URL ambiguous.
func checkLabel(field, s string) error {
	if s == "" || len(s) > maxLabel || strings.ContainsFunc(s, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return invalid(field, "must have 1 to 128 bytes of UTF-8 without a colon or control characters")
	}
	return nil
}
