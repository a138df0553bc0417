package orgs

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func GroupRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/groups", Handle: listGroups},
		{Method: "GET", Pattern: "/groups/{id}", Handle: readGroup},
		{Method: "GET", Pattern: "/groups/{id}/members", Handle: listGroupMembers},
		{Method: "GET", Pattern: "/groups/{id}/roles", Handle: listGroupRoles},
		{Method: "POST", Pattern: "/groups/{id}/roles", Handle: addGroupRoles},
		{Method: "DELETE", Pattern: "/groups/{id}/roles", Handle: removeGroupRoles},
		{Method: "GET", Pattern: "/users/{id}/groups", Handle: listUserGroups},
		{Method: "GET", Pattern: "/organizations/{organization_id}/groups", Handle: listOrganizationGroups},
		{Method: "GET", Pattern: "/organizations/{organization_id}/groups/{group_id}/roles", Handle: listOrganizationGroupRoles},
		{Method: "POST", Pattern: "/organizations/{organization_id}/groups/{group_id}/roles", Handle: addOrganizationGroupRoles},
		{Method: "DELETE", Pattern: "/organizations/{organization_id}/groups/{group_id}/roles", Handle: removeOrganizationGroupRoles},
	}
}

func viewGroup(g *state.Group) any {
	return map[string]any{"id": g.ID, "name": g.Name, "created_at": store.Stamp(g.CreatedAt), "updated_at": store.Stamp(g.CreatedAt)}
}

func mark(g *state.Group) store.Mark { return store.Mark{At: g.CreatedAt, ID: g.ID} }

func groupPage(c *mgmtapi.Call, rows []*state.Group) *mgmtapi.Reply {
	return mgmtapi.Checkpoint(c, mgmtapi.List[*state.Group]{Key: "groups", Rows: rows, Where: mark, View: viewGroup})
}

func rolePage(c *mgmtapi.Call, ids []string) *mgmtapi.Reply {
	where := func(r *state.Role) store.Mark { return store.Mark{At: r.CreatedAt, ID: r.ID} }
	return mgmtapi.Checkpoint(c, mgmtapi.List[*state.Role]{Key: "roles", Rows: mgmtapi.RolesByID(c.T, ids), Where: where, View: func(r *state.Role) any { return mgmtapi.BriefRole(r) }})
}

func group(c *mgmtapi.Call, name string) (*state.Group, *mgmtapi.Reply) {
	g := c.T.Groups.Get(c.Path(name))
	if g == nil {
		return nil, mgmtapi.NotFound("Group not found.", "")
	}
	return g, nil
}

func listGroups(c *mgmtapi.Call) *mgmtapi.Reply {
	rows := c.T.Groups.All()
	if name := c.Query.Get("name"); name != "" {
		rows = slices.DeleteFunc(rows, func(g *state.Group) bool { return g.Name != name })
	}
	if c.ByCheckpoint() {
		return groupPage(c, rows)
	}
	return mgmtapi.PageOf(c, "groups", mgmtapi.BeyondOther, rows, viewGroup)
}

func readGroup(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := group(c, "id")
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(viewGroup(g))
}

func listGroupMembers(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := group(c, "id")
	if bad != nil {
		return bad
	}
	where := func(id string) store.Mark { return store.Mark{At: g.CreatedAt, ID: id} }
	view := func(id string) any {
		return map[string]any{"id": id, "member_type": "user", "type": "tenant", "created_at": store.Stamp(g.CreatedAt)}
	}
	return mgmtapi.Checkpoint(c, mgmtapi.List[string]{Key: "members", Rows: g.Members, Where: where, View: view})
}

func listGroupRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := group(c, "id")
	if bad != nil {
		return bad
	}
	return rolePage(c, g.Roles)
}

func addGroupRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := group(c, "id")
	if bad != nil {
		return bad
	}
	if _, bad := c.ReadRoles(); bad != nil {
		return bad
	}
	g.Roles = store.Union(g.Roles, c.Strs("roles"))
	return mgmtapi.NoContent()
}

func removeGroupRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := group(c, "id")
	if bad != nil {
		return bad
	}
	g.Roles = store.Minus(g.Roles, c.Strs("roles"))
	return mgmtapi.NoContent()
}

func listUserGroups(c *mgmtapi.Call) *mgmtapi.Reply {
	u, bad := c.User()
	if bad != nil {
		return bad
	}
	return groupPage(c, c.T.GroupsOf(u.ID))
}

func listOrganizationGroups(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "organization_id")
	if bad != nil {
		return bad
	}
	return groupPage(c, slices.DeleteFunc(c.T.Groups.All(), func(g *state.Group) bool { return len(o.GroupRoles[g.ID]) == 0 }))
}

func organizationGroup(c *mgmtapi.Call) (*state.Organization, *state.Group, *mgmtapi.Reply) {
	o, bad := organization(c, "organization_id")
	if bad != nil {
		return nil, nil, bad
	}
	g, bad := group(c, "group_id")
	return o, g, bad
}

func listOrganizationGroupRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	o, g, bad := organizationGroup(c)
	if bad != nil {
		return bad
	}
	return rolePage(c, o.GroupRoles[g.ID])
}

func addOrganizationGroupRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	o, g, bad := organizationGroup(c)
	if bad != nil {
		return bad
	}
	if _, bad := c.ReadRoles(); bad != nil {
		return bad
	}
	all := store.Union(o.GroupRoles[g.ID], c.Strs("roles"))
	if len(all) > mgmtapi.MaxRoles {
		return mgmtapi.Conflict("No more roles can be assigned to this organization group.", "")
	}
	if o.GroupRoles == nil {
		o.GroupRoles = make(map[string][]string)
	}
	o.GroupRoles[g.ID] = all
	return mgmtapi.NoContent()
}

func removeOrganizationGroupRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	o, g, bad := organizationGroup(c)
	if bad != nil {
		return bad
	}
	if o.GroupRoles != nil {
		o.GroupRoles[g.ID] = store.Minus(o.GroupRoles[g.ID], c.Strs("roles"))
	}
	return mgmtapi.NoContent()
}
