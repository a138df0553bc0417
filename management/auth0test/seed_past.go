package auth0test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// AddLog adds an entry of the past to the tenant log and returns its id. The
// document is what GET /api/v2/logs shall show: type, and date (RFC 3339, the
// tenant's time by default), client_id, user_id, details and so on; log_id
// defaults to a new one for that date. Entries are listed in the order of their
// ids. It panics without a type and on a date that is none.
func (t *Tenant) AddLog(entry map[string]any) string {
	now := t.lock()
	defer t.mu.Unlock()
	d := document(maps.Clone(entry))
	e := &logEntry{at: now, code: d.text("type"), past: d}
	if e.code == "" {
		panic("auth0test: AddLog: the entry has no type")
	}
	if s := d.text("date"); s != "" {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic("auth0test: AddLog: date is not in the form of RFC 3339")
		}
		e.at = at.UTC()
	}
	e.logFields = pastFields(d)
	l := &t.authState.logs
	l.seq++
	e.seq = l.seq
	e.pastID = cmp.Or(d.text("log_id"), d.text("_id"), e.id())
	d["_id"], d["log_id"], d["date"] = e.pastID, e.pastID, stamp(e.at)
	i, found := slices.BinarySearchFunc(l.entries, e.pastID, func(e *logEntry, id string) int { return strings.Compare(e.id(), id) })
	if found {
		panic("auth0test: AddLog: the log has an entry of that id already")
	}
	l.entries = slices.Insert(l.entries, i, e)
	return e.pastID
}

// pastFields are what an entry is searched by.
func pastFields(d document) logFields {
	return logFields{
		Description: d.text("description"), ClientID: d.text("client_id"), ClientName: d.text("client_name"),
		Connection: d.text("connection"), ConnectionID: d.text("connection_id"), Strategy: d.text("strategy"),
		UserID: d.text("user_id"), UserName: d.text("user_name"), OrgID: d.text("organization_id"), OrgName: d.text("organization_name"),
		IP: d.text("ip"), UserAgent: d.text("user_agent"), Hostname: d.text("hostname"), Audience: d.text("audience"), Scope: d.text("scope"),
	}
}

// Device is where a session was used.
type Device struct{ IP, UserAgent, ASN string }

// Proof is one of the ways in which the user of a session proved who they are:
// Name is "pwd", "federated" or "mfa", Type the factor of the latter.
type Proof struct{ Name, Type string }

// Session is a seed: the session of a browser that is not in the test.
type Session struct {
	ID          string // Defaults to a new one.
	UserID      string
	Clients     []string // Ids of the applications that it was used for.
	First, Last Device
	Proofs      []Proof
}

// AddSession adds a session that begins now, with the tenant's lifetimes, and
// returns its id. It panics when there is no such user, or the id is taken.
func (t *Tenant) AddSession(seed Session) string {
	now := t.lock()
	defer t.mu.Unlock()
	if t.users.get(seed.UserID) == nil {
		panic("auth0test: AddSession: no such user")
	}
	s := &session{
		id: cmp.Or(seed.ID, randomID(32)), userID: seed.UserID, connection: DefaultConnection, issuer: t.Issuer(),
		clients: slices.Clone(seed.Clients),
	}
	if t.authState.sessions.get(s.id) != nil {
		panic("auth0test: AddSession: the tenant has that session already")
	}
	s.device = device{InitialIP: seed.First.IP, InitialUserAgent: seed.First.UserAgent, InitialASN: seed.First.ASN, LastASN: seed.Last.ASN}
	for _, p := range seed.Proofs {
		s.methods = append(s.methods, authMethod{p.Name, p.Type, now})
	}
	t.begin(s, origin{ip: seed.Last.IP, userAgent: seed.Last.UserAgent}, now)
	return s.id
}

// RefreshToken is a seed: a refresh token that an application was given before.
type RefreshToken struct {
	ID               string // Defaults to a new one.
	UserID, ClientID string
	SessionID        string // Empty when the session is over.
	Audience, Scope  string
	Rotating         bool
}

// AddRefreshToken adds a refresh token that does not expire and returns its
// value, for /oauth/token. It panics when there is no such user or application,
// or the id is taken.
func (t *Tenant) AddRefreshToken(seed RefreshToken) (value string) {
	now := t.lock()
	defer t.mu.Unlock()
	if t.users.get(seed.UserID) == nil || t.clients.get(seed.ClientID) == nil {
		panic("auth0test: AddRefreshToken: no such user or client")
	}
	if seed.ID != "" && t.authState.refresh.get(seed.ID) != nil {
		panic("auth0test: AddRefreshToken: the tenant has that token already")
	}
	r := &refreshToken{
		id: seed.ID, userID: seed.UserID, clientID: seed.ClientID, sessionID: seed.SessionID,
		audience: seed.Audience, scope: seed.Scope, rotating: seed.Rotating, createdAt: now, authTime: now,
	}
	t.authState.refresh.add(r)
	return r.value
}
