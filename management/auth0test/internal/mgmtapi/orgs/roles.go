package orgs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func RoleRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/roles", Handle: listRoles},
		{Method: "POST", Pattern: "/roles", Handle: createRole},
		{Method: "GET", Pattern: "/roles/{id}", Handle: readRole},
		{Method: "PATCH", Pattern: "/roles/{id}", Handle: updateRole},
		{Method: "DELETE", Pattern: "/roles/{id}", Handle: deleteRole},
		{Method: "GET", Pattern: "/roles/{id}/permissions", Handle: listRolePermissions},
		{Method: "POST", Pattern: "/roles/{id}/permissions", Handle: addRolePermissions},
		{Method: "DELETE", Pattern: "/roles/{id}/permissions", Handle: removeRolePermissions},
		{Method: "GET", Pattern: "/roles/{id}/users", Handle: listRoleUsers, AllOf: true, Scopes: []string{"read:users", "read:roles"}},
		{Method: "POST", Pattern: "/roles/{id}/users", Handle: addRoleUsers},
	}
}

func role(c *mgmtapi.Call) (*state.Role, *mgmtapi.Reply) {
	r := c.T.Roles.Get(c.Path("id"))
	if r == nil {
		return nil, mgmtapi.NotFound(mgmtapi.NoRole, "")
	}
	return r, nil
}

// viewRole is a role as its own operations show it.
func viewRole(r *state.Role) map[string]any {
	m := mgmtapi.BriefRole(r)
	m["type"] = r.Kind
	if r.Owner != "" {
		m["owner_id"] = r.Owner
	}
	return m
}

func listRoles(c *mgmtapi.Call) *mgmtapi.Reply {
	name, owner, kind := strings.ToLower(c.Query.Get("name_filter")), c.Query.Get("owner_id"), c.Query.Get("type")
	var rows []*state.Role
	for _, r := range c.T.Roles.All() {
		if strings.Contains(strings.ToLower(r.Name), name) && (owner == "" || r.Owner == owner) &&
			(kind == "" || kind == r.Kind) {
			rows = append(rows, r)
		}
	}
	return mgmtapi.PageOf(c, "roles", "", rows, func(r *state.Role) any { return viewRole(r) })
}

func roleNamed(t *state.Tenant, name, owner string) *state.Role {
	return t.Roles.Find(func(r *state.Role) bool { return r.Name == name && r.Owner == owner })
}

func createRole(c *mgmtapi.Call) *mgmtapi.Reply {
	r := &state.Role{ID: store.NewID("rol"), Name: c.Str("name"), Description: c.Str("description"), Kind: cmp.Or(c.Str("type"), "tenant"), Owner: c.Str("owner_id"), CreatedAt: c.Now}
	if roleNamed(c.T, r.Name, r.Owner) != nil {
		return mgmtapi.Conflict("The role already exists.", "")
	}
	if r.Owner != "" && c.T.Orgs.Get(r.Owner) == nil {
		return noOrganization()
	}
	c.T.Roles.Put(r.ID, r)
	return mgmtapi.OK(viewRole(r))
}

func readRole(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(viewRole(r))
}

func updateRole(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	if c.Has("name") {
		if other := roleNamed(c.T, c.Str("name"), r.Owner); other != nil && other != r {
			return mgmtapi.Conflict("The role already exists.", "")
		}
		r.Name = c.Str("name")
	}
	if c.Has("description") {
		r.Description = c.Str("description")
	}
	return mgmtapi.OK(viewRole(r))
}

func deleteRole(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	c.T.Roles.Delete(r.ID)
	gone := func(id string) bool { return id == r.ID }
	for _, ru := range r.Users.All() {
		if u := c.T.Users.Get(ru.UserID); u != nil {
			u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), gone)
		}
	}
	for _, o := range c.T.Orgs.All() {
		for _, m := range o.Members.All() {
			m.Roles = slices.DeleteFunc(slices.Clone(m.Roles), gone)
		}
		for group, ids := range o.GroupRoles {
			o.GroupRoles[group] = slices.DeleteFunc(slices.Clone(ids), gone)
		}
	}
	return mgmtapi.OK(map[string]any{})
}

func listRolePermissions(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.PageOf(c, "permissions", "", c.Existing(r.Permissions), func(p state.Permission) any { return c.PermissionView(p) })
}

func addRolePermissions(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	more, bad := c.ReadPermissions()
	if bad != nil {
		return bad
	}
	all := store.Union(r.Permissions, more)
	if len(all) > mgmtapi.MaxPermissions {
		return mgmtapi.TooManyPermissions("role")
	}
	r.Permissions = all
	return mgmtapi.Created(map[string]any{})
}

func removeRolePermissions(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	r.Permissions = c.Without(r.Permissions)
	return mgmtapi.NoContent()
}

func listRoleUsers(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	view := func(ru *state.RoleUser) any { return briefUser(c.T, ru.UserID) }
	if c.ByCheckpoint() {
		where := func(ru *state.RoleUser) store.Mark { return store.Mark{At: ru.At, ID: ru.UserID} }
		return mgmtapi.Checkpoint(c, mgmtapi.List[*state.RoleUser]{Key: "users", Rows: r.Users.All(), Where: where, View: view})
	}
	return mgmtapi.PageOf(c, "users", mgmtapi.BeyondOther, r.Users.All(), view)
}

// briefUser is how lists of members show a user.
func briefUser(t *state.Tenant, id string) map[string]any {
	m := map[string]any{"user_id": id}
	if u := t.Users.Get(id); u != nil {
		m["picture"], m["name"] = u.ShownPicture(), u.ShownName()
		if u.Email != "" {
			m["email"] = u.Email
		}
	}
	return m
}

func addRoleUsers(c *mgmtapi.Call) *mgmtapi.Reply {
	r, bad := role(c)
	if bad != nil {
		return bad
	}
	ids := c.Strs("users")
	for _, id := range ids {
		if c.T.Users.Get(id) == nil {
			return mgmtapi.NotFound("One or more of the users do not exist.", "")
		}
	}
	for _, id := range ids {
		c.T.GiveRole(c.T.Users.Get(id), r, c.Now)
	}
	return mgmtapi.OK(map[string]any{})
}
