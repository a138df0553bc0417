package auth0test

import (
	"slices"
	"time"
)

// Auth0's defaults of a tenant's sessions.
const (
	sessionLifetime     = 168 * time.Hour
	sessionIdleLifetime = 72 * time.Hour
)

// device is where a session or a token was last seen.
type device struct {
	InitialIP, InitialUserAgent, InitialASN string
	LastIP, LastUserAgent, LastASN          string
}

// authMethod is one proof of a session: Name is "pwd", "federated", "mfa", …;
// Type says which factor, with "mfa" only.
type authMethod struct {
	Name, Type string
	At         time.Time
}

// session is a login session of a browser at the tenant, what Auth0 calls a
// session with its own cookie. Its id is the sid claim of ID tokens.
type session struct {
	id, userID string
	cookie     string
	connection string

	createdAt, updatedAt, authenticatedAt time.Time
	lastSeen, idleExpires, expires        time.Time

	device   device
	clients  []string // In the order of their first use.
	methods  []authMethod
	metadata map[string]any
	issuer   string // Of the host at which it began: what logout tokens say.
}

// alive reports whether the session may still be used.
func (s *session) alive(now time.Time) bool {
	return now.Before(s.expires) && now.Before(s.idleExpires)
}

// mfa reports whether a second factor was passed in the session.
func (s *session) mfa() bool {
	return slices.ContainsFunc(s.methods, func(m authMethod) bool { return m.Name == "mfa" })
}

// sessionStore holds the sessions. The tenant's mutex guards it.
type sessionStore struct {
	table[session]
	byCookie map[string]string
	byUser   map[string][]string // Session ids, oldest first.
	lifetime time.Duration
	idle     time.Duration
}

func (s *sessionStore) start() {
	s.byCookie, s.byUser = map[string]string{}, map[string][]string{}
	s.lifetime, s.idle = sessionLifetime, sessionIdleLifetime
}

// newSession begins a session; the caller holds the mutex.
func (t *Tenant) newSession(userID, connection, issuer string, from origin, now time.Time) *session {
	s := &session{
		id: randomID(32), userID: userID, connection: connection, issuer: issuer,
		device: device{InitialIP: from.ip, InitialUserAgent: from.userAgent},
	}
	t.begin(s, from, now)
	return s
}

// begin keeps a new session, from now on.
func (t *Tenant) begin(s *session, from origin, now time.Time) {
	st := &t.authState.sessions
	s.cookie, s.createdAt, s.authenticatedAt = randomID(43), now, now
	s.expires = now.Add(st.lifetime)
	s.touch(from, st.idle, now)
	st.put(s.id, s)
	st.byCookie[s.cookie] = s.id
	st.byUser[s.userID] = append(st.byUser[s.userID], s.id)
	t.timeline.at(s.idleExpires, func(now time.Time) { t.expireSession(s.id, now) })
}

// touch notes an interaction.
func (s *session) touch(from origin, idle time.Duration, now time.Time) {
	s.lastSeen, s.updatedAt = now, now
	s.device.LastIP, s.device.LastUserAgent = from.ip, from.userAgent
	s.idleExpires = now.Add(idle)
	if s.idleExpires.After(s.expires) {
		s.idleExpires = s.expires
	}
}

// expireSession ends a session whose time is over, and looks again later
// otherwise: every interaction moves the idle deadline.
func (t *Tenant) expireSession(id string, now time.Time) {
	s := t.authState.sessions.get(id)
	switch {
	case s == nil:
	case s.alive(now):
		t.timeline.at(s.idleExpires, func(now time.Time) { t.expireSession(id, now) })
	default:
		t.endSession(s, "session-expired")
	}
}

// sessionByCookie returns the living session of a browser, or nil.
func (t *Tenant) sessionByCookie(cookie string, now time.Time) *session {
	s := t.authState.sessions.get(t.authState.sessions.byCookie[cookie])
	if s == nil || !s.alive(now) {
		return nil
	}
	return s
}

// sessionsOf returns the living sessions of a user, oldest first.
func (t *Tenant) sessionsOf(userID string, now time.Time) []*session {
	var out []*session
	for _, id := range t.authState.sessions.byUser[userID] {
		if s := t.authState.sessions.get(id); s != nil && s.alive(now) {
			out = append(out, s)
		}
	}
	return out
}

// endSession forgets a session and tells the applications that registered for
// it. Its refresh tokens stay: DELETE /sessions/{id} and logout do not end them.
func (t *Tenant) endSession(s *session, initiator string) {
	st := &t.authState.sessions
	if !st.delete(s.id) {
		return
	}
	delete(st.byCookie, s.cookie)
	st.byUser[s.userID] = slices.DeleteFunc(st.byUser[s.userID], func(id string) bool { return id == s.id })
	if len(st.byUser[s.userID]) == 0 {
		delete(st.byUser, s.userID)
	}
	t.backChannelLogout(s, initiator)
}

// revokeSession ends a session and its refresh tokens, as POST
// /sessions/{id}/revoke does; false when there is none. The caller holds the mutex.
func (t *Tenant) revokeSession(id string) bool {
	s := t.authState.sessions.get(id)
	if s == nil {
		return false
	}
	t.endSession(s, "session-revoked")
	for _, r := range t.authState.refresh.of(s.userID) {
		if r.sessionID == id {
			t.authState.refresh.revoke(r)
		}
	}
	return true
}

// deleteUserSessions ends all sessions of a user, but no refresh token.
func (t *Tenant) deleteUserSessions(userID, initiator string) {
	for _, id := range slices.Clone(t.authState.sessions.byUser[userID]) {
		t.endSession(t.authState.sessions.get(id), initiator)
	}
}

// revokeUserAccess ends the sessions of a user and, unless asked to keep them,
// the refresh tokens; with a session id, only those of that session.
func (t *Tenant) revokeUserAccess(userID, sessionID string, keepRefreshTokens bool) {
	st := &t.authState.sessions
	for _, id := range slices.Clone(st.byUser[userID]) {
		if sessionID == "" || id == sessionID {
			t.endSession(st.get(id), "session-revoked")
		}
	}
	if keepRefreshTokens {
		return
	}
	for _, r := range t.authState.refresh.of(userID) {
		if sessionID == "" || r.sessionID == sessionID {
			t.authState.refresh.revoke(r)
		}
	}
}

// passwordChanged ends what a changed password ends: the sessions and the
// refresh tokens of the user. It is for every way of changing one.
func (t *Tenant) passwordChanged(userID string) {
	t.deleteUserSessions(userID, "password-changed")
	for _, r := range t.authState.refresh.of(userID) {
		t.authState.refresh.revoke(r)
	}
}

// identifierChanged ends the sessions of a user whose email changed.
func (t *Tenant) identifierChanged(userID string) {
	t.deleteUserSessions(userID, "email-identifier-changed")
}

// userDeleted forgets what the Authentication API keeps about a user.
func (t *Tenant) userDeleted(userID string) {
	t.deleteUserSessions(userID, "account-deleted")
	for _, r := range t.authState.refresh.of(userID) {
		t.authState.refresh.revoke(r)
	}
	delete(t.authState.factors.byUser, userID)
}
