package state

import (
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
)

// Verify returns the claims of a token that this tenant signed and that has not
// expired. Issuer and audience are the caller's business.
func (t *Tenant) Verify(token string) (map[string]any, error) {
	claims, err := t.Keys.Verify(token)
	if err != nil {
		return nil, err
	}
	exp, _ := claims["exp"].(float64)
	if !t.Now().Before(time.Unix(int64(exp), 0)) {
		return nil, keys.ErrExpired
	}
	return claims, nil
}
