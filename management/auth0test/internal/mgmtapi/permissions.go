package mgmtapi

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxPermissions is how many permissions a user or a role may have.
const maxPermissions = 1000

// ReadPermissions reads the permissions of a body; all must exist.
func (c *Call) ReadPermissions() ([]state.Permission, *Reply) {
	var out []state.Permission
	for _, m := range store.Objects(c.Body["permissions"]) {
		identifier, _ := m["resource_server_identifier"].(string)
		name, _ := m["permission_name"].(string)
		a := c.T.APIOf(c.Issuer(), identifier)
		if a == nil {
			return nil, NotFound("The resource server does not exist", "inexistent_resource_server")
		}
		if Scope(a, name) == nil {
			return nil, NotFound("This permission does not exist: '"+name+" - "+identifier+"'", "inexistent_resource_server_permission")
		}
		out = append(out, state.Permission{APIID: a.ID, Name: name})
	}
	return out, nil
}

func Scope(a *state.API, name string) *state.APIScope {
	for i := range a.Scopes {
		if a.Scopes[i].Value == name {
			return &a.Scopes[i]
		}
	}
	return nil
}

// PermissionView shows a permission; nil when its API or scope is gone.
func (c *Call) PermissionView(p state.Permission) map[string]any {
	a := c.T.APIs.Get(p.APIID)
	if a == nil {
		return nil
	}
	s := Scope(a, p.Name)
	if s == nil {
		return nil
	}
	return map[string]any{
		"permission_name": p.Name, "description": s.Description, "resource_server_name": a.Doc["name"],
		"resource_server_identifier": state.AudienceUnder(c.Issuer(), a.Identifier),
	}
}

// Existing are the permissions that still have an API and a scope.
func (c *Call) Existing(all []state.Permission) []state.Permission {
	return slices.DeleteFunc(slices.Clone(all), func(p state.Permission) bool { return c.PermissionView(p) == nil })
}

// Without takes the permissions of a body away.
func (c *Call) Without(all []state.Permission) []state.Permission {
	gone := store.Objects(c.Body["permissions"])
	return slices.DeleteFunc(slices.Clone(all), func(p state.Permission) bool {
		view := c.PermissionView(p)
		return view != nil && slices.ContainsFunc(gone, func(m map[string]any) bool {
			return m["permission_name"] == p.Name && m["resource_server_identifier"] == view["resource_server_identifier"]
		})
	})
}

// PermissionRoutes are the operations on the permissions that something has at a path.
func PermissionRoutes[P any](path, who string, find func(*Call) (P, *Reply), list func(*Call) *Reply, of func(P) *[]state.Permission) []Route {
	add := func(c *Call, p P) *Reply {
		more, bad := c.ReadPermissions()
		if bad != nil {
			return bad
		}
		all := store.Union(*of(p), more)
		if len(all) > maxPermissions {
			return BadRequest("No more permissions can be assigned to this "+who+".", "")
		}
		*of(p) = all
		return Created(Nothing())
	}
	return []Route{
		{Method: "GET", Pattern: path, Handle: list},
		{Method: "POST", Pattern: path, Handle: On(find, add)},
		{Method: "DELETE", Pattern: path, Handle: Doing(find, func(c *Call, p P) { *of(p) = c.Without(*of(p)) })},
	}
}
