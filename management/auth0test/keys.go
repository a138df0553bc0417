package auth0test

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
)

// RotateKeys makes the next signing key the current one. Tokens of the previous
// key stay valid until it is revoked.
func (t *Tenant) RotateKeys() { t.s.Keys.Rotate(t.s.Now()) }

// RevokeKeys revokes the keys before the current one: they leave the JWKS, and
// the tenant refuses their tokens.
func (t *Tenant) RevokeKeys() { t.s.Keys.RevokePrevious(t.s.Now()) }

// AccessToken returns an access token for an API as a login of the user would
// get it, in an organization unless orgID is empty, with every scope and
// permission that the user has. It panics when the user, the organization or the
// API does not exist, or when the user is not a member: a test that asks for
// such a token is wrong; see Sign for wrong tokens.
func (t *Tenant) AccessToken(userID, orgID, audience string) string {
	return authapi.AccessToken(t.s, userID, orgID, audience)
}

// Sign returns a token with these claims under the tenant's current key, also
// one that is wrong. Header entries replace alg (RS256), typ (JWT) and kid; nil
// removes one. Claims are taken as they are, but a time.Time becomes seconds. Of
// the algorithms it knows RS256, "none" (no signature), and HS256 under the
// public key as PEM, the classic confusion; any other alg gets an RS256
// signature.
func (t *Tenant) Sign(header, claims map[string]any) string { return t.s.Keys.Sign(header, claims) }
