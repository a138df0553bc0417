package mgmtapi

import (
	"cmp"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

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
