package state

import (
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// RolesIn are the direct roles of a user in an organization.
func (o *Organization) RolesIn(userID string) []string {
	if m := o.Members.Get(userID); m != nil {
		return m.Roles
	}
	return o.early[userID]
}

func (o *Organization) SetRoles(userID string, ids []string) {
	if m := o.Members.Get(userID); m != nil {
		m.Roles = ids
		return
	}
	if o.early == nil {
		o.early = make(map[string][]string)
	}
	o.early[userID] = ids
}

// SetGroupRoles gives a group these roles in the organization, and no others.
func (o *Organization) SetGroupRoles(groupID string, ids []string) {
	if o.GroupRoles == nil {
		o.GroupRoles = make(map[string][]string)
	}
	o.GroupRoles[groupID] = ids
}

// Organization is a customer of the tenant.
type Organization struct {
	ID, Name    string
	Doc         map[string]any // Without id and name.
	CreatedAt   time.Time
	Members     store.Table[*Member]
	listed      store.Table[*Member] // What member lists show, when there is a SearchDelay.
	early       map[string][]string  // Roles given to users who are not members yet: Auth0 takes them.
	GroupRoles  map[string][]string  // Group id to role ids.
	Connections store.Table[*OrgConnection]
	Invitations store.Table[*Invitation]
	Grants      []string // Ids of client grants.
}

// Member is a user in an organization.
type Member struct {
	UserID string
	At     time.Time
	Roles  []string // Role ids, in the order of their assignment.
}

// OrgConnection is a connection of an organization, with its settings.
type OrgConnection struct {
	ID  string
	Doc store.Document
}

// Enabled reports whether it is offered at a login.
func (c *OrgConnection) Enabled() bool { return c.Doc["is_enabled"] != false }

// NewOrgConnection are the settings of one of which nothing is said.
func NewOrgConnection() map[string]any {
	return map[string]any{"assign_membership_on_login": false, "show_as_button": true}
}

type Invitation struct {
	ID, Ticket string
	Doc        map[string]any
	CreatedAt  time.Time
	ExpiresAt  time.Time
	Roles      []string
	Accepted   bool
}

// Join makes a user a member, if it is not yet.
func (t *Tenant) Join(o *Organization, userID string, now time.Time) *Member {
	if m := o.Members.Get(userID); m != nil {
		return m
	}
	m := &Member{UserID: userID, At: now, Roles: o.early[userID]}
	delete(o.early, userID)
	o.Members.Put(userID, m)
	if u := t.Users.Get(userID); u != nil {
		u.Orgs = append(slices.Clone(u.Orgs), o.ID)
		t.Searchable(u)
	}
	t.later(func() { o.listed.Put(userID, m) })
	return m
}

// Leave ends a membership.
func (t *Tenant) Leave(o *Organization, userID string) {
	if o == nil || !o.Members.Delete(userID) {
		return
	}
	if u := t.Users.Get(userID); u != nil {
		u.Orgs = slices.DeleteFunc(slices.Clone(u.Orgs), func(id string) bool { return id == o.ID })
		t.Searchable(u)
	}
	t.later(func() { o.listed.Delete(userID) })
}

// Shown are the members that a list shows now.
func (t *Tenant) Shown(o *Organization) []*Member {
	if t.Options.SearchDelay > 0 {
		return o.listed.All()
	}
	return o.Members.All()
}

// later changes what lists show, after the delay; without one there is nothing
// to do.
func (t *Tenant) later(change func()) {
	if t.Options.SearchDelay > 0 {
		t.Timeline.At(t.Now().Add(t.Options.SearchDelay), func(time.Time) { change() })
	}
}

func (t *Tenant) OrganizationNamed(name string) *Organization {
	return t.Orgs.Find(func(o *Organization) bool { return o.Name == name })
}

// Offers reports whether a login to the organization may use a connection.
func (o *Organization) Offers(connection string) bool {
	c := o.Connections.Get(connection)
	return c != nil && c.Enabled()
}

// Group is a set of users that a directory provisions; roles given to it are
// inherited by its members.
type Group struct {
	ID, Name  string
	Members   []string
	Roles     []string // In the tenant; those in an organization are the organization's.
	CreatedAt time.Time
}

// GroupsOf are the groups of a user.
func (t *Tenant) GroupsOf(userID string) []*Group {
	return slices.DeleteFunc(t.Groups.All(), func(g *Group) bool { return !slices.Contains(g.Members, userID) })
}

// TenantGroupRoles are the roles that a user inherits in the tenant.
func (t *Tenant) TenantGroupRoles(userID string) []string {
	var ids []string
	for _, g := range t.GroupsOf(userID) {
		ids = store.Union(ids, g.Roles)
	}
	return ids
}

// InheritedRoles are the roles that a member inherits in an organization.
func (t *Tenant) InheritedRoles(o *Organization, userID string) []string {
	var ids []string
	for _, g := range t.GroupsOf(userID) {
		ids = store.Union(ids, o.GroupRoles[g.ID])
	}
	return ids
}
