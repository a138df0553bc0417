package auth0test

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

func roleRoutes() []route {
	return []route{
		{method: "GET", pattern: "/roles", handle: listRoles},
		{method: "POST", pattern: "/roles", handle: createRole},
		{method: "GET", pattern: "/roles/{id}", handle: readRole},
		{method: "PATCH", pattern: "/roles/{id}", handle: updateRole},
		{method: "DELETE", pattern: "/roles/{id}", handle: deleteRole},
		{method: "GET", pattern: "/roles/{id}/permissions", handle: listRolePermissions},
		{method: "POST", pattern: "/roles/{id}/permissions", handle: addRolePermissions},
		{method: "DELETE", pattern: "/roles/{id}/permissions", handle: removeRolePermissions},
		{method: "GET", pattern: "/roles/{id}/users", handle: listRoleUsers, allOf: true, scopes: []string{"read:users", "read:roles"}},
		{method: "POST", pattern: "/roles/{id}/users", handle: addRoleUsers},
	}
}

const noRole = "The role does not exist."

func (c *call) role() (*role, *reply) {
	r := c.t.roles.get(c.path("id"))
	if r == nil {
		return nil, notFound(noRole, "")
	}
	return r, nil
}

// brief is a role in the lists of users and members.
func (r *role) brief() map[string]any {
	return map[string]any{"id": r.id, "name": r.name, "description": r.description}
}

// view is a role as its own operations show it.
func (r *role) view() map[string]any {
	m := r.brief()
	m["type"] = r.kind
	if r.owner != "" {
		m["owner_id"] = r.owner
	}
	return m
}

func listRoles(c *call) *reply {
	name, owner, kind := strings.ToLower(c.query.Get("name_filter")), c.query.Get("owner_id"), c.query.Get("type")
	var rows []*role
	for _, r := range c.t.roles.all() {
		if strings.Contains(strings.ToLower(r.name), name) && (owner == "" || r.owner == owner) &&
			(kind == "" || kind == r.kind) {
			rows = append(rows, r)
		}
	}
	return pageOf(c, "roles", "", rows, func(r *role) any { return r.view() })
}

func (t *Tenant) roleNamed(name, owner string) *role {
	return t.roles.find(func(r *role) bool { return r.name == name && r.owner == owner })
}

func createRole(c *call) *reply {
	r := &role{id: newID("rol"), name: c.str("name"), description: c.str("description"), kind: cmp.Or(c.str("type"), "tenant"), owner: c.str("owner_id"), createdAt: c.now}
	if c.t.roleNamed(r.name, r.owner) != nil {
		return conflict("The role already exists.", "")
	}
	if r.owner != "" && c.t.orgs.get(r.owner) == nil {
		return noOrganization()
	}
	c.t.roles.put(r.id, r)
	return ok(r.view())
}

func readRole(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	return ok(r.view())
}

func updateRole(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	if c.has("name") {
		if other := c.t.roleNamed(c.str("name"), r.owner); other != nil && other != r {
			return conflict("The role already exists.", "")
		}
		r.name = c.str("name")
	}
	if c.has("description") {
		r.description = c.str("description")
	}
	return ok(r.view())
}

func deleteRole(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	c.t.roles.delete(r.id)
	gone := func(id string) bool { return id == r.id }
	for _, ru := range r.users.all() {
		if u := c.t.users.get(ru.userID); u != nil {
			u.roles = slices.DeleteFunc(slices.Clone(u.roles), gone)
		}
	}
	for _, o := range c.t.orgs.all() {
		for _, m := range o.members.all() {
			m.roles = slices.DeleteFunc(slices.Clone(m.roles), gone)
		}
		for group, ids := range o.groupRoles {
			o.groupRoles[group] = slices.DeleteFunc(slices.Clone(ids), gone)
		}
	}
	return ok(map[string]any{})
}

func listRolePermissions(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	return pageOf(c, "permissions", "", c.existing(r.permissions), func(p permission) any { return c.permissionView(p) })
}

func addRolePermissions(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	more, bad := c.readPermissions()
	if bad != nil {
		return bad
	}
	all := union(r.permissions, more)
	if len(all) > maxPermissions {
		return tooManyPermissions("role")
	}
	r.permissions = all
	return created(map[string]any{})
}

func removeRolePermissions(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	r.permissions = c.without(r.permissions)
	return noContent()
}

func listRoleUsers(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	view := func(ru *roleUser) any { return c.t.briefUser(ru.userID) }
	if c.byCheckpoint() {
		where := func(ru *roleUser) mark { return mark{ru.at, ru.userID} }
		return checkpoint(c, list[*roleUser]{key: "users", rows: r.users.all(), where: where, view: view})
	}
	return pageOf(c, "users", beyondOther, r.users.all(), view)
}

// briefUser is how lists of members show a user.
func (t *Tenant) briefUser(id string) map[string]any {
	m := map[string]any{"user_id": id}
	if u := t.users.get(id); u != nil {
		m["picture"], m["name"] = u.shownPicture(), u.shownName()
		if u.email != "" {
			m["email"] = u.email
		}
	}
	return m
}

func addRoleUsers(c *call) *reply {
	r, bad := c.role()
	if bad != nil {
		return bad
	}
	ids := c.strs("users")
	for _, id := range ids {
		if c.t.users.get(id) == nil {
			return notFound("One or more of the users do not exist.", "")
		}
	}
	for _, id := range ids {
		c.t.giveRole(c.t.users.get(id), r, c.now)
	}
	return ok(map[string]any{})
}

// giveRole assigns a role of the tenant.
func (t *Tenant) giveRole(u *user, r *role, now time.Time) {
	if slices.Contains(u.roles, r.id) {
		return
	}
	u.roles = append(slices.Clone(u.roles), r.id)
	r.users.put(u.id, &roleUser{u.id, now})
}

func (t *Tenant) takeRole(u *user, r *role) {
	u.roles = slices.DeleteFunc(slices.Clone(u.roles), func(id string) bool { return id == r.id })
	r.users.delete(u.id)
}
