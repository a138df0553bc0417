package users

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func UserRoleRoutes() []mgmtapi.Route {
	return slices.Concat(mgmtapi.RoleLinks[*state.User]{
		Path: "/users/{id}/roles", Find: (*mgmtapi.Call).User, Page: mgmtapi.Envelope[*state.Role]{Key: "roles"},
		Get:    func(u *state.User) []string { return u.Roles },
		Set:    func(c *mgmtapi.Call, u *state.User, ids []string) { c.T.SetRoles(u, ids, c.Now) },
		Full:   mgmtapi.BadRequest("No more roles can be assigned to this user.", ""),
		Scopes: []string{"read:users", "read:roles", "read:role_members"},
	}.Routes(), mgmtapi.PermissionRoutes("/users/{id}/permissions", "user", (*mgmtapi.Call).User, mgmtapi.On((*mgmtapi.Call).User, listUserPermissions), func(u *state.User) *[]state.Permission { return &u.Permissions }), []mgmtapi.Route{
		{Method: "GET", Pattern: "/users/{id}/organizations", Bucket: "read user organizations", Handle: mgmtapi.Listing((*mgmtapi.Call).User, mgmtapi.Envelope[*state.Organization]{Key: "organizations"}, organizationsOf, mgmtapi.ViewOrganization)},
		{Method: "GET", Pattern: "/users/{id}/effective-roles", Handle: mgmtapi.Listing((*mgmtapi.Call).User, mgmtapi.Effectives, effectiveRoles, mgmtapi.ViewEffective)},
		{Method: "GET", Pattern: "/users/{id}/effective-permissions", Handle: mgmtapi.On((*mgmtapi.Call).User, listEffectivePermissions)},
	})
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
	for _, r := range c.T.RolesByID(u.Roles) {
		held := c.Existing(r.Permissions)
		all = store.Union(all, held)
		for _, p := range held {
			sources[p] = append(sources[p], source(r.ID, r.Name, "ROLE"))
		}
	}
	return all, sources
}

func organizationsOf(c *mgmtapi.Call, u *state.User) (rows []*state.Organization) {
	for _, id := range u.Orgs {
		if o := c.T.Orgs.Get(id); o != nil {
			rows = append(rows, o)
		}
	}
	return rows
}

func effectiveRoles(c *mgmtapi.Call, u *state.User) []mgmtapi.Effective {
	return mgmtapi.Combine(c.T, u.Roles, c.T.TenantGroupRoles(u.ID))
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
	for _, r := range c.T.RolesByID(store.Union(u.Roles, c.T.TenantGroupRoles(u.ID))) {
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
