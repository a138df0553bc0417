package security

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SessionRoutes() []mgmtapi.Route {
	return sessions.Routes([]mgmtapi.Route{
		{Method: "DELETE", Pattern: "/sessions/{id}", Handle: mgmtapi.Accepting(mgmtapi.Any, deleteSession)},
		{Method: "POST", Pattern: "/sessions/{id}/revoke", AllOf: true, Handle: mgmtapi.Accepting(sessions.Find, func(c *mgmtapi.Call, s *state.Session) { c.T.RevokeSession(s.ID) })},
		{Method: "GET", Pattern: "/users/{user_id}/sessions", Handle: mgmtapi.Listing(userOf("user_id"), sessionPage, func(c *mgmtapi.Call, u *state.User) []*state.Session { return c.T.SessionsOf(u.ID, c.Now) }, viewSession)},
		{Method: "DELETE", Pattern: "/users/{user_id}/sessions", Handle: mgmtapi.Accepting(userOf("user_id"), func(c *mgmtapi.Call, u *state.User) { c.T.DeleteUserSessions(u.ID, "session-revoked") })},
		{Method: "POST", Pattern: "/users/{id}/revoke-access", AllOf: true, Handle: mgmtapi.Accepting(mgmtapi.Any, revokeAccess)},
		// The tenant has no users of other identity providers, whose tokens and accounts these are.
		{Method: "GET", Pattern: "/users/{id}/connected-accounts", Handle: mgmtapi.Telling(userOf("id"), func(*mgmtapi.Call, *state.User) any { return map[string]any{"connected_accounts": []any{}} })},
		{Method: "GET", Pattern: "/users/{id}/federated-connections-tokensets", Handle: mgmtapi.Telling(userOf("id"), func(*mgmtapi.Call, *state.User) any { return []any{} })},
		{Method: "DELETE", Pattern: "/users/{id}/federated-connections-tokensets/{tokenset_id}", Handle: mgmtapi.Doing(mgmtapi.Any, func(*mgmtapi.Call, *state.Tenant) {})},
	}...)
}

// sessions are those that live. A change replaces the metadata; null removes them.
var sessions = &mgmtapi.Resource[state.Session]{
	Path: "/sessions", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.Session] { return &t.Auth.Sessions.Table }),
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
	return func(c *mgmtapi.Call) (*state.User, *mgmtapi.Reply) {
		if u := c.T.Users.Get(c.Path(part)); u != nil {
			return u, nil
		}
		return nil, mgmtapi.NoSuchUser()
	}
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
