package auth0test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
	"github.com/auth0kit/auth0kit/management/resource"
)

// AddGroup adds a group, as a directory would provision it, and returns its id.
// Roles are given to it by POST /organizations/{id}/groups/{group_id}/roles.
func (t *Tenant) AddGroup(name string, userIDs ...string) string {
	now := t.s.Lock()
	defer t.s.Unlock()
	g := &state.Group{ID: t.s.SeedID("grp", name), Name: name, Members: userIDs, CreatedAt: now}
	t.s.Groups.Put(g.ID, g)
	return g.ID
}

// AddUser adds a user and returns its id. Connection defaults to
// DefaultConnection, ID (with or without "auth0|") to a new one, the times to
// now. An empty password makes a user who cannot log in by password.
//
// It panics for a connection or an id that cannot be, as all seeds do: that is a
// mistake in a test.
func (t *Tenant) AddUser(u resource.User, password string) string {
	secret := state.NewCredential(password)
	now := t.s.Lock()
	defer t.s.Unlock()
	name := u.Connection
	if name == "" {
		name = state.DefaultConnection
	}
	con := t.s.ConnectionNamed(name)
	if con == nil {
		panic("auth0test: AddUser: the tenant has no connection " + name)
	}
	raw := strings.TrimPrefix(u.ID, con.Strategy+"|")
	if raw == "" {
		raw = t.s.SeedUserID(name, cmp.Or(u.Email, u.Username, u.Phone), now)
	}
	added := seededUser(u, con, raw, now)
	if t.s.Users.Get(added.ID) != nil {
		panic("auth0test: AddUser: the tenant has a user " + added.ID + " already")
	}
	added.Password = secret
	t.s.Users.Add(added)
	t.s.Searchable(added)
	return added.ID
}

func seededUser(u resource.User, con *state.Connection, raw string, now time.Time) *state.User {
	or := func(t time.Time) time.Time {
		if t.IsZero() {
			return now
		}
		return t.UTC().Truncate(time.Millisecond)
	}
	id, identities := state.NewIdentity(con, raw)
	if con.Database() { // Providers' spelling stays.
		u.Email = strings.ToLower(u.Email)
	}
	return &state.User{
		ID: id, Email: u.Email, Username: strings.ToLower(u.Username), Phone: u.Phone, Name: u.Name,
		EmailVerified: u.EmailVerified, Blocked: u.Blocked, BlockedSaid: u.Blocked,
		CreatedAt: or(u.CreatedAt), UpdatedAt: or(u.UpdatedAt), LastLogin: u.LastLogin, LoginsCount: u.LoginsCount,
		AppMetadata: u.AppMetadata, UserMetadata: u.UserMetadata,
		Identities: identities,
	}
}

// AddConnection adds a connection and returns its id. The strategy "auth0" is a
// database; others are providers such as "google-oauth2" or "samlp". All
// clients of the tenant may use it.
func (t *Tenant) AddConnection(name, strategy string) string {
	now := t.s.Lock()
	defer t.s.Unlock()
	con := t.s.AddConnection(name, strategy, now)
	for _, c := range t.s.Clients.All() {
		if !c.Global {
			con.Clients = append(con.Clients, c.ID)
		}
	}
	return con.ID
}

// AddAPI registers an API with its permissions. RBAC is on, permissions go into
// access tokens, and the tenant's own applications need no consent.
func (t *Tenant) AddAPI(audience string, permissions ...string) {
	now := t.s.Lock()
	defer t.s.Unlock()
	if t.s.APIOf(t.Issuer(), audience) != nil {
		panic("auth0test: AddAPI: the tenant has an API " + audience + " already")
	}
	a := &state.API{ID: t.s.SeedUserID("API", audience, now), Identifier: audience, CreatedAt: now, Doc: map[string]any{
		"name": audience, "enforce_policies": true, "token_dialect": "access_token_authz", "allow_offline_access": true,
		"skip_consent_for_verifiable_first_party_clients": true,
	}}
	for _, p := range permissions {
		a.Scopes = append(a.Scopes, state.APIScope{Value: p})
	}
	t.s.APIs.Put(a.ID, a)
}

// AddRole adds a role with permissions of one API, which AddAPI registered, and
// returns its id.
func (t *Tenant) AddRole(name, audience string, permissions ...string) string {
	now := t.s.Lock()
	defer t.s.Unlock()
	r := &state.Role{ID: t.s.SeedID("rol", name), Name: name, Kind: "tenant", CreatedAt: now}
	if len(permissions) > 0 {
		a := t.s.APIOf(t.Issuer(), audience)
		if a == nil {
			panic("auth0test: AddRole: the tenant has no API " + audience)
		}
		for _, p := range permissions {
			if !slices.ContainsFunc(a.Scopes, func(s state.APIScope) bool { return s.Value == p }) {
				panic(fmt.Sprintf("auth0test: AddRole: the API %s has no permission %s", audience, p))
			}
			r.Permissions = append(r.Permissions, state.Permission{APIID: a.ID, Name: p})
		}
	}
	t.s.Roles.Put(r.ID, r)
	return r.ID
}

// AddOrganization adds an organization and returns its id. DefaultConnection is
// enabled in it.
func (t *Tenant) AddOrganization(name string) string {
	now := t.s.Lock()
	defer t.s.Unlock()
	if t.s.OrganizationNamed(name) != nil {
		panic("auth0test: AddOrganization: the tenant has an organization " + name + " already")
	}
	o := &state.Organization{ID: t.s.SeedID("org", name), Name: name, Doc: map[string]any{"display_name": name}, CreatedAt: now}
	if con := t.s.ConnectionNamed(state.DefaultConnection); con != nil {
		o.Connections.Put(con.ID, &state.OrgConnection{ID: con.ID, Doc: state.NewOrgConnection()})
	}
	t.s.Orgs.Put(o.ID, o)
	return o.ID
}

// AddMember makes a user a member of an organization, with these roles there.
func (t *Tenant) AddMember(orgID, userID string, roleIDs ...string) {
	now := t.s.Lock()
	defer t.s.Unlock()
	o := t.s.Orgs.Get(orgID)
	if o == nil || t.s.Users.Get(userID) == nil {
		panic("auth0test: AddMember: no such organization or user")
	}
	m := t.s.Join(o, userID, now)
	for _, id := range roleIDs {
		if t.s.Roles.Get(id) == nil {
			panic("auth0test: AddMember: the tenant has no role " + id)
		}
		if !slices.Contains(m.Roles, id) {
			m.Roles = append(m.Roles, id)
		}
	}
}

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
