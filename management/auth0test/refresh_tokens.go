package auth0test

import (
	"slices"
	"strings"
	"time"
)

func refreshTokenRoutes() []route {
	return []route{
		{method: "GET", pattern: "/refresh-tokens", handle: listRefreshTokens},
		{method: "POST", pattern: "/refresh-tokens/revoke", handle: revokeRefreshTokens},
		{method: "GET", pattern: "/refresh-tokens/{id}", handle: readRefreshToken},
		{method: "PATCH", pattern: "/refresh-tokens/{id}", handle: updateRefreshToken},
		{method: "DELETE", pattern: "/refresh-tokens/{id}", handle: deleteRefreshToken},
		{method: "GET", pattern: "/users/{user_id}/refresh-tokens", handle: listUserRefreshTokens},
		{method: "DELETE", pattern: "/users/{user_id}/refresh-tokens", handle: deleteUserRefreshTokens},
	}
}

const (
	noRefreshToken = "The refresh token does not exist."
	maxRevoked     = 100 // Ids in one request.
)

func (c *call) refreshToken() (*refreshToken, *reply) {
	r := c.t.authState.refresh.get(c.path("id"))
	if r == nil || !r.alive(c.now) {
		return nil, notFound(noRefreshToken, "")
	}
	return r, nil
}

func (c *call) refreshTokensOf(userID string) []*refreshToken {
	return slices.DeleteFunc(c.t.authState.refresh.of(userID), func(r *refreshToken) bool { return !r.alive(c.now) })
}

// stampOrNull writes a time, null for none.
func stampOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

func (r *refreshToken) view() map[string]any {
	m := map[string]any{
		"id": r.id, "user_id": r.userID, "client_id": r.clientID, "session_id": orNull(r.sessionID), "rotating": r.rotating,
		"created_at": stamp(r.createdAt), "idle_expires_at": stampOrNull(r.idleExpires), "expires_at": stampOrNull(r.expires),
		"resource_servers": []any{map[string]any{"audience": r.audience, "scopes": r.scope}},
	}
	if !r.lastUsed.IsZero() {
		m["last_exchanged_at"] = stamp(r.lastUsed)
	}
	if r.device != (device{}) {
		m["device"] = r.device.view()
	}
	if r.metadata != nil {
		m["refresh_token_metadata"] = r.metadata
	}
	return m
}

func readRefreshToken(c *call) *reply {
	r, bad := c.refreshToken()
	if bad != nil {
		return bad
	}
	return ok(r.view())
}

// updateRefreshToken replaces the metadata; null removes them.
func updateRefreshToken(c *call) *reply {
	r, bad := c.refreshToken()
	if bad != nil {
		return bad
	}
	r.metadata = c.obj("refresh_token_metadata")
	return ok(r.view())
}

// deleteRefreshToken accepts ids that there are not. It answers as recorded; the
// OpenAPI description says 202.
func deleteRefreshToken(c *call) *reply {
	if r := c.t.authState.refresh.get(c.path("id")); r != nil {
		c.t.authState.refresh.revoke(r)
	}
	return noContent()
}

func listUserRefreshTokens(c *call) *reply {
	u, bad := c.userOf("user_id")
	if bad != nil {
		return bad
	}
	return pageByID(c, "tokens", c.refreshTokensOf(u.id), (*refreshToken).key, func(r *refreshToken) any { return r.view() })
}

func (r *refreshToken) key() string { return r.id }

func deleteUserRefreshTokens(c *call) *reply {
	u, bad := c.userOf("user_id")
	if bad != nil {
		return bad
	}
	c.revokeAll(c.t.authState.refresh.of(u.id))
	return accepted(nothing())
}

// listRefreshTokens lists those of one user by their ids.
func listRefreshTokens(c *call) *reply {
	id := c.query.Get("user_id")
	if c.t.users.get(id) == nil {
		return noSuchUser()
	}
	client := c.query.Get("client_id")
	rows := slices.DeleteFunc(c.refreshTokensOf(id), func(r *refreshToken) bool { return client != "" && r.clientID != client })
	slices.SortFunc(rows, func(a, b *refreshToken) int { return strings.Compare(a.id, b.id) })
	return pageByID(c, "refresh_tokens", rows, (*refreshToken).key, func(r *refreshToken) any { return c.fields(r.view()) })
}

// revokeRefreshTokens takes either ids, or a user, who may be narrowed by a
// client and that by an API.
func revokeRefreshTokens(c *call) *reply {
	if bad := c.revocable(); bad != nil {
		return bad
	}
	st := &c.t.authState.refresh
	for _, id := range c.strs("ids") {
		if r := st.get(id); r != nil {
			st.revoke(r)
		}
	}
	client, audience := c.str("client_id"), c.str("audience")
	c.revokeAll(slices.DeleteFunc(st.of(c.str("user_id")), func(r *refreshToken) bool {
		return client != "" && r.clientID != client || audience != "" && r.audience != audience
	}))
	return accepted(nothing())
}

func (c *call) revocable() *reply {
	wrong := ""
	switch {
	case c.has("ids") == c.has("user_id"):
		wrong = "Exactly one of 'ids' and 'user_id' must be provided"
	case c.has("ids") && (c.has("client_id") || c.has("audience")):
		wrong = "'ids' cannot be combined with 'client_id' or 'audience'"
	case c.has("audience") && !c.has("client_id"):
		wrong = "'audience' must be used with both 'user_id' and 'client_id'"
	case len(c.strs("ids")) > maxRevoked:
		wrong = "Array is too long (" + plain(float64(len(c.strs("ids")))) + "), maximum 100"
	}
	if wrong == "" {
		return nil
	}
	return badRequest("Payload validation error: '"+wrong+"'.", "invalid_body")
}

func (c *call) revokeAll(tokens []*refreshToken) {
	for _, r := range tokens {
		c.t.authState.refresh.revoke(r)
	}
}
