package auth0test

import (
	"slices"
	"strings"
)

func memberRoutes() []route {
	return []route{
		{method: "GET", pattern: "/organizations/{id}/members", bucket: "read members", handle: listMembers},
		{method: "POST", pattern: "/organizations/{id}/members", bucket: "write members", handle: addMembers},
		{method: "DELETE", pattern: "/organizations/{id}/members", bucket: "write members", handle: removeMembers},
		{method: "GET", pattern: "/organizations/{id}/members/{user_id}/roles", bucket: "read member roles", handle: listMemberRoles},
		{method: "POST", pattern: "/organizations/{id}/members/{user_id}/roles", bucket: "write member roles", handle: addMemberRoles},
		{method: "DELETE", pattern: "/organizations/{id}/members/{user_id}/roles", bucket: "write member roles", handle: removeMemberRoles},
		{method: "GET", pattern: "/organizations/{id}/members/{user_id}/effective-roles", bucket: "read member roles", handle: listEffectiveRoles},
		{method: "GET", pattern: "/organizations/{id}/members/{user_id}/effective-roles/sources/groups", bucket: "read member roles", handle: listRoleSources},
	}
}

// listMembers shows roles only to who asks for them by name and may read them.
func listMembers(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	withRoles := slices.Contains(strings.Split(c.query.Get("fields"), ","), "roles") && c.query.Get("include_fields") != "false"
	if withRoles && !c.token.may("read:organization_member_roles") {
		return insufficient([]string{"read:organization_member_roles"})
	}
	view := func(m *member) any {
		v := c.t.briefUser(m.userID)
		if withRoles {
			v["roles"] = render(c.t.rolesByID(m.roles), func(r *role) any { return map[string]any{"id": r.id, "name": r.name} })
		}
		return c.fields(v)
	}
	rows := c.t.shown(o)
	if c.byCheckpoint() {
		where := func(m *member) mark { return mark{m.at, m.userID} }
		return checkpoint(c, list[*member]{key: "members", rows: rows, where: where, view: view, always: true, turned: true})
	}
	return pageOf(c, "members", beyondOther, rows, view)
}

func addMembers(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	ids := c.strs("members")
	for _, id := range ids {
		if c.t.users.get(id) == nil {
			return notFound("One or more of the users do not exist.", "")
		}
	}
	for _, id := range ids {
		c.t.join(o, id, c.now)
	}
	return noContent()
}

func removeMembers(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	for _, id := range c.strs("members") {
		c.t.leave(o, id)
	}
	return noContent()
}

// memberOf returns organization and user of a path. The user need not be a
// member: Auth0 keeps roles given beforehand.
func (c *call) memberOf() (*organization, string, *reply) {
	o, bad := c.organization("id")
	if bad != nil {
		return nil, "", bad
	}
	id := c.path("user_id")
	if c.t.users.get(id) == nil {
		return nil, "", noSuchUser()
	}
	return o, id, nil
}

// rolesIn are the direct roles of a user in an organization.
func (o *organization) rolesIn(userID string) []string {
	if m := o.members.get(userID); m != nil {
		return m.roles
	}
	return o.early[userID]
}

func (o *organization) setRoles(userID string, ids []string) {
	if m := o.members.get(userID); m != nil {
		m.roles = ids
		return
	}
	if o.early == nil {
		o.early = make(map[string][]string)
	}
	o.early[userID] = ids
}

func listMemberRoles(c *call) *reply {
	o, id, bad := c.memberOf()
	if bad != nil {
		return bad
	}
	return pageOf(c, "roles", beyondOther, c.t.rolesByID(o.rolesIn(id)), func(r *role) any { return r.brief() })
}

func addMemberRoles(c *call) *reply {
	o, id, bad := c.memberOf()
	if bad != nil {
		return bad
	}
	if _, bad := c.readRoles(); bad != nil {
		return bad
	}
	all := union(o.rolesIn(id), c.strs("roles"))
	if len(all) > maxRoles {
		return conflict("No more roles can be assigned to this organization member.", "")
	}
	o.setRoles(id, all)
	return noContent()
}

func removeMemberRoles(c *call) *reply {
	o, id, bad := c.memberOf()
	if bad != nil {
		return bad
	}
	o.setRoles(id, minus(o.rolesIn(id), c.strs("roles")))
	return noContent()
}

func listEffectiveRoles(c *call) *reply {
	o, id, bad := c.memberOf()
	if bad != nil {
		return bad
	}
	rows := c.t.combine(o.rolesIn(id), c.t.inheritedRoles(o, id))
	return checkpoint(c, list[effective]{key: "roles", rows: rows, where: effective.mark, view: effective.view})
}

func listRoleSources(c *call) *reply {
	o, id, bad := c.memberOf()
	if bad != nil {
		return bad
	}
	role := c.query.Get("role_id")
	if c.t.roles.get(role) == nil {
		return notFound(noRole, "")
	}
	return c.groupPage(slices.DeleteFunc(c.t.groupsOf(id), func(g *group) bool { return !slices.Contains(o.groupRoles[g.id], role) }))
}
