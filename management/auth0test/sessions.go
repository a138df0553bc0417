package auth0test

import "slices"

func sessionRoutes() []route {
	return []route{
		{method: "GET", pattern: "/sessions/{id}", handle: readSession},
		{method: "PATCH", pattern: "/sessions/{id}", handle: updateSession},
		{method: "DELETE", pattern: "/sessions/{id}", handle: deleteSession},
		{method: "POST", pattern: "/sessions/{id}/revoke", handle: revokeSession},
		{method: "GET", pattern: "/users/{user_id}/sessions", handle: listUserSessions},
		{method: "DELETE", pattern: "/users/{user_id}/sessions", handle: deleteUserSessions},
		{method: "POST", pattern: "/users/{id}/revoke-access", handle: revokeAccess},
		{method: "GET", pattern: "/users/{id}/connected-accounts", handle: listConnectedAccounts},
		{method: "GET", pattern: "/users/{id}/federated-connections-tokensets", handle: listTokenSets},
		{method: "DELETE", pattern: "/users/{id}/federated-connections-tokensets/{tokenset_id}", handle: deleteTokenSet},
	}
}

const noSession = "The session does not exist."

func nothing() map[string]any { return map[string]any{} }

// session returns the living session of the path.
func (c *call) session() (*session, *reply) {
	s := c.t.authState.sessions.get(c.path("id"))
	if s == nil || !s.alive(c.now) {
		return nil, notFound(noSession, "")
	}
	return s, nil
}

// userOf returns the user that a part of the path names.
func (c *call) userOf(part string) (*user, *reply) {
	u := c.t.users.get(c.path(part))
	if u == nil {
		return nil, noSuchUser()
	}
	return u, nil
}

func (d device) view() map[string]any {
	return map[string]any{
		"initial_user_agent": d.InitialUserAgent, "initial_ip": d.InitialIP, "initial_asn": d.InitialASN,
		"last_user_agent": d.LastUserAgent, "last_ip": d.LastIP, "last_asn": d.LastASN,
	}
}

func (s *session) view() map[string]any {
	methods := []any{}
	for _, m := range s.methods {
		v := map[string]any{"name": m.Name, "timestamp": stamp(m.At)}
		put(v, "type", m.Type)
		methods = append(methods, v)
	}
	m := map[string]any{
		"id": s.id, "user_id": s.userID, "created_at": stamp(s.createdAt), "updated_at": stamp(s.updatedAt),
		"authenticated_at": stamp(s.authenticatedAt), "idle_expires_at": stamp(s.idleExpires), "expires_at": stamp(s.expires),
		"last_interacted_at": stamp(s.lastSeen), "device": s.device.view(), "authentication": map[string]any{"methods": methods},
		"clients": render(s.clients, func(id string) any { return map[string]any{"client_id": id} }),
	}
	if s.metadata != nil {
		m["session_metadata"] = s.metadata
	}
	return m
}

func readSession(c *call) *reply {
	s, bad := c.session()
	if bad != nil {
		return bad
	}
	return ok(s.view())
}

// updateSession replaces the metadata; null removes them.
func updateSession(c *call) *reply {
	s, bad := c.session()
	if bad != nil {
		return bad
	}
	s.metadata, s.updatedAt = c.obj("session_metadata"), c.now
	return ok(s.view())
}

// deleteSession accepts ids that there are not.
func deleteSession(c *call) *reply {
	if s := c.t.authState.sessions.get(c.path("id")); s != nil {
		c.t.endSession(s, "session-revoked")
	}
	return accepted(nothing())
}

func revokeSession(c *call) *reply {
	if _, bad := c.session(); bad != nil {
		return bad
	}
	c.t.revokeSession(c.path("id"))
	return accepted(nothing())
}

func listUserSessions(c *call) *reply {
	u, bad := c.userOf("user_id")
	if bad != nil {
		return bad
	}
	rows := c.t.sessionsOf(u.id, c.now)
	return pageByID(c, "sessions", rows, func(s *session) string { return s.id }, func(s *session) any { return s.view() })
}

func deleteUserSessions(c *call) *reply {
	u, bad := c.userOf("user_id")
	if bad != nil {
		return bad
	}
	c.t.deleteUserSessions(u.id, "session-revoked")
	return accepted(nothing())
}

// revokeAccess does not tell whether there is such a user.
func revokeAccess(c *call) *reply {
	c.t.revokeUserAccess(c.path("id"), c.str("session_id"), c.yes("preserve_refresh_tokens"))
	return accepted(nothing())
}

// The tenant has no users of other identity providers, whose tokens and accounts
// these are.

func listConnectedAccounts(c *call) *reply {
	if _, bad := c.userOf("id"); bad != nil {
		return bad
	}
	return ok(map[string]any{"connected_accounts": []any{}})
}

func listTokenSets(c *call) *reply {
	if _, bad := c.userOf("id"); bad != nil {
		return bad
	}
	return ok([]any{})
}

func deleteTokenSet(*call) *reply { return noContent() }

// pageByID answers a page of a list whose cursors are the ids of its rows.
func pageByID[T any](c *call, key string, rows []T, id func(T) string, view func(T) any) *reply {
	body := map[string]any{}
	if c.flag("include_totals") {
		body["total"] = len(rows)
	}
	if from := c.query.Get("from"); from != "" {
		i := slices.IndexFunc(rows, func(r T) bool { return id(r) == from })
		if i < 0 {
			return badRequest(badCursor, "")
		}
		rows = rows[i+1:]
	}
	page := rows[:min(c.number("take", 50), len(rows))]
	if len(page) < len(rows) {
		body["next"] = id(page[len(page)-1])
	}
	body[key] = render(page, view)
	return ok(body)
}
