package orgs

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func memberRoutes() []mgmtapi.Route {
	return append(mgmtapi.RoleLinks[member]{
		Path: "/organizations/{id}/members/{user_id}/roles", Find: memberOf, Page: mgmtapi.Envelope[*state.Role]{Key: "roles", Beyond: mgmtapi.BeyondOther},
		Get:     func(m member) []string { return m.in.RolesIn(m.id) },
		Set:     func(_ *mgmtapi.Call, m member, ids []string) { m.in.SetRoles(m.id, ids) },
		Full:    mgmtapi.Conflict("No more roles can be assigned to this organization member.", ""),
		Buckets: [2]string{"read member roles", "write member roles"},
	}.Routes(),
		mgmtapi.Route{Method: "GET", Pattern: "/organizations/{id}/members", Bucket: "read members", Handle: mgmtapi.On(organization("id"), listMembers)},
		mgmtapi.Route{Method: "POST", Pattern: "/organizations/{id}/members", Bucket: "write members", Handle: mgmtapi.On(organization("id"), addMembers)},
		mgmtapi.Route{Method: "DELETE", Pattern: "/organizations/{id}/members", Bucket: "write members", Handle: mgmtapi.Doing(organization("id"), removeMembers)},
		mgmtapi.Route{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/effective-roles", Bucket: "read member roles", Handle: mgmtapi.Listing(memberOf, mgmtapi.Effectives, effectiveRoles, mgmtapi.ViewEffective)},
		mgmtapi.Route{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/effective-roles/sources/groups", Bucket: "read member roles", Handle: mgmtapi.On(memberOf, listRoleSources)})
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
	users, bad := c.Users("members")
	if bad != nil {
		return bad
	}
	for _, u := range users {
		c.T.Join(o, u.ID, c.Now)
	}
	return mgmtapi.NoContent()
}

func removeMembers(c *mgmtapi.Call, o *state.Organization) {
	for _, id := range c.Strs("members") {
		c.T.Leave(o, id)
	}
}

// member is a user in an organization. It need not be one: Auth0 keeps roles given
// beforehand.
type member struct {
	in *state.Organization
	id string
}

func memberOf(c *mgmtapi.Call) (member, *mgmtapi.Reply) {
	o, bad := organization("id")(c)
	m := member{o, c.Path("user_id")}
	if bad == nil && c.T.Users.Get(m.id) == nil {
		bad = mgmtapi.NoSuchUser()
	}
	return m, bad
}

func effectiveRoles(c *mgmtapi.Call, m member) []mgmtapi.Effective {
	return mgmtapi.Combine(c.T, m.in.RolesIn(m.id), c.T.InheritedRoles(m.in, m.id))
}

func listRoleSources(c *mgmtapi.Call, m member) *mgmtapi.Reply {
	role := c.Query.Get("role_id")
	if c.T.Roles.Get(role) == nil {
		return mgmtapi.NotFound(mgmtapi.NoRole, "")
	}
	rows := slices.DeleteFunc(c.T.GroupsOf(m.id), func(g *state.Group) bool { return !slices.Contains(m.in.GroupRoles[g.ID], role) })
	return mgmtapi.List(c, groupPage, rows, func(g *state.Group) any { return viewGroup(c, g) })
}
