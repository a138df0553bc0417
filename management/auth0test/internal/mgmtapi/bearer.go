package mgmtapi

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// authenticate checks the bearer token, with Auth0's texts.
func (c *Call) authenticate() *Reply {
	header := c.R.Header.Get("Authorization")
	if header == "" {
		return Fail(http.StatusUnauthorized, "Missing authentication", "")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.Count(token, ".") != 2 {
		return BadRequest("Bad HTTP authentication header format", "Bearer")
	}
	b, err := c.api.bearers.known(c.T, token)
	switch {
	case errors.Is(err, keys.ErrSignature):
		return Fail(http.StatusUnauthorized, "Invalid signature received for JSON Web Token validation", "")
	case errors.Is(err, keys.ErrExpired):
		return Fail(http.StatusUnauthorized, "Expired token received for JSON Web Token validation", "")
	case err != nil || !c.isFor(b.Claims):
		bad := Fail(http.StatusUnauthorized, "Invalid token", "")
		bad.extra = map[string]any{"attributes": map[string]any{"error": "Invalid token"}}
		return bad
	}
	c.Token = b
	return nil
}

// bearerCache remembers tokens that were verified: an RSA verification and the
// parsing of 300 scopes would be a quarter of the work of a request.
type bearerCache struct {
	mu      sync.Mutex
	seen    map[string]*keys.Bearer
	refused map[refusedToken]bool // The blacklist.
}

// maxBearers bounds the cache; it starts over when it is full.
const maxBearers = 256

// known verifies a token. Expiry and revocation of the key are checked each time.
func (c *bearerCache) known(t *state.Tenant, token string) (*keys.Bearer, error) {
	c.mu.Lock()
	b := c.seen[token]
	c.mu.Unlock()
	if b != nil && t.Keys.Find(b.Kid) != nil && t.Now().Before(b.Expires) {
		return b, nil
	}
	claims, err := t.Verify(token)
	if err != nil {
		return nil, err
	}
	b = keys.NewBearer(claims)
	b.Kid = keys.KeyID(token)
	jti, _ := claims["jti"].(string)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused[refusedToken{b.Client, jti}] {
		return nil, errRefused
	}
	if c.seen == nil || len(c.seen) >= maxBearers {
		c.seen = make(map[string]*keys.Bearer)
	}
	c.seen[token] = b
	return b, nil
}

var errRefused = errors.New("auth0test: the token is on the blacklist")

// refuse puts a token on the blacklist; false when it is there already. The
// cache starts over, so that the token is looked at again.
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

// isFor reports whether a token is the tenant's own for its Management API, of
// the host that is asked or of the tenant's domain: a token of a custom domain
// does not work on the canonical one.
func (c *Call) isFor(claims map[string]any) bool {
	for _, issuer := range []string{c.Issuer(), c.T.Issuer()} {
		if claims["iss"] == issuer && keys.HasAudience(claims["aud"], issuer+"api/v2/") {
			return true
		}
	}
	return false
}

// authorize checks the scopes. A token of a user reaches its own data with the
// current_user scopes.
func (c *Call) authorize() *Reply {
	need := c.route.Scopes
	if need == nil {
		need = c.op.Scopes
	}
	if len(need) == 0 {
		return nil
	}
	if c.route.AllOf {
		for _, s := range need {
			if !c.Token.May(s) {
				return Insufficient(need)
			}
		}
		return nil
	}
	if slices.ContainsFunc(need, c.Token.May) {
		return nil
	}
	return Insufficient(need)
}

func Insufficient(need []string) *Reply {
	return Fail(http.StatusForbidden, "Insufficient scope, expected any of: "+strings.Join(need, ","), "insufficient_scope")
}

// BlacklistRoutes are not in the description any more; SDKs still have them
// (https://auth0.com/docs/secure/tokens/manage-tokens, "Denylist user tokens").
func BlacklistRoutes() []Route {
	return []Route{
		{Method: "GET", Pattern: "/blacklists/tokens", Handle: listBlacklist},
		{Method: "POST", Pattern: "/blacklists/tokens", Handle: addToBlacklist},
	}
}

// refusedToken is a token of the Management API that is refused: the client that
// it was issued to, and its jti.
type refusedToken struct{ client, jti string }

// blacklist holds the refused tokens, the oldest first.
type blacklist struct{ tokens []refusedToken }

func blacklistOf(t *state.Tenant) *blacklist { return state.Part(t, state.Zero[blacklist]) }

func listBlacklist(c *Call) *Reply {
	out := []any{}
	for _, r := range blacklistOf(c.T).tokens {
		if c.Asks("aud", r.client) {
			out = append(out, map[string]any{"aud": r.client, "jti": r.jti})
		}
	}
	return OK(out)
}

func addToBlacklist(c *Call) *Reply {
	if c.Str("jti") == "" {
		return Lacks("jti")
	}
	r := refusedToken{client: cmp.Or(c.Str("aud"), c.Token.Client), jti: c.Str("jti")}
	if c.api.bearers.refuse(r) {
		list := blacklistOf(c.T)
		list.tokens = append(list.tokens, r)
	}
	return NoContent()
}
