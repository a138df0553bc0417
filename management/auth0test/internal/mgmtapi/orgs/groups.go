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

func GroupRoutes() []mgmtapi.Route {
	return groups.Routes(slices.Concat(mgmtapi.RoleLinks[*state.Group]{
		Path: "/groups/{id}/roles", Find: groups.Find, Page: mgmtapi.RolesBy,
		Get: func(g *state.Group) []string { return g.Roles },
		Set: func(_ *mgmtapi.Call, g *state.Group, ids []string) { g.Roles = ids },
	}.Routes(), mgmtapi.RoleLinks[groupIn]{
		Path: "/organizations/{organization_id}/groups/{group_id}/roles", Find: organizationGroup, Page: mgmtapi.RolesBy,
		Get:  func(g groupIn) []string { return g.in.GroupRoles[g.id] },
		Set:  func(_ *mgmtapi.Call, g groupIn, ids []string) { g.in.SetGroupRoles(g.id, ids) },
		Full: mgmtapi.Conflict("No more roles can be assigned to this organization group.", ""),
	}.Routes(), []mgmtapi.Route{
		{Method: "GET", Pattern: "/groups/{id}/members", Handle: mgmtapi.On(groups.Find, listGroupMembers)},
		{Method: "GET", Pattern: "/users/{id}/groups", Handle: mgmtapi.Listing((*mgmtapi.Call).User, groupPage, func(c *mgmtapi.Call, u *state.User) []*state.Group { return c.T.GroupsOf(u.ID) }, viewGroup)},
		{Method: "GET", Pattern: "/organizations/{organization_id}/groups", Handle: mgmtapi.Listing(organization("organization_id"), groupPage, groupsWithRoles, viewGroup)},
	})...)
}

func viewGroup(_ *mgmtapi.Call, g *state.Group) map[string]any {
	return map[string]any{"id": g.ID, "name": g.Name, "created_at": store.Stamp(g.CreatedAt), "updated_at": store.Stamp(g.CreatedAt)}
}

// groupPage is for places where there is no paging by number.
var groupPage = func() mgmtapi.Envelope[*state.Group] { page := groups.Page; page.Form = mgmtapi.Cursor; return page }()

func listGroupMembers(c *mgmtapi.Call, g *state.Group) *mgmtapi.Reply {
	page := mgmtapi.Envelope[string]{Key: "members", Form: mgmtapi.Cursor, Mark: func(id string) store.Mark { return store.Mark{At: g.CreatedAt, ID: id} }}
	return mgmtapi.List(c, page, g.Members, func(id string) any {
		return map[string]any{"id": id, "member_type": "user", "type": "tenant", "created_at": store.Stamp(g.CreatedAt)}
	})
}

func groupsWithRoles(c *mgmtapi.Call, o *state.Organization) []*state.Group {
	return slices.DeleteFunc(c.T.Groups.All(), func(g *state.Group) bool { return len(o.GroupRoles[g.ID]) == 0 })
}

// groupIn is a group in an organization.
type groupIn struct {
	in *state.Organization
	id string
}

func organizationGroup(c *mgmtapi.Call) (groupIn, *mgmtapi.Reply) {
	o, bad := organization("organization_id")(c)
	if bad == nil {
		_, bad = groups.By("group_id")(c)
	}
	return groupIn{o, c.Path("group_id")}, bad
}
