package users

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func UserRoleRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/users/{id}/roles", Handle: mgmtapi.On((*mgmtapi.Call).User, listUserRoles), AllOf: true, Scopes: []string{"read:users", "read:roles", "read:role_members"}},
		{Method: "POST", Pattern: "/users/{id}/roles", Handle: mgmtapi.On((*mgmtapi.Call).User, addUserRoles)},
		{Method: "DELETE", Pattern: "/users/{id}/roles", Handle: mgmtapi.On((*mgmtapi.Call).User, removeUserRoles)},
		{Method: "GET", Pattern: "/users/{id}/permissions", Handle: mgmtapi.On((*mgmtapi.Call).User, listUserPermissions)},
		{Method: "POST", Pattern: "/users/{id}/permissions", Handle: mgmtapi.On((*mgmtapi.Call).User, addUserPermissions)},
		{Method: "DELETE", Pattern: "/users/{id}/permissions", Handle: mgmtapi.On((*mgmtapi.Call).User, removeUserPermissions)},
		{Method: "GET", Pattern: "/users/{id}/organizations", Bucket: "read user organizations", Handle: mgmtapi.On((*mgmtapi.Call).User, listUserOrganizations)},
		{Method: "GET", Pattern: "/users/{id}/effective-roles", Handle: mgmtapi.On((*mgmtapi.Call).User, listEffectiveUserRoles)},
		{Method: "GET", Pattern: "/users/{id}/effective-permissions", Handle: mgmtapi.On((*mgmtapi.Call).User, listEffectivePermissions)},
	}
}

func listUserRoles(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	return mgmtapi.List(c, mgmtapi.Envelope[*state.Role]{Key: "roles"}, mgmtapi.RolesByID(c.T, u.Roles), func(r *state.Role) any { return mgmtapi.BriefRole(r) })
}

func addUserRoles(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	roles, bad := c.ReadRoles()
	if bad != nil {
		return bad
	}
	if len(store.Union(u.Roles, c.Strs("roles"))) > mgmtapi.MaxRoles {
		return mgmtapi.BadRequest("No more roles can be assigned to this user.", "")
	}
	for _, r := range roles {
		c.T.GiveRole(u, r, c.Now)
	}
	return mgmtapi.NoContent()
}

func removeUserRoles(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	for _, r := range mgmtapi.RolesByID(c.T, c.Strs("roles")) {
		c.T.TakeRole(u, r)
	}
	return mgmtapi.NoContent()
}

// source is where a user has a permission from.
func source(id, name, kind string) map[string]any {
	return map[string]any{"source_id": id, "source_name": name, "source_type": kind}
}

// listUserPermissions shows the direct permissions and those of roles, each with
// its sources.
func listUserPermissions(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	all, sources := permissionsOf(c, u)
	return mgmtapi.List(c, mgmtapi.Envelope[state.Permission]{Key: "permissions"}, all, func(p state.Permission) any {
		m := c.PermissionView(p)
		m["sources"] = sources[p]
		return m
	})
}

func permissionsOf(c *mgmtapi.Call, u *state.User) ([]state.Permission, map[state.Permission][]any) {
	sources := make(map[state.Permission][]any)
	all := c.Existing(u.Permissions)
	for _, p := range all {
		sources[p] = append(sources[p], source("", "", "DIRECT"))
	}
	for _, r := range mgmtapi.RolesByID(c.T, u.Roles) {
		held := c.Existing(r.Permissions)
		all = store.Union(all, held)
		for _, p := range held {
			sources[p] = append(sources[p], source(r.ID, r.Name, "ROLE"))
		}
	}
	return all, sources
}

func addUserPermissions(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	more, bad := c.ReadPermissions()
	if bad != nil {
		return bad
	}
	all := store.Union(u.Permissions, more)
	if len(all) > mgmtapi.MaxPermissions {
		return mgmtapi.TooManyPermissions("user")
	}
	u.Permissions = all
	return mgmtapi.Created(map[string]any{})
}

func removeUserPermissions(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	u.Permissions = c.Without(u.Permissions)
	return mgmtapi.NoContent()
}

func listUserOrganizations(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	var rows []*state.Organization
	for _, id := range u.Orgs {
		if o := c.T.Orgs.Get(id); o != nil {
			rows = append(rows, o)
		}
	}
	return mgmtapi.List(c, mgmtapi.Envelope[*state.Organization]{Key: "organizations"}, rows, func(o *state.Organization) any { return mgmtapi.ViewOrganization(o) })
}

func listEffectiveUserRoles(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	rows := mgmtapi.Combine(c.T, u.Roles, c.T.TenantGroupRoles(u.ID))
	return mgmtapi.List(c, mgmtapi.Effectives, rows, mgmtapi.Effective.View)
}

func listEffectivePermissions(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	held := make(map[state.Permission][]any)
	note := func(ps []state.Permission, from string) {
		for _, p := range c.Existing(ps) {
			if !slices.Contains(held[p], any(from)) {
				held[p] = append(held[p], from)
			}
		}
	}
	note(u.Permissions, "direct")
	for _, r := range mgmtapi.RolesByID(c.T, store.Union(u.Roles, c.T.TenantGroupRoles(u.ID))) {
		note(r.Permissions, "roles")
	}
	var rows []state.Permission
	for p := range held {
		if a := c.Query.Get("resource_server_identifier"); a == "" || c.PermissionView(p)["resource_server_identifier"] == a {
			rows = append(rows, p)
		}
	}
	where := func(p state.Permission) store.Mark {
		return store.Mark{At: c.T.APIs.Get(p.APIID).CreatedAt, ID: p.APIID + " " + p.Name}
	}
	view := func(p state.Permission) any {
		m := c.PermissionView(p)
		m["sources"] = held[p]
		return m
	}
	return mgmtapi.List(c, mgmtapi.Envelope[state.Permission]{Key: "permissions", Form: mgmtapi.Cursor, Mark: where}, rows, view)
}
