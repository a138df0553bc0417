package orgs

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var roles = &mgmtapi.Resource[*state.Role]{
	Path: "/roles", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.Role] { return &t.Roles }),
	Missing: mgmtapi.Text{Message: mgmtapi.NoRole}, Strict: true, Created: http.StatusOK,
	New: newRole, Set: changeRole, Remove: removeRole, View: viewRole,
	Told: func(c *mgmtapi.Call, r *state.Role) map[string]any { // As recorded: null here, and empty from then on.
		m := viewRole(c, r)
		m["description"] = store.OrNull(r.Description)
		return m
	},
	Where: func(c *mgmtapi.Call, r *state.Role) bool {
		return strings.Contains(strings.ToLower(r.Name), strings.ToLower(c.Query.Get("name_filter"))) && c.Asks("owner_id", r.Owner) && c.Asks("type", r.Kind)
	},
	Page: mgmtapi.Envelope[*state.Role]{Key: "roles"},
}

func RoleRoutes() []mgmtapi.Route {
	return roles.Routes(append(mgmtapi.PermissionRoutes("/roles/{id}/permissions", "role", roles.Find, mgmtapi.Listing(roles.Find, mgmtapi.Envelope[state.Permission]{Key: "permissions"}, heldPermissions, (*mgmtapi.Call).PermissionView), func(r *state.Role) *[]state.Permission { return &r.Permissions }),
		mgmtapi.Route{Method: "GET", Pattern: "/roles/{id}/users", Handle: mgmtapi.Listing(roles.Find, roleUsers, func(_ *mgmtapi.Call, r *state.Role) []*state.RoleUser { return r.Users.All() }, func(c *mgmtapi.Call, ru *state.RoleUser) map[string]any { return briefUser(c.T, ru.UserID) }), AllOf: true, Scopes: []string{"read:users", "read:roles"}},
		mgmtapi.Route{Method: "POST", Pattern: "/roles/{id}/users", Handle: mgmtapi.On(roles.Find, addRoleUsers)})...)
}

// viewRole is a role as its own operations show it.
func viewRole(_ *mgmtapi.Call, r *state.Role) map[string]any {
	m := mgmtapi.BriefRole(nil, r)
	m["type"] = r.Kind
	store.Put(m, "owner_id", r.Owner)
	return m
}

// freeRole refuses a name that another role of the owner has.
func freeRole(t *state.Tenant, self *state.Role, name, owner string) *mgmtapi.Reply {
	if other := t.Roles.Find(func(r *state.Role) bool { return r.Name == name && r.Owner == owner }); other != nil && other != self {
		return mgmtapi.Conflict("The role already exists.", "")
	}
	return nil
}

func newRole(c *mgmtapi.Call) (string, *state.Role, *mgmtapi.Reply) {
	r := &state.Role{ID: store.NewID("rol"), Name: c.Str("name"), Description: c.Str("description"), Kind: cmp.Or(c.Str("type"), "tenant"), Owner: c.Str("owner_id"), CreatedAt: c.Now}
	if r.Owner != "" && c.T.Orgs.Get(r.Owner) == nil {
		return "", nil, organizations.NotFound("")
	}
	return r.ID, r, freeRole(c.T, nil, r.Name, r.Owner)
}

func changeRole(c *mgmtapi.Call, r *state.Role) *mgmtapi.Reply {
	if c.Has("name") {
		if bad := freeRole(c.T, r, c.Str("name"), r.Owner); bad != nil {
			return bad
		}
		r.Name = c.Str("name")
	}
	if c.Has("description") {
		r.Description = c.Str("description")
	}
	return nil
}

func removeRole(c *mgmtapi.Call, r *state.Role) *mgmtapi.Reply {
	gone := []string{r.ID}
	for _, ru := range r.Users.All() {
		if u := c.T.Users.Get(ru.UserID); u != nil {
			u.Roles = store.Minus(u.Roles, gone)
		}
	}
	for _, o := range c.T.Orgs.All() {
		for _, m := range o.Members.All() {
			m.Roles = store.Minus(m.Roles, gone)
		}
		for group, ids := range o.GroupRoles {
			o.GroupRoles[group] = store.Minus(ids, gone)
		}
	}
	return mgmtapi.OK(map[string]any{})
}

func heldPermissions(c *mgmtapi.Call, r *state.Role) []state.Permission {
	return c.Existing(r.Permissions)
}

var roleUsers = mgmtapi.Envelope[*state.RoleUser]{Key: "users", Beyond: mgmtapi.BeyondOther, Mark: func(ru *state.RoleUser) store.Mark { return store.Mark{At: ru.At, ID: ru.UserID} }}

// briefUser is how lists of members show a user.
func briefUser(t *state.Tenant, id string) map[string]any {
	m := map[string]any{"user_id": id}
	if u := t.Users.Get(id); u != nil {
		m["picture"], m["name"] = u.ShownPicture(), u.ShownName()
		store.Put(m, "email", u.Email)
	}
	return m
}

func addRoleUsers(c *mgmtapi.Call, r *state.Role) *mgmtapi.Reply {
	users, bad := c.Users("users")
	if bad != nil {
		return bad
	}
	for _, u := range users {
		c.T.GiveRole(u, r, c.Now)
	}
	return mgmtapi.OK(map[string]any{})
}

var groups = &mgmtapi.Resource[*state.Group]{
	Path: "/groups", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.Group] { return &t.Groups }),
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
