package auth0test

import "slices"

// maxRoles is how many roles a user, or a member of an organization, may have.
const maxRoles = 50

func userRoleRoutes() []route {
	return []route{
		{method: "GET", pattern: "/users/{id}/roles", handle: listUserRoles, allOf: true, scopes: []string{"read:users", "read:roles", "read:role_members"}},
		{method: "POST", pattern: "/users/{id}/roles", handle: addUserRoles},
		{method: "DELETE", pattern: "/users/{id}/roles", handle: removeUserRoles},
		{method: "GET", pattern: "/users/{id}/permissions", handle: listUserPermissions},
		{method: "POST", pattern: "/users/{id}/permissions", handle: addUserPermissions},
		{method: "DELETE", pattern: "/users/{id}/permissions", handle: removeUserPermissions},
		{method: "GET", pattern: "/users/{id}/organizations", bucket: "read user organizations", handle: listUserOrganizations},
		{method: "GET", pattern: "/users/{id}/effective-roles", handle: listEffectiveUserRoles},
		{method: "GET", pattern: "/users/{id}/effective-permissions", handle: listEffectivePermissions},
	}
}

// rolesByID are the roles behind ids, in their order.
func (t *Tenant) rolesByID(ids []string) []*role {
	var out []*role
	for _, id := range ids {
		if r := t.roles.get(id); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// readRoles reads the roles of a body; all must exist.
func (c *call) readRoles() ([]*role, *reply) {
	ids := c.strs("roles")
	roles := c.t.rolesByID(ids)
	if len(roles) != len(ids) {
		return nil, notFound(noRole, "")
	}
	return roles, nil
}

func listUserRoles(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	return pageOf(c, "roles", "", c.t.rolesByID(u.roles), func(r *role) any { return r.brief() })
}

func addUserRoles(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	roles, bad := c.readRoles()
	if bad != nil {
		return bad
	}
	if len(union(u.roles, c.strs("roles"))) > maxRoles {
		return badRequest("No more roles can be assigned to this user.", "")
	}
	for _, r := range roles {
		c.t.giveRole(u, r, c.now)
	}
	return noContent()
}

func removeUserRoles(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	for _, r := range c.t.rolesByID(c.strs("roles")) {
		c.t.takeRole(u, r)
	}
	return noContent()
}

// source is where a user has a permission from.
func source(id, name, kind string) map[string]any {
	return map[string]any{"source_id": id, "source_name": name, "source_type": kind}
}

// listUserPermissions shows the direct permissions and those of roles, each with
// its sources.
func listUserPermissions(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	all, sources := c.permissionsOf(u)
	return pageOf(c, "permissions", "", all, func(p permission) any {
		m := c.permissionView(p)
		m["sources"] = sources[p]
		return m
	})
}

func (c *call) permissionsOf(u *user) ([]permission, map[permission][]any) {
	sources := make(map[permission][]any)
	all := c.existing(u.permissions)
	for _, p := range all {
		sources[p] = append(sources[p], source("", "", "DIRECT"))
	}
	for _, r := range c.t.rolesByID(u.roles) {
		held := c.existing(r.permissions)
		all = union(all, held)
		for _, p := range held {
			sources[p] = append(sources[p], source(r.id, r.name, "ROLE"))
		}
	}
	return all, sources
}

func addUserPermissions(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	more, bad := c.readPermissions()
	if bad != nil {
		return bad
	}
	all := union(u.permissions, more)
	if len(all) > maxPermissions {
		return tooManyPermissions("user")
	}
	u.permissions = all
	return created(map[string]any{})
}

func removeUserPermissions(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	u.permissions = c.without(u.permissions)
	return noContent()
}

func listUserOrganizations(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	var rows []*organization
	for _, id := range u.orgs {
		if o := c.t.orgs.get(id); o != nil {
			rows = append(rows, o)
		}
	}
	return pageOf(c, "organizations", "", rows, func(o *organization) any { return o.view() })
}

// effective is a role with the ways in which somebody has it.
type effective struct {
	role    *role
	sources []any // "direct", "groups".
}

func (e effective) view() any {
	return map[string]any{"id": e.role.id, "name": e.role.name, "description": e.role.description, "sources": e.sources}
}

func (e effective) mark() mark { return mark{e.role.createdAt, e.role.id} }

// combine joins direct roles with those of groups.
func (t *Tenant) combine(direct, inherited []string) []effective {
	var out []effective
	for _, r := range t.rolesByID(union(direct, inherited)) {
		e := effective{role: r}
		if slices.Contains(direct, r.id) {
			e.sources = append(e.sources, "direct")
		}
		if slices.Contains(inherited, r.id) {
			e.sources = append(e.sources, "groups")
		}
		out = append(out, e)
	}
	return out
}

func listEffectiveUserRoles(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	rows := c.t.combine(u.roles, c.t.tenantGroupRoles(u.id))
	return checkpoint(c, list[effective]{key: "roles", rows: rows, where: effective.mark, view: effective.view})
}

func listEffectivePermissions(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	held := make(map[permission][]any)
	note := func(ps []permission, from string) {
		for _, p := range c.existing(ps) {
			if !slices.Contains(held[p], any(from)) {
				held[p] = append(held[p], from)
			}
		}
	}
	note(u.permissions, "direct")
	for _, r := range c.t.rolesByID(union(u.roles, c.t.tenantGroupRoles(u.id))) {
		note(r.permissions, "roles")
	}
	var rows []permission
	for p := range held {
		if a := c.query.Get("resource_server_identifier"); a == "" || c.permissionView(p)["resource_server_identifier"] == a {
			rows = append(rows, p)
		}
	}
	where := func(p permission) mark { return mark{c.t.apis.get(p.apiID).createdAt, p.apiID + " " + p.name} }
	view := func(p permission) any {
		m := c.permissionView(p)
		m["sources"] = held[p]
		return m
	}
	return checkpoint(c, list[permission]{key: "permissions", rows: rows, where: where, view: view})
}
