package auth0test

import (
	"net/http"
	"slices"
)

// maxPermissions is how many permissions a user or a role may have.
const maxPermissions = 1000

// readPermissions reads the permissions of a body; all must exist.
func (c *call) readPermissions() ([]permission, *reply) {
	items, _ := c.body["permissions"].([]any)
	var out []permission
	for _, item := range items {
		m, _ := item.(map[string]any)
		identifier, _ := m["resource_server_identifier"].(string)
		name, _ := m["permission_name"].(string)
		a := c.t.apiOf(c.issuer(), identifier)
		if a == nil {
			return nil, notFound("The resource server does not exist", "inexistent_resource_server")
		}
		if a.scope(name) == nil {
			return nil, notFound("This permission does not exist: '"+name+" - "+identifier+"'", "inexistent_resource_server_permission")
		}
		out = append(out, permission{a.id, name})
	}
	return out, nil
}

func (a *api) scope(name string) *apiScope {
	for i := range a.scopes {
		if a.scopes[i].Value == name {
			return &a.scopes[i]
		}
	}
	return nil
}

// permissionView shows a permission; nil when its API or scope is gone.
func (c *call) permissionView(p permission) map[string]any {
	a := c.t.apis.get(p.apiID)
	if a == nil {
		return nil
	}
	s := a.scope(p.name)
	if s == nil {
		return nil
	}
	return map[string]any{
		"permission_name": p.name, "description": s.Description, "resource_server_name": a.doc["name"],
		"resource_server_identifier": audienceUnder(c.issuer(), a.identifier),
	}
}

// existing are the permissions that still have an API and a scope.
func (c *call) existing(all []permission) []permission {
	return slices.DeleteFunc(slices.Clone(all), func(p permission) bool { return c.permissionView(p) == nil })
}

// without takes the permissions of a body away.
func (c *call) without(all []permission) []permission {
	items, _ := c.body["permissions"].([]any)
	return slices.DeleteFunc(slices.Clone(all), func(p permission) bool {
		view := c.permissionView(p)
		return slices.ContainsFunc(items, func(item any) bool {
			m, _ := item.(map[string]any)
			return view != nil && m["permission_name"] == p.name && m["resource_server_identifier"] == view["resource_server_identifier"]
		})
	})
}

func union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func tooManyPermissions(who string) *reply {
	return fail(http.StatusBadRequest, "No more permissions can be assigned to this "+who+".", "")
}
