package auth0test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
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
		o.Connections.Put(con.ID, &state.OrgConnection{ID: con.ID, ShowAsButton: true})
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
