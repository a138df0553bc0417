package auth0test

import (
	"slices"
	"time"
)

// group is a set of users that a directory provisions; roles given to it are
// inherited by its members.
type group struct {
	id, name  string
	members   []string
	roles     []string // In the tenant; those in an organization are the organization's.
	createdAt time.Time
}

// AddGroup adds a group, as a directory would provision it, and returns its id.
// Roles are given to it by POST /organizations/{id}/groups/{group_id}/roles.
func (t *Tenant) AddGroup(name string, userIDs ...string) string {
	now := t.lock()
	defer t.mu.Unlock()
	g := &group{id: newID("grp"), name: name, members: userIDs, createdAt: now}
	t.groups.put(g.id, g)
	return g.id
}

func groupRoutes() []route {
	return []route{
		{method: "GET", pattern: "/groups", handle: listGroups},
		{method: "GET", pattern: "/groups/{id}", handle: readGroup},
		{method: "GET", pattern: "/groups/{id}/roles", handle: listGroupRoles},
		{method: "POST", pattern: "/groups/{id}/roles", handle: addGroupRoles},
		{method: "DELETE", pattern: "/groups/{id}/roles", handle: removeGroupRoles},
		{method: "GET", pattern: "/users/{id}/groups", handle: listUserGroups},
		{method: "GET", pattern: "/organizations/{organization_id}/groups", handle: listOrganizationGroups},
		{method: "GET", pattern: "/organizations/{organization_id}/groups/{group_id}/roles", handle: listOrganizationGroupRoles},
		{method: "POST", pattern: "/organizations/{organization_id}/groups/{group_id}/roles", handle: addOrganizationGroupRoles},
		{method: "DELETE", pattern: "/organizations/{organization_id}/groups/{group_id}/roles", handle: removeOrganizationGroupRoles},
	}
}

func (g *group) view() any {
	return map[string]any{"id": g.id, "name": g.name, "created_at": stamp(g.createdAt), "updated_at": stamp(g.createdAt)}
}

func (g *group) mark() mark { return mark{g.createdAt, g.id} }

func (c *call) groupPage(rows []*group) *reply {
	return checkpoint(c, list[*group]{key: "groups", rows: rows, where: (*group).mark, view: (*group).view})
}

func (c *call) rolePage(ids []string) *reply {
	where := func(r *role) mark { return mark{r.createdAt, r.id} }
	return checkpoint(c, list[*role]{key: "roles", rows: c.t.rolesByID(ids), where: where, view: func(r *role) any { return r.brief() }})
}

// groupsOf are the groups of a user.
func (t *Tenant) groupsOf(userID string) []*group {
	return slices.DeleteFunc(t.groups.all(), func(g *group) bool { return !slices.Contains(g.members, userID) })
}

// tenantGroupRoles are the roles that a user inherits in the tenant.
func (t *Tenant) tenantGroupRoles(userID string) []string {
	var ids []string
	for _, g := range t.groupsOf(userID) {
		ids = union(ids, g.roles)
	}
	return ids
}

// inheritedRoles are the roles that a member inherits in an organization.
func (t *Tenant) inheritedRoles(o *organization, userID string) []string {
	var ids []string
	for _, g := range t.groupsOf(userID) {
		ids = union(ids, o.groupRoles[g.id])
	}
	return ids
}

func (c *call) group(name string) (*group, *reply) {
	g := c.t.groups.get(c.path(name))
	if g == nil {
		return nil, notFound("Group not found.", "")
	}
	return g, nil
}

func listGroups(c *call) *reply {
	rows := c.t.groups.all()
	if name := c.query.Get("name"); name != "" {
		rows = slices.DeleteFunc(rows, func(g *group) bool { return g.name != name })
	}
	if c.byCheckpoint() {
		return c.groupPage(rows)
	}
	return pageOf(c, "groups", beyondOther, rows, (*group).view)
}

func readGroup(c *call) *reply {
	g, bad := c.group("id")
	if bad != nil {
		return bad
	}
	return ok(g.view())
}

func listGroupRoles(c *call) *reply {
	g, bad := c.group("id")
	if bad != nil {
		return bad
	}
	return c.rolePage(g.roles)
}

func addGroupRoles(c *call) *reply {
	g, bad := c.group("id")
	if bad != nil {
		return bad
	}
	if _, bad := c.readRoles(); bad != nil {
		return bad
	}
	g.roles = union(g.roles, c.strs("roles"))
	return noContent()
}

func removeGroupRoles(c *call) *reply {
	g, bad := c.group("id")
	if bad != nil {
		return bad
	}
	g.roles = minus(g.roles, c.strs("roles"))
	return noContent()
}

func minus(all, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(gone, id) })
}

func listUserGroups(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	return c.groupPage(c.t.groupsOf(u.id))
}

func listOrganizationGroups(c *call) *reply {
	o, bad := c.organization("organization_id")
	if bad != nil {
		return bad
	}
	return c.groupPage(slices.DeleteFunc(c.t.groups.all(), func(g *group) bool { return len(o.groupRoles[g.id]) == 0 }))
}

func (c *call) organizationGroup() (*organization, *group, *reply) {
	o, bad := c.organization("organization_id")
	if bad != nil {
		return nil, nil, bad
	}
	g, bad := c.group("group_id")
	return o, g, bad
}

func listOrganizationGroupRoles(c *call) *reply {
	o, g, bad := c.organizationGroup()
	if bad != nil {
		return bad
	}
	return c.rolePage(o.groupRoles[g.id])
}

func addOrganizationGroupRoles(c *call) *reply {
	o, g, bad := c.organizationGroup()
	if bad != nil {
		return bad
	}
	if _, bad := c.readRoles(); bad != nil {
		return bad
	}
	all := union(o.groupRoles[g.id], c.strs("roles"))
	if len(all) > maxRoles {
		return conflict("No more roles can be assigned to this organization group.", "")
	}
	if o.groupRoles == nil {
		o.groupRoles = make(map[string][]string)
	}
	o.groupRoles[g.id] = all
	return noContent()
}

func removeOrganizationGroupRoles(c *call) *reply {
	o, g, bad := c.organizationGroup()
	if bad != nil {
		return bad
	}
	if o.groupRoles != nil {
		o.groupRoles[g.id] = minus(o.groupRoles[g.id], c.strs("roles"))
	}
	return noContent()
}
