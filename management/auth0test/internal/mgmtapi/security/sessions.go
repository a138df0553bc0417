package security

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SessionRoutes() []mgmtapi.Route {
	return sessions.Routes([]mgmtapi.Route{
		{Method: "DELETE", Pattern: "/sessions/{id}", Handle: deleteSession},
		{Method: "POST", Pattern: "/sessions/{id}/revoke", AllOf: true, Handle: mgmtapi.On(sessions.Find, revokeSession)},
		{Method: "GET", Pattern: "/users/{user_id}/sessions", Handle: mgmtapi.On(userOf("user_id"), listUserSessions)},
		{Method: "DELETE", Pattern: "/users/{user_id}/sessions", Handle: mgmtapi.On(userOf("user_id"), deleteUserSessions)},
		{Method: "POST", Pattern: "/users/{id}/revoke-access", AllOf: true, Handle: revokeAccess},
		{Method: "GET", Pattern: "/users/{id}/connected-accounts", Handle: mgmtapi.On(userOf("id"), listConnectedAccounts)},
		{Method: "GET", Pattern: "/users/{id}/federated-connections-tokensets", Handle: mgmtapi.On(userOf("id"), listTokenSets)},
		{Method: "DELETE", Pattern: "/users/{id}/federated-connections-tokensets/{tokenset_id}", Handle: deleteTokenSet},
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
	View: func(_ *mgmtapi.Call, s *state.Session) map[string]any { return viewSession(s) },
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

func viewSession(s *state.Session) map[string]any {
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
func deleteSession(c *mgmtapi.Call) *mgmtapi.Reply {
	if s := c.T.Auth.Sessions.Get(c.Path("id")); s != nil {
		c.T.EndSession(s, "session-revoked")
	}
	return mgmtapi.Accepted(mgmtapi.Nothing())
}

func revokeSession(c *mgmtapi.Call, _ *state.Session) *mgmtapi.Reply {
	c.T.RevokeSession(c.Path("id"))
	return mgmtapi.Accepted(mgmtapi.Nothing())
}

func listUserSessions(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	rows := c.T.SessionsOf(u.ID, c.Now)
	page := mgmtapi.Envelope[*state.Session]{Key: "sessions", Form: mgmtapi.Cursor, ID: func(s *state.Session) string { return s.ID }}
	return mgmtapi.List(c, page, rows, func(s *state.Session) any { return viewSession(s) })
}

func deleteUserSessions(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	c.T.DeleteUserSessions(u.ID, "session-revoked")
	return mgmtapi.Accepted(mgmtapi.Nothing())
}

// revokeAccess does not tell whether there is such a user.
func revokeAccess(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.RevokeUserAccess(c.Path("id"), c.Str("session_id"), c.Yes("preserve_refresh_tokens"))
	return mgmtapi.Accepted(mgmtapi.Nothing())
}

// The tenant has no users of other identity providers, whose tokens and accounts
// these are.

func listConnectedAccounts(c *mgmtapi.Call, _ *state.User) *mgmtapi.Reply {
	return mgmtapi.OK(map[string]any{"connected_accounts": []any{}})
}

func listTokenSets(c *mgmtapi.Call, _ *state.User) *mgmtapi.Reply {
	return mgmtapi.OK([]any{})
}

func deleteTokenSet(*mgmtapi.Call) *mgmtapi.Reply { return mgmtapi.NoContent() }
