package mgmtapi

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// BlacklistRoutes are not in the description any more; SDKs still have them
// (https://auth0.com/docs/secure/tokens/manage-tokens, "Denylist user tokens").
func BlacklistRoutes() []Route {
	scopes := []string{schema.BlacklistScope}
	return []Route{
		{Method: "GET", Pattern: "/blacklists/tokens", Scopes: scopes, Handle: listBlacklist},
		{Method: "POST", Pattern: "/blacklists/tokens", Scopes: scopes, Handle: addToBlacklist},
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
		if aud := c.Query.Get("aud"); aud == "" || aud == r.client {
			out = append(out, map[string]any{"aud": r.client, "jti": r.jti})
		}
	}
	return OK(out)
}

func addToBlacklist(c *Call) *Reply {
	if c.Str("jti") == "" {
		return BadRequest("Payload validation error: 'Missing required property: jti'.", "invalid_body")
	}
	r := refusedToken{client: c.Str("aud"), jti: c.Str("jti")}
	if r.client == "" {
		r.client = c.Token.Client
	}
	if c.api.bearers.refuse(r) {
		list := blacklistOf(c.T)
		list.tokens = append(list.tokens, r)
	}
	return NoContent()
}
