package auth0test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// AddUser adds a user and returns its id. Connection defaults to
// DefaultConnection, ID (with or without "auth0|") to a new one, the times to
// now. An empty password makes a user who cannot log in by password.
//
// It panics for a connection or an id that cannot be, as all seeds do: that is a
// mistake in a test.
func (t *Tenant) AddUser(u resource.User, password string) string {
	secret := newCredential(password)
	now := t.lock()
	defer t.mu.Unlock()
	name := u.Connection
	if name == "" {
		name = DefaultConnection
	}
	con := t.connectionNamed(name)
	if con == nil {
		panic("auth0test: AddUser: the tenant has no connection " + name)
	}
	raw := strings.TrimPrefix(u.ID, con.strategy+"|")
	if raw == "" {
		raw = newUserID(now)
	}
	added := seededUser(u, con, raw, now)
	if t.users.get(added.id) != nil {
		panic("auth0test: AddUser: the tenant has a user " + added.id + " already")
	}
	added.password = secret
	t.users.add(added)
	t.searchable(added)
	return added.id
}

func seededUser(u resource.User, con *connection, raw string, now time.Time) *user {
	or := func(t time.Time) time.Time {
		if t.IsZero() {
			return now
		}
		return t.UTC().Truncate(time.Millisecond)
	}
	id, identities := newIdentity(con, raw)
	return &user{
		id: id, email: strings.ToLower(u.Email), username: strings.ToLower(u.Username), phone: u.Phone, name: u.Name,
		emailVerified: u.EmailVerified, blocked: u.Blocked, blockedSaid: u.Blocked,
		createdAt: or(u.CreatedAt), updatedAt: or(u.UpdatedAt), lastLogin: u.LastLogin, loginsCount: u.LoginsCount,
		appMetadata: u.AppMetadata, userMetadata: u.UserMetadata,
		identities: identities,
	}
}

// AddConnection adds a connection and returns its id. The strategy "auth0" is a
// database; others are providers such as "google-oauth2" or "samlp". All
// clients of the tenant may use it.
func (t *Tenant) AddConnection(name, strategy string) string {
	now := t.lock()
	defer t.mu.Unlock()
	con := t.addConnection(name, strategy, now)
	for _, c := range t.clients.all() {
		con.clients = append(con.clients, c.id)
	}
	return con.id
}

// AddAPI registers an API with its permissions. RBAC is on and permissions go
// into access tokens.
func (t *Tenant) AddAPI(audience string, permissions ...string) {
	now := t.lock()
	defer t.mu.Unlock()
	if t.apiOf(t.Issuer(), audience) != nil {
		panic("auth0test: AddAPI: the tenant has an API " + audience + " already")
	}
	a := &api{id: newUserID(now), identifier: audience, createdAt: now, doc: map[string]any{
		"name": audience, "enforce_policies": true, "token_dialect": "access_token_authz", "allow_offline_access": true,
	}}
	for _, p := range permissions {
		a.scopes = append(a.scopes, apiScope{Value: p})
	}
	t.apis.put(a.id, a)
}

// AddRole adds a role with permissions of one API, which AddAPI registered, and
// returns its id.
func (t *Tenant) AddRole(name, audience string, permissions ...string) string {
	now := t.lock()
	defer t.mu.Unlock()
	r := &role{id: newID("rol"), name: name, kind: "tenant", createdAt: now}
	if len(permissions) > 0 {
		a := t.apiOf(t.Issuer(), audience)
		if a == nil {
			panic("auth0test: AddRole: the tenant has no API " + audience)
		}
		for _, p := range permissions {
			if !slices.ContainsFunc(a.scopes, func(s apiScope) bool { return s.Value == p }) {
				panic(fmt.Sprintf("auth0test: AddRole: the API %s has no permission %s", audience, p))
			}
			r.permissions = append(r.permissions, permission{a.id, p})
		}
	}
	t.roles.put(r.id, r)
	return r.id
}

// AddOrganization adds an organization and returns its id. DefaultConnection is
// enabled in it.
func (t *Tenant) AddOrganization(name string) string {
	now := t.lock()
	defer t.mu.Unlock()
	if t.organizationNamed(name) != nil {
		panic("auth0test: AddOrganization: the tenant has an organization " + name + " already")
	}
	o := &organization{id: newID("org"), name: name, doc: map[string]any{"display_name": name}, createdAt: now}
	if con := t.connectionNamed(DefaultConnection); con != nil {
		o.connections.put(con.id, &orgConnection{id: con.id, showAsButton: true})
	}
	t.orgs.put(o.id, o)
	return o.id
}

// AddMember makes a user a member of an organization, with these roles there.
func (t *Tenant) AddMember(orgID, userID string, roleIDs ...string) {
	now := t.lock()
	defer t.mu.Unlock()
	o := t.orgs.get(orgID)
	if o == nil || t.users.get(userID) == nil {
		panic("auth0test: AddMember: no such organization or user")
	}
	m := t.join(o, userID, now)
	for _, id := range roleIDs {
		if t.roles.get(id) == nil {
			panic("auth0test: AddMember: the tenant has no role " + id)
		}
		if !slices.Contains(m.roles, id) {
			m.roles = append(m.roles, id)
		}
	}
}

func (t *Tenant) organizationNamed(name string) *organization {
	return t.orgs.find(func(o *organization) bool { return o.name == name })
}
