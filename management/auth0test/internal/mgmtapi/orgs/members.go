package orgs

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func memberRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/organizations/{id}/members", Bucket: "read members", Handle: mgmtapi.On(organization("id"), listMembers)},
		{Method: "POST", Pattern: "/organizations/{id}/members", Bucket: "write members", Handle: mgmtapi.On(organization("id"), addMembers)},
		{Method: "DELETE", Pattern: "/organizations/{id}/members", Bucket: "write members", Handle: mgmtapi.On(organization("id"), removeMembers)},
		{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/roles", Bucket: "read member roles", Handle: mgmtapi.OnBoth(memberOf, listMemberRoles)},
		{Method: "POST", Pattern: "/organizations/{id}/members/{user_id}/roles", Bucket: "write member roles", Handle: mgmtapi.OnBoth(memberOf, addMemberRoles)},
		{Method: "DELETE", Pattern: "/organizations/{id}/members/{user_id}/roles", Bucket: "write member roles", Handle: mgmtapi.OnBoth(memberOf, removeMemberRoles)},
		{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/effective-roles", Bucket: "read member roles", Handle: mgmtapi.OnBoth(memberOf, listEffectiveRoles)},
		{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/effective-roles/sources/groups", Bucket: "read member roles", Handle: mgmtapi.OnBoth(memberOf, listRoleSources)},
	}
}

// listMembers shows roles only to who asks for them by name and may read them.
func listMembers(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	withRoles := slices.Contains(strings.Split(c.Query.Get("fields"), ","), "roles") && c.Query.Get("include_fields") != "false"
	if withRoles && !c.Token.May("read:organization_member_roles") {
		return mgmtapi.Insufficient([]string{"read:organization_member_roles"})
	}
	view := func(m *state.Member) any {
		v := briefUser(c.T, m.UserID)
		if withRoles {
			v["roles"] = store.Render(mgmtapi.RolesByID(c.T, m.Roles), func(r *state.Role) any { return map[string]any{"id": r.ID, "name": r.Name} })
		}
		return c.Fields(v)
	}
	rows := c.T.Shown(o)
	page := mgmtapi.Envelope[*state.Member]{Key: "members", Beyond: mgmtapi.BeyondOther, Always: true, Turned: true, Mark: func(m *state.Member) store.Mark {
		return store.Mark{At: m.At, ID: m.UserID}
	}}
	return mgmtapi.List(c, page, rows, view)
}

func addMembers(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	ids := c.Strs("members")
	for _, id := range ids {
		if c.T.Users.Get(id) == nil {
			return mgmtapi.NotFound("One or more of the users do not exist.", "")
		}
	}
	for _, id := range ids {
		c.T.Join(o, id, c.Now)
	}
	return mgmtapi.NoContent()
}

func removeMembers(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	for _, id := range c.Strs("members") {
		c.T.Leave(o, id)
	}
	return mgmtapi.NoContent()
}

// memberOf returns organization and user of a path. The user need not be a
// member: Auth0 keeps roles given beforehand.
func memberOf(c *mgmtapi.Call) (*state.Organization, string, *mgmtapi.Reply) {
	o, bad := organization("id")(c)
	if bad != nil {
		return nil, "", bad
	}
	id := c.Path("user_id")
	if c.T.Users.Get(id) == nil {
		return nil, "", mgmtapi.NoSuchUser()
	}
	return o, id, nil
}

func listMemberRoles(c *mgmtapi.Call, o *state.Organization, id string) *mgmtapi.Reply {
	return mgmtapi.List(c, mgmtapi.Envelope[*state.Role]{Key: "roles", Beyond: mgmtapi.BeyondOther}, mgmtapi.RolesByID(c.T, o.RolesIn(id)), func(r *state.Role) any { return mgmtapi.BriefRole(r) })
}

func addMemberRoles(c *mgmtapi.Call, o *state.Organization, id string) *mgmtapi.Reply {
	if _, bad := c.ReadRoles(); bad != nil {
		return bad
	}
	all := store.Union(o.RolesIn(id), c.Strs("roles"))
	if len(all) > mgmtapi.MaxRoles {
		return mgmtapi.Conflict("No more roles can be assigned to this organization member.", "")
	}
	o.SetRoles(id, all)
	return mgmtapi.NoContent()
}

func removeMemberRoles(c *mgmtapi.Call, o *state.Organization, id string) *mgmtapi.Reply {
	o.SetRoles(id, store.Minus(o.RolesIn(id), c.Strs("roles")))
	return mgmtapi.NoContent()
}

func listEffectiveRoles(c *mgmtapi.Call, o *state.Organization, id string) *mgmtapi.Reply {
	rows := mgmtapi.Combine(c.T, o.RolesIn(id), c.T.InheritedRoles(o, id))
	return mgmtapi.List(c, mgmtapi.Effectives, rows, mgmtapi.Effective.View)
}

func listRoleSources(c *mgmtapi.Call, o *state.Organization, id string) *mgmtapi.Reply {
	role := c.Query.Get("role_id")
	if c.T.Roles.Get(role) == nil {
		return mgmtapi.NotFound(mgmtapi.NoRole, "")
	}
	return groupPage(c, slices.DeleteFunc(c.T.GroupsOf(id), func(g *state.Group) bool { return !slices.Contains(o.GroupRoles[g.ID], role) }))
}
