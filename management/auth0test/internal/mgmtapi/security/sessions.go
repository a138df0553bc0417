package security

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SessionRoutes() []mgmtapi.Route {
	return sessions.Routes([]mgmtapi.Route{
		{Method: "DELETE", Pattern: "/sessions/{id}", Handle: mgmtapi.Accepting(mgmtapi.Any, deleteSession)},
		{Method: "POST", Pattern: "/sessions/{id}/revoke", AllOf: true, Handle: mgmtapi.Accepting(sessions.Find, func(c *mgmtapi.Call, s *state.Session) { c.T.RevokeSession(s) })},
		{Method: "GET", Pattern: "/users/{user_id}/sessions", Handle: mgmtapi.Listing(userOf("user_id"), sessionPage, func(c *mgmtapi.Call, u *state.User) []*state.Session { return c.T.SessionsOf(u.ID, c.Now) }, viewSession)},
		{Method: "DELETE", Pattern: "/users/{user_id}/sessions", Handle: mgmtapi.Accepting(userOf("user_id"), func(c *mgmtapi.Call, u *state.User) { c.T.DeleteUserSessions(u.ID, "", "session-revoked") })},
		{Method: "POST", Pattern: "/users/{id}/revoke-access", AllOf: true, Handle: mgmtapi.Accepting(mgmtapi.Any, revokeAccess)},
		// The tenant has no users of other identity providers, whose tokens and accounts these are.
		{Method: "GET", Pattern: "/users/{id}/connected-accounts", Handle: mgmtapi.Telling(userOf("id"), func(*mgmtapi.Call, *state.User) any { return map[string]any{"connected_accounts": []any{}} })},
		{Method: "GET", Pattern: "/users/{id}/federated-connections-tokensets", Handle: mgmtapi.Telling(userOf("id"), func(*mgmtapi.Call, *state.User) any { return []any{} })},
		{Method: "DELETE", Pattern: "/users/{id}/federated-connections-tokensets/{tokenset_id}", Handle: mgmtapi.Doing(mgmtapi.Any, func(*mgmtapi.Call, *state.Tenant) {})},
	}...)
}

// sessions are those that live. A change replaces the metadata; null removes them.
var sessions = &mgmtapi.Resource[*state.Session]{
	Path: "/sessions", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.Session] { return &t.Auth.Sessions.Table }),
	Missing: mgmtapi.Text{Message: "The session does not exist."},
	Gone:    func(c *mgmtapi.Call, s *state.Session) bool { return !s.Alive(c.Now) },
	Set: func(c *mgmtapi.Call, s *state.Session) *mgmtapi.Reply {
		s.Metadata, s.UpdatedAt = c.Obj("session_metadata"), c.Now
		return nil
	},
	View: viewSession,
}

// userOf returns the user that a part of the path names.
func userOf(part string) func(c *mgmtapi.Call) (*state.User, *mgmtapi.Reply) {
	return func(c *mgmtapi.Call) (*state.User, *mgmtapi.Reply) { return c.UserNamed(c.Path(part)) }
}

func viewDevice(d state.Device) map[string]any {
	return map[string]any{
		"initial_user_agent": d.InitialUserAgent, "initial_ip": d.InitialIP, "initial_asn": d.InitialASN,
		"last_user_agent": d.LastUserAgent, "last_ip": d.LastIP, "last_asn": d.LastASN,
	}
}

func viewSession(_ *mgmtapi.Call, s *state.Session) map[string]any {
	methods := store.Render(s.Methods, func(m state.AuthMethod) any {
		v := map[string]any{"name": m.Name, "timestamp": store.Stamp(m.At)}
		store.Put(v, "type", m.Type)
		return v
	})
	m := map[string]any{
		"id": s.ID, "user_id": s.UserID, "created_at": store.Stamp(s.CreatedAt), "updated_at": store.Stamp(s.UpdatedAt),
		"authenticated_at": store.Stamp(s.AuthenticatedAt), "idle_expires_at": store.Stamp(s.IdleExpires), "expires_at": store.Stamp(s.Expires),
		"last_interacted_at": store.Stamp(s.LastSeen), "device": viewDevice(s.Device), "authentication": map[string]any{"methods": methods},
		"clients": store.Render(s.Clients, func(id string) any { return map[string]any{"client_id": id} }),
	}
	if s.Metadata != nil {
		m["session_metadata"] = s.Metadata
	}
	return m
}

// deleteSession accepts ids that there are not.
func deleteSession(c *mgmtapi.Call, t *state.Tenant) {
	if s := t.Auth.Sessions.Get(c.Path("id")); s != nil {
		t.EndSession(s, "session-revoked")
	}
}

var sessionPage = mgmtapi.Envelope[*state.Session]{Key: "sessions", Form: mgmtapi.Cursor, ID: func(s *state.Session) string { return s.ID }}

// revokeAccess does not tell whether there is such a user.
func revokeAccess(c *mgmtapi.Call, t *state.Tenant) {
	t.RevokeUserAccess(c.Path("id"), c.Str("session_id"), c.Yes("preserve_refresh_tokens"))
}

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
var refreshTokens = &mgmtapi.Resource[*state.RefreshToken]{
	Path: "/refresh-tokens", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.RefreshToken] { return &t.Auth.Refresh.Table }),
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
	return c.UserNamed(c.Query.Get("user_id"))
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
