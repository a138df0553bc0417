package state

import (
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
)

// Sign returns a token under the current key.
func (t *Tenant) Sign(header, claims map[string]any) string { return t.Keys.Sign(header, claims) }

// SignUnder is Sign, with HS256 under a secret.
func (t *Tenant) SignUnder(secret string, header, claims map[string]any) string {
	return t.Keys.SignUnder(secret, header, claims)
}

// Verify returns the claims of a token that this tenant signed and that has not
// expired. Issuer and audience are the caller's business.
func (t *Tenant) Verify(token string) (map[string]any, error) {
	claims, err := t.VerifySignature(token)
	if err != nil {
		return nil, err
	}
	exp, _ := claims["exp"].(float64)
	if !t.Now().Before(time.Unix(int64(exp), 0)) {
		return nil, keys.ErrExpired
	}
	return claims, nil
}

// VerifySignature is verify for tokens that may have expired, such as the hint
// of a logout.
func (t *Tenant) VerifySignature(token string) (map[string]any, error) { return t.Keys.Verify(token) }
