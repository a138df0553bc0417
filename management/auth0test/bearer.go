package auth0test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// bearer is who calls the Management API.
type bearer struct {
	subject string
	client  string
	scopes  []string
	claims  map[string]any
	kid     string // Of a token in the cache.
	expires time.Time
}

func (b *bearer) may(scope string) bool { return slices.Contains(b.scopes, scope) }

// authenticate checks the bearer token, with Auth0's texts.
func (c *call) authenticate() *reply {
	header := c.r.Header.Get("Authorization")
	if header == "" {
		return fail(http.StatusUnauthorized, "Missing authentication", "")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.Count(token, ".") != 2 {
		return badRequest("Bad HTTP authentication header format", "Bearer")
	}
	b, err := c.t.bearers.known(c.t, token)
	switch {
	case errors.Is(err, errSignature):
		return fail(http.StatusUnauthorized, "Invalid signature received for JSON Web Token validation", "")
	case errors.Is(err, errExpired):
		return fail(http.StatusUnauthorized, "Expired token received for JSON Web Token validation", "")
	case err != nil || !c.isFor(b.claims):
		bad := fail(http.StatusUnauthorized, "Invalid token", "")
		bad.extra = map[string]any{"attributes": map[string]any{"error": "Invalid token"}}
		return bad
	}
	c.token = b
	return nil
}

// bearerCache remembers tokens that were verified: an RSA verification and the
// parsing of 300 scopes would be a quarter of the work of a request.
type bearerCache struct {
	mu      sync.Mutex
	seen    map[string]*bearer
	refused map[refusedToken]bool // The blacklist.
}

// maxBearers bounds the cache; it starts anew when it is full.
const maxBearers = 256

// known verifies a token. Expiry and revocation of the key are checked each time.
func (c *bearerCache) known(t *Tenant, token string) (*bearer, error) {
	c.mu.Lock()
	b := c.seen[token]
	c.mu.Unlock()
	if b != nil && t.keys.find(b.kid) != nil && t.now().Before(b.expires) {
		return b, nil
	}
	claims, err := t.verify(token)
	if err != nil {
		return nil, err
	}
	b = newBearer(claims)
	b.kid = keyID(token)
	jti, _ := claims["jti"].(string)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused[refusedToken{b.client, jti}] {
		return nil, errRefused
	}
	if c.seen == nil || len(c.seen) >= maxBearers {
		c.seen = make(map[string]*bearer)
	}
	c.seen[token] = b
	return b, nil
}

var errRefused = errors.New("auth0test: the token is on the blacklist")

// refuse puts a token on the blacklist; false when it is there already. The
// cache starts anew, so that the token is looked at again.
func (c *bearerCache) refuse(r refusedToken) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused[r] {
		return false
	}
	if c.refused == nil {
		c.refused = make(map[refusedToken]bool)
	}
	c.refused[r], c.seen = true, nil
	return true
}

// keyID is the key id of a verified token.
func keyID(token string) string {
	var header struct{ Kid string }
	if head, _, _ := strings.Cut(token, "."); decodeSegment(head, &header) != nil {
		return ""
	}
	return header.Kid
}

func newBearer(claims map[string]any) *bearer {
	b := &bearer{claims: claims}
	exp, _ := claims["exp"].(float64)
	b.expires = time.Unix(int64(exp), 0)
	b.subject, _ = claims["sub"].(string)
	b.client, _ = claims["azp"].(string)
	scope, _ := claims["scope"].(string)
	b.scopes = strings.Fields(scope)
	return b
}

// isFor reports whether a token is the tenant's own for its Management API, of
// the host that is asked or of the tenant's domain: a token of a custom domain
// does not work on the canonical one.
func (c *call) isFor(claims map[string]any) bool {
	for _, issuer := range []string{c.issuer(), c.t.Issuer()} {
		if claims["iss"] == issuer && hasAudience(claims["aud"], issuer+"api/v2/") {
			return true
		}
	}
	return false
}

func hasAudience(aud any, want string) bool {
	if list, isList := aud.([]any); isList {
		return slices.Contains(list, any(want))
	}
	return aud == want
}

// authorize checks the scopes. A token of a user reaches its own data with the
// current_user scopes.
func (c *call) authorize() *reply {
	need := c.route.scopes
	if need == nil {
		need = c.op.Scopes
	}
	if len(need) == 0 {
		return nil
	}
	if c.route.allOf {
		for _, s := range need {
			if !c.token.may(s) {
				return insufficient(need)
			}
		}
		return nil
	}
	if slices.ContainsFunc(need, c.token.may) {
		return nil
	}
	return insufficient(need)
}

func insufficient(need []string) *reply {
	return fail(http.StatusForbidden, "Insufficient scope, expected any of: "+strings.Join(need, ","), "insufficient_scope")
}
