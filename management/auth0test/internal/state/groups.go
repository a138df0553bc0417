package state

import (
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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
