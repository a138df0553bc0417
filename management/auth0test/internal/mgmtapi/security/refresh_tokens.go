package security

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func RefreshTokenRoutes() []mgmtapi.Route {
	return refreshTokens.Routes([]mgmtapi.Route{
		{Method: "GET", Pattern: "/refresh-tokens", Handle: mgmtapi.Listing(askedUser, tokenPage("refresh_tokens"), askedTokens, func(c *mgmtapi.Call, r *state.RefreshToken) map[string]any { return c.Fields(viewRefreshToken(c, r)) })},
		{Method: "POST", Pattern: "/refresh-tokens/revoke", Handle: revokeRefreshTokens},
		{Method: "DELETE", Pattern: "/refresh-tokens/{id}", Handle: mgmtapi.Doing(mgmtapi.Any, deleteRefreshToken)},
		{Method: "GET", Pattern: "/users/{user_id}/refresh-tokens", Handle: mgmtapi.Listing(userOf("user_id"), tokenPage("tokens"), refreshTokensOf, viewRefreshToken)},
		{Method: "DELETE", Pattern: "/users/{user_id}/refresh-tokens", Handle: mgmtapi.Accepting(userOf("user_id"), func(c *mgmtapi.Call, u *state.User) { c.RevokeAll(c.T.Auth.Refresh.Of(u.ID)) })},
	}...)
}

const maxRevoked = 100 // Ids in one request.

// refreshTokens are those that live. A change replaces the metadata; null removes
// them.
var refreshTokens = &mgmtapi.Resource[state.RefreshToken]{
	Path: "/refresh-tokens", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.RefreshToken] { return &t.Auth.Refresh.Table }),
	Missing: mgmtapi.Text{Message: "The refresh token does not exist."},
	Gone:    func(c *mgmtapi.Call, r *state.RefreshToken) bool { return !r.Alive(c.Now) },
	Set: func(c *mgmtapi.Call, r *state.RefreshToken) *mgmtapi.Reply {
		r.Metadata = c.Obj("refresh_token_metadata")
		return nil
	},
	View: viewRefreshToken,
}

func refreshTokensOf(c *mgmtapi.Call, u *state.User) []*state.RefreshToken {
	return slices.DeleteFunc(c.T.Auth.Refresh.Of(u.ID), func(r *state.RefreshToken) bool { return !r.Alive(c.Now) })
}

func viewRefreshToken(_ *mgmtapi.Call, r *state.RefreshToken) map[string]any {
	m := map[string]any{
		"id": r.ID, "user_id": r.UserID, "client_id": r.ClientID, "session_id": store.OrNull(r.SessionID), "rotating": r.Rotating,
		"created_at": store.Stamp(r.CreatedAt), "idle_expires_at": nil, "expires_at": nil,
		"resource_servers": []any{map[string]any{"audience": r.Audience, "scopes": r.Scope}},
	}
	store.PutTime(m, "idle_expires_at", r.IdleExpires)
	store.PutTime(m, "expires_at", r.Expires)
	store.PutTime(m, "last_exchanged_at", r.LastUsed)
	if r.Device != (state.Device{}) {
		m["device"] = viewDevice(r.Device)
	}
	if r.Metadata != nil {
		m["refresh_token_metadata"] = r.Metadata
	}
	return m
}

// deleteRefreshToken accepts ids that there are not. It answers as recorded; the
// OpenAPI description says 202.
func deleteRefreshToken(c *mgmtapi.Call, t *state.Tenant) {
	if r := t.Auth.Refresh.Get(c.Path("id")); r != nil {
		t.Auth.Refresh.Revoke(r)
	}
}

func tokenPage(key string) mgmtapi.Envelope[*state.RefreshToken] {
	return mgmtapi.Envelope[*state.RefreshToken]{Key: key, Form: mgmtapi.Cursor, ID: func(r *state.RefreshToken) string { return r.ID }}
}

// askedUser is the user of the query.
func askedUser(c *mgmtapi.Call) (*state.User, *mgmtapi.Reply) {
	if u := c.T.Users.Get(c.Query.Get("user_id")); u != nil {
		return u, nil
	}
	return nil, mgmtapi.NoSuchUser()
}

// askedTokens are those of one user by their ids.
func askedTokens(c *mgmtapi.Call, u *state.User) []*state.RefreshToken {
	rows := slices.DeleteFunc(refreshTokensOf(c, u), func(r *state.RefreshToken) bool { return !c.Asks("client_id", r.ClientID) })
	slices.SortFunc(rows, func(a, b *state.RefreshToken) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

// revokeRefreshTokens takes either ids, or a user, who may be narrowed by a
// client and that by an API.
func revokeRefreshTokens(c *mgmtapi.Call) *mgmtapi.Reply {
	if bad := revocable(c); bad != nil {
		return bad
	}
	st := &c.T.Auth.Refresh
	for _, id := range c.Strs("ids") {
		if r := st.Get(id); r != nil {
			st.Revoke(r)
		}
	}
	client, audience := c.Str("client_id"), c.Str("audience")
	c.RevokeAll(slices.DeleteFunc(st.Of(c.Str("user_id")), func(r *state.RefreshToken) bool {
		return client != "" && r.ClientID != client || audience != "" && r.Audience != audience
	}))
	return mgmtapi.Accepted(mgmtapi.Nothing())
}

func revocable(c *mgmtapi.Call) *mgmtapi.Reply {
	wrong := ""
	switch {
	case c.Has("ids") == c.Has("user_id"):
		wrong = "Exactly one of 'ids' and 'user_id' must be provided"
	case c.Has("ids") && (c.Has("client_id") || c.Has("audience")):
		wrong = "'ids' cannot be combined with 'client_id' or 'audience'"
	case c.Has("audience") && !c.Has("client_id"):
		wrong = "'audience' must be used with both 'user_id' and 'client_id'"
	case len(c.Strs("ids")) > maxRevoked:
		wrong = "Array is too long (" + schema.Plain(float64(len(c.Strs("ids")))) + "), maximum 100"
	}
	if wrong == "" {
		return nil
	}
	return mgmtapi.Invalid(wrong)
}
