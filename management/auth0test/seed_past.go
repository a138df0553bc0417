package auth0test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// AddLog adds an entry of the past to the tenant log and returns its id. The
// document is what GET /api/v2/logs shall show: type, and date (RFC 3339, the
// tenant's time by default), client_id, user_id, details and so on; log_id
// defaults to a new one for that date. Entries are listed in the order of their
// ids. It panics without a type and on a date that cannot be read.
func (t *Tenant) AddLog(entry map[string]any) string {
	now := t.s.Lock()
	defer t.s.Unlock()
	d := store.Document(maps.Clone(entry))
	e := &state.LogEntry{At: now, Code: d.Text("type"), Past: d}
	if e.Code == "" {
		panic("auth0test: AddLog: the entry has no type")
	}
	if s := d.Text("date"); s != "" {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic("auth0test: AddLog: date is not in the form of RFC 3339")
		}
		e.At = at.UTC()
	}
	e.LogFields = pastFields(d)
	l := &t.s.Auth.Logs
	l.Seq++
	e.Seq = l.Seq
	e.PastID = cmp.Or(d.Text("log_id"), d.Text("_id"), e.ID())
	d["_id"], d["log_id"], d["date"] = e.PastID, e.PastID, store.Stamp(e.At)
	i, found := slices.BinarySearchFunc(l.Entries, e.PastID, func(e *state.LogEntry, id string) int { return strings.Compare(e.ID(), id) })
	if found {
		panic("auth0test: AddLog: the log has an entry of that id already")
	}
	l.Entries = slices.Insert(l.Entries, i, e)
	return e.PastID
}

// pastFields are what an entry is searched by.
func pastFields(d store.Document) state.LogFields {
	return state.LogFields{
		Description: d.Text("description"), ClientID: d.Text("client_id"), ClientName: d.Text("client_name"),
		Connection: d.Text("connection"), ConnectionID: d.Text("connection_id"), Strategy: d.Text("strategy"),
		UserID: d.Text("user_id"), UserName: d.Text("user_name"), OrgID: d.Text("organization_id"), OrgName: d.Text("organization_name"),
		IP: d.Text("ip"), UserAgent: d.Text("user_agent"), Hostname: d.Text("hostname"), Audience: d.Text("audience"), Scope: d.Text("scope"),
	}
}

// Device says where a session was used.
type Device struct{ IP, UserAgent, ASN string }

// Proof is one of the ways in which the user of a session proved who they are:
// Name is "pwd", "federated" or "mfa", Type the factor of the latter.
type Proof struct{ Name, Type string }

// Session describes the session of a browser that is not in the test, for AddSession.
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
	now := t.s.Lock()
	defer t.s.Unlock()
	if t.s.Users.Get(seed.UserID) == nil {
		panic("auth0test: AddSession: no such user")
	}
	s := &state.Session{
		ID: cmp.Or(seed.ID, store.RandomID(32)), UserID: seed.UserID, Connection: state.DefaultConnection, Issuer: t.Issuer(),
		Clients: slices.Clone(seed.Clients),
	}
	if t.s.Auth.Sessions.Get(s.ID) != nil {
		panic("auth0test: AddSession: the tenant has that session already")
	}
	s.Device = state.Device{InitialIP: seed.First.IP, InitialUserAgent: seed.First.UserAgent, InitialASN: seed.First.ASN, LastASN: seed.Last.ASN}
	for _, p := range seed.Proofs {
		s.Methods = append(s.Methods, state.AuthMethod{Name: p.Name, Type: p.Type, At: now})
	}
	t.s.Begin(s, web.Origin{IP: seed.Last.IP, UserAgent: seed.Last.UserAgent}, now)
	return s.ID
}

// RefreshToken describes a refresh token that an application was given earlier,
// for AddRefreshToken.
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
	now := t.s.Lock()
	defer t.s.Unlock()
	if t.s.Users.Get(seed.UserID) == nil || t.s.Clients.Get(seed.ClientID) == nil {
		panic("auth0test: AddRefreshToken: no such user or client")
	}
	if seed.ID != "" && t.s.Auth.Refresh.Get(seed.ID) != nil {
		panic("auth0test: AddRefreshToken: the tenant has that token already")
	}
	r := &state.RefreshToken{
		ID: seed.ID, UserID: seed.UserID, ClientID: seed.ClientID, SessionID: seed.SessionID,
		Audience: seed.Audience, Scope: seed.Scope, Rotating: seed.Rotating, CreatedAt: now, AuthTime: now,
	}
	t.s.Auth.Refresh.Add(r)
	return r.Value
}
