package orgs

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var groups = &mgmtapi.Resource[state.Group]{
	Path: "/groups", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.Group] { return &t.Groups }),
	Missing: mgmtapi.Text{Message: "Group not found."}, View: viewGroup,
	Where: func(c *mgmtapi.Call, g *state.Group) bool { return c.Asks("name", g.Name) },
	Page:  mgmtapi.Envelope[*state.Group]{Key: "groups", Beyond: mgmtapi.BeyondOther, Mark: func(g *state.Group) store.Mark { return store.Mark{At: g.CreatedAt, ID: g.ID} }},
}

var group = groups.By

func GroupRoutes() []mgmtapi.Route {
	return groups.Routes([]mgmtapi.Route{
		{Method: "GET", Pattern: "/groups/{id}/members", Handle: mgmtapi.On(group("id"), listGroupMembers)},
		{Method: "GET", Pattern: "/groups/{id}/roles", Handle: mgmtapi.On(group("id"), listGroupRoles)},
		{Method: "POST", Pattern: "/groups/{id}/roles", Handle: mgmtapi.On(group("id"), addGroupRoles)},
		{Method: "DELETE", Pattern: "/groups/{id}/roles", Handle: mgmtapi.On(group("id"), removeGroupRoles)},
		{Method: "GET", Pattern: "/users/{id}/groups", Handle: mgmtapi.On((*mgmtapi.Call).User, listUserGroups)},
		{Method: "GET", Pattern: "/organizations/{organization_id}/groups", Handle: mgmtapi.On(organization("organization_id"), listOrganizationGroups)},
		{Method: "GET", Pattern: "/organizations/{organization_id}/groups/{group_id}/roles", Handle: mgmtapi.OnBoth(organizationGroup, listOrganizationGroupRoles)},
		{Method: "POST", Pattern: "/organizations/{organization_id}/groups/{group_id}/roles", Handle: mgmtapi.OnBoth(organizationGroup, addOrganizationGroupRoles)},
		{Method: "DELETE", Pattern: "/organizations/{organization_id}/groups/{group_id}/roles", Handle: mgmtapi.OnBoth(organizationGroup, removeOrganizationGroupRoles)},
	}...)
}

func viewGroup(_ *mgmtapi.Call, g *state.Group) map[string]any {
	return map[string]any{"id": g.ID, "name": g.Name, "created_at": store.Stamp(g.CreatedAt), "updated_at": store.Stamp(g.CreatedAt)}
}

// groupPage lists groups in a place where there is no paging by number.
func groupPage(c *mgmtapi.Call, rows []*state.Group) *mgmtapi.Reply {
	page := groups.Page
	page.Form = mgmtapi.Cursor
	return mgmtapi.List(c, page, rows, func(g *state.Group) any { return viewGroup(c, g) })
}

func rolePage(c *mgmtapi.Call, ids []string) *mgmtapi.Reply {
	where := func(r *state.Role) store.Mark { return store.Mark{At: r.CreatedAt, ID: r.ID} }
	page := mgmtapi.Envelope[*state.Role]{Key: "roles", Form: mgmtapi.Cursor, Mark: where}
	return mgmtapi.List(c, page, mgmtapi.RolesByID(c.T, ids), func(r *state.Role) any { return mgmtapi.BriefRole(r) })
}

func listGroupMembers(c *mgmtapi.Call, g *state.Group) *mgmtapi.Reply {
	page := mgmtapi.Envelope[string]{Key: "members", Form: mgmtapi.Cursor, Mark: func(id string) store.Mark { return store.Mark{At: g.CreatedAt, ID: id} }}
	return mgmtapi.List(c, page, g.Members, func(id string) any {
		return map[string]any{"id": id, "member_type": "user", "type": "tenant", "created_at": store.Stamp(g.CreatedAt)}
	})
}

func listGroupRoles(c *mgmtapi.Call, g *state.Group) *mgmtapi.Reply {
	return rolePage(c, g.Roles)
}

func addGroupRoles(c *mgmtapi.Call, g *state.Group) *mgmtapi.Reply {
	if _, bad := c.ReadRoles(); bad != nil {
		return bad
	}
	g.Roles = store.Union(g.Roles, c.Strs("roles"))
	return mgmtapi.NoContent()
}

func removeGroupRoles(c *mgmtapi.Call, g *state.Group) *mgmtapi.Reply {
	g.Roles = store.Minus(g.Roles, c.Strs("roles"))
	return mgmtapi.NoContent()
}

func listUserGroups(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	return groupPage(c, c.T.GroupsOf(u.ID))
}

func listOrganizationGroups(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	return groupPage(c, slices.DeleteFunc(c.T.Groups.All(), func(g *state.Group) bool { return len(o.GroupRoles[g.ID]) == 0 }))
}

func organizationGroup(c *mgmtapi.Call) (*state.Organization, *state.Group, *mgmtapi.Reply) {
	o, bad := organization("organization_id")(c)
	if bad != nil {
		return nil, nil, bad
	}
	g, bad := group("group_id")(c)
	return o, g, bad
}

func listOrganizationGroupRoles(c *mgmtapi.Call, o *state.Organization, g *state.Group) *mgmtapi.Reply {
	return rolePage(c, o.GroupRoles[g.ID])
}

func addOrganizationGroupRoles(c *mgmtapi.Call, o *state.Organization, g *state.Group) *mgmtapi.Reply {
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

func removeOrganizationGroupRoles(c *mgmtapi.Call, o *state.Organization, g *state.Group) *mgmtapi.Reply {
	if o.GroupRoles != nil {
		o.GroupRoles[g.ID] = store.Minus(o.GroupRoles[g.ID], c.Strs("roles"))
	}
	return mgmtapi.NoContent()
}
