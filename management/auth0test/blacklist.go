package auth0test

// blacklistRoutes are not in the description any more; SDKs still have them
// (https://auth0.com/docs/secure/tokens/manage-tokens, "Denylist user tokens").
func blacklistRoutes() []route {
	scopes := []string{blacklistScope}
	return []route{
		{method: "GET", pattern: "/blacklists/tokens", scopes: scopes, handle: listBlacklist},
		{method: "POST", pattern: "/blacklists/tokens", scopes: scopes, handle: addToBlacklist},
	}
}

const blacklistScope = "blacklist:tokens"

// refusedToken is a token of the Management API that is refused: the client that
// it was issued to, and its jti.
type refusedToken struct{ client, jti string }

func listBlacklist(c *call) *reply {
	out := []any{}
	for _, r := range c.t.blacklist {
		if aud := c.query.Get("aud"); aud == "" || aud == r.client {
			out = append(out, map[string]any{"aud": r.client, "jti": r.jti})
		}
	}
	return ok(out)
}

func addToBlacklist(c *call) *reply {
	if c.str("jti") == "" {
		return badRequest("Payload validation error: 'Missing required property: jti'.", "invalid_body")
	}
	r := refusedToken{client: c.str("aud"), jti: c.str("jti")}
	if r.client == "" {
		r.client = c.token.client
	}
	if c.t.bearers.refuse(r) {
		c.t.blacklist = append(c.t.blacklist, r)
	}
	return noContent()
}
