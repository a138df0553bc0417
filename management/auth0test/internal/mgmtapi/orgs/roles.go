package orgs

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var roles = &mgmtapi.Resource[state.Role]{
	Path: "/roles", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.Role] { return &t.Roles }),
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
