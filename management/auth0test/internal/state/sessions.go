package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Auth0's defaults of a tenant's sessions.
const (
	sessionLifetime     = 168 * time.Hour
	sessionIdleLifetime = 72 * time.Hour
)

// Device is where a session or a token was last seen.
type Device struct {
	InitialIP, InitialUserAgent, InitialASN string
	LastIP, LastUserAgent, LastASN          string
}

// AuthMethod is one proof of a session: Name is "pwd", "federated", "mfa", …;
// Type says which factor, with "mfa" only.
type AuthMethod struct {
	Name, Type string
	At         time.Time
}

// Session is a login session of a browser at the tenant, what Auth0 calls a
// session with its own cookie. Its id is the sid claim of ID tokens.
type Session struct {
	ID, UserID string
	Cookie     string
	Connection string

	CreatedAt, UpdatedAt, AuthenticatedAt time.Time
	LastSeen, IdleExpires, Expires        time.Time

	Device   Device
	Clients  []string // In the order of their first use.
	Methods  []AuthMethod
	Metadata map[string]any
	Issuer   string // Of the host at which it began: what logout tokens say.
}

// Alive reports whether the session may still be used.
func (s *Session) Alive(now time.Time) bool {
	return now.Before(s.Expires) && now.Before(s.IdleExpires)
}

// MFA reports whether a second factor was passed in the session.
func (s *Session) MFA() bool {
	return slices.ContainsFunc(s.Methods, func(m AuthMethod) bool { return m.Name == "mfa" })
}

// sessionStore holds the sessions. The tenant's mutex guards it.
type sessionStore struct {
	store.Table[*Session]
	byCookie map[string]string
	byUser   map[string][]string // Session ids, oldest first.
	Lifetime time.Duration
	Idle     time.Duration
}

func (s *sessionStore) start() {
	s.byCookie, s.byUser = map[string]string{}, map[string][]string{}
	s.Lifetime, s.Idle = sessionLifetime, sessionIdleLifetime
}

// NewSession begins a session; the caller holds the mutex.
func (t *Tenant) NewSession(userID, connection, issuer string, from web.Origin, now time.Time) *Session {
	s := &Session{
		ID: store.RandomID(32), UserID: userID, Connection: connection, Issuer: issuer,
		Device: Device{InitialIP: from.IP, InitialUserAgent: from.UserAgent},
	}
	t.Begin(s, from, now)
	return s
}

// Begin keeps a new session, from now on.
func (t *Tenant) Begin(s *Session, from web.Origin, now time.Time) {
	st := &t.Auth.Sessions
	s.Cookie, s.CreatedAt, s.AuthenticatedAt = store.RandomID(43), now, now
	s.Expires = now.Add(st.Lifetime)
	s.Touch(from, st.Idle, now)
	st.Put(s.ID, s)
	st.byCookie[s.Cookie] = s.ID
	st.byUser[s.UserID] = append(st.byUser[s.UserID], s.ID)
	t.Timeline.At(s.IdleExpires, func(now time.Time) { t.expireSession(s.ID, now) })
}

// Touch notes an interaction.
func (s *Session) Touch(from web.Origin, idle time.Duration, now time.Time) {
	s.LastSeen, s.UpdatedAt = now, now
	s.Device.LastIP, s.Device.LastUserAgent = from.IP, from.UserAgent
	s.IdleExpires = now.Add(idle)
	if s.IdleExpires.After(s.Expires) {
		s.IdleExpires = s.Expires
	}
}

// expireSession ends a session whose time is over, and looks again later
// otherwise: every interaction moves the idle deadline.
func (t *Tenant) expireSession(id string, now time.Time) {
	s := t.Auth.Sessions.Get(id)
	switch {
	case s == nil:
	case s.Alive(now):
		t.Timeline.At(s.IdleExpires, func(now time.Time) { t.expireSession(id, now) })
	default:
		t.EndSession(s, "session-expired")
	}
}

// SessionByCookie returns the living session of a browser, or nil.
func (t *Tenant) SessionByCookie(cookie string, now time.Time) *Session {
	s := t.Auth.Sessions.Get(t.Auth.Sessions.byCookie[cookie])
	if s == nil || !s.Alive(now) {
		return nil
	}
	return s
}

// SessionsOf returns the living sessions of a user, oldest first.
func (t *Tenant) SessionsOf(userID string, now time.Time) []*Session {
	var out []*Session
	for _, id := range t.Auth.Sessions.byUser[userID] {
		if s := t.Auth.Sessions.Get(id); s != nil && s.Alive(now) {
			out = append(out, s)
		}
	}
	return out
}

// EndSession forgets a session and tells the applications that registered for
// it. Its refresh tokens stay: DELETE /sessions/{id} and logout do not end them.
func (t *Tenant) EndSession(s *Session, initiator string) {
	st := &t.Auth.Sessions
	if !st.Delete(s.ID) {
		return
	}
	delete(st.byCookie, s.Cookie)
	st.byUser[s.UserID] = slices.DeleteFunc(st.byUser[s.UserID], func(id string) bool { return id == s.ID })
	if len(st.byUser[s.UserID]) == 0 {
		delete(st.byUser, s.UserID)
	}
	t.backChannelLogout(s, initiator)
}

// RevokeSession ends a session and its refresh tokens, as POST
// /sessions/{id}/revoke does. The caller holds the mutex.
func (t *Tenant) RevokeSession(s *Session) {
	t.EndSession(s, "session-revoked")
	t.revokeTokens(s.UserID, s.ID)
}

// DeleteUserSessions ends all sessions of a user, or the one that is named, but no
// refresh token.
func (t *Tenant) DeleteUserSessions(userID, sessionID, initiator string) {
	for _, id := range slices.Clone(t.Auth.Sessions.byUser[userID]) {
		if sessionID == "" || id == sessionID {
			t.EndSession(t.Auth.Sessions.Get(id), initiator)
		}
	}
}

// revokeTokens ends the refresh tokens of a user, or those of one session.
func (t *Tenant) revokeTokens(userID, sessionID string) {
	for _, r := range t.Auth.Refresh.Of(userID) {
		if sessionID == "" || r.SessionID == sessionID {
			t.Auth.Refresh.Revoke(r)
		}
	}
}

// RevokeUserAccess ends the sessions of a user and, unless asked to keep them,
// the refresh tokens; with a session id, only those of that session.
func (t *Tenant) RevokeUserAccess(userID, sessionID string, keepRefreshTokens bool) {
	t.DeleteUserSessions(userID, sessionID, "session-revoked")
	if !keepRefreshTokens {
		t.revokeTokens(userID, sessionID)
	}
}

// PasswordChanged ends what a changed password ends: the sessions and the
// refresh tokens of the user. It is for every way of changing one.
func (t *Tenant) PasswordChanged(userID string) {
	t.DeleteUserSessions(userID, "", "password-changed")
	t.revokeTokens(userID, "")
}

// userDeleted forgets what the Authentication API keeps about a user.
func (t *Tenant) userDeleted(userID string) {
	t.DeleteUserSessions(userID, "", "account-deleted")
	t.Withdraw(func(c *Consent) bool { return c.UserID == userID })
	delete(t.Auth.Factors.ByUser, userID)
}

// Auth0's defaults of an application's refresh tokens.
const (
	refreshLifetime     = 720 * time.Hour
	refreshIdleLifetime = 360 * time.Hour
)

// RefreshToken is a refresh token with everything that was granted with it. With
// rotation its value changes at every exchange and its id stays: the id names
// what Auth0 calls the family.
type RefreshToken struct {
	ID, Value string

	UserID, ClientID, SessionID, OrgID string
	Audience, Scope                    string
	Jkt                                string // The key that it is bound to, as those of public applications are.

	Rotating             bool
	Leeway               time.Duration // The value before still works so long.
	IdleLifetime         time.Duration // Zero: none.
	CreatedAt, LastUsed  time.Time
	RotatedAt            time.Time
	IdleExpires, Expires time.Time // Zero: never.
	AuthTime             time.Time
	Device               Device
	Metadata             map[string]any
	Spent                []string // Values before the current one.
}

func (r *RefreshToken) Alive(now time.Time) bool {
	return (r.Expires.IsZero() || now.Before(r.Expires)) && (r.IdleExpires.IsZero() || now.Before(r.IdleExpires))
}

// refreshStore holds the refresh tokens. The tenant's mutex guards it.
type refreshStore struct {
	store.Table[*RefreshToken]
	byValue map[string]string   // The current value of each.
	spent   map[string]string   // Values that rotation replaced.
	byUser  map[string][]string // Ids, oldest first.
}

func (s *refreshStore) start() {
	s.byValue, s.spent, s.byUser = map[string]string{}, map[string]string{}, map[string][]string{}
}

func newRefreshValue() string { return "v1." + store.RandomID(61) }

// Add stores a new token and gives it its value, and an id unless it has one.
func (s *refreshStore) Add(r *RefreshToken) {
	r.ID, r.Value = cmp.Or(r.ID, store.NewID("rt")), newRefreshValue()
	s.Put(r.ID, r)
	s.byValue[r.Value] = r.ID
	s.byUser[r.UserID] = append(s.byUser[r.UserID], r.ID)
}

// Of returns the tokens of a user, oldest first, expired ones too.
func (s *refreshStore) Of(userID string) []*RefreshToken {
	out := make([]*RefreshToken, 0, len(s.byUser[userID]))
	for _, id := range s.byUser[userID] {
		out = append(out, s.Get(id))
	}
	return out
}

// Revoke ends a token and with it its whole family.
func (s *refreshStore) Revoke(r *RefreshToken) {
	if !s.Delete(r.ID) {
		return
	}
	delete(s.byValue, r.Value)
	for _, value := range r.Spent {
		delete(s.spent, value)
	}
	s.byUser[r.UserID] = slices.DeleteFunc(s.byUser[r.UserID], func(id string) bool { return id == r.ID })
	if len(s.byUser[r.UserID]) == 0 {
		delete(s.byUser, r.UserID)
	}
}

// ByPresented returns the token that a value belongs to, and whether rotation
// had replaced that value before.
func (s *refreshStore) ByPresented(value string) (r *RefreshToken, reused bool) {
	if id, ok := s.byValue[value]; ok {
		return s.Get(id), false
	}
	if id, ok := s.spent[value]; ok {
		return s.Get(id), true
	}
	return nil, false
}

// Rotate gives the token a new value and remembers the old one as spent.
func (s *refreshStore) Rotate(r *RefreshToken, now time.Time) {
	delete(s.byValue, r.Value)
	s.spent[r.Value] = r.ID
	r.Spent, r.RotatedAt = append(r.Spent, r.Value), now
	r.Value = newRefreshValue()
	s.byValue[r.Value] = r.ID
}

// Used notes an exchange.
func (r *RefreshToken) Used(from web.Origin, now time.Time) {
	r.LastUsed = now
	r.Device.LastIP, r.Device.LastUserAgent = from.IP, from.UserAgent
	if r.IdleLifetime > 0 {
		r.IdleExpires = now.Add(r.IdleLifetime)
	}
}
