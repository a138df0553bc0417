package mgmtapi

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Route is one operation of the Management API. A file that adds a resource has
// a function returning its routes.
type Route struct {
	Method  string
	Pattern string // "/users/{id}": as in the OpenAPI description, without /api/v2.

	// handle runs under the tenant's mutex, after authentication, scopes and
	// validation, unless the route is free.
	Handle func(*Call) *Reply
	Free   bool     // handle takes the mutex itself.
	Bucket string   // Name of the endpoint's rate limit, see package limit.
	AllOf  bool     // The caller needs all scopes, not any.
	Scopes []string // Instead of the scopes of the description.
	Open   bool     // No token is needed.
	Form   bool     // The body is not JSON: handle reads it from the request.
}

// API is the Management API of a tenant.
type API struct {
	t       *state.Tenant
	routes  web.Router[*Route]
	bearers bearerCache
}

// New returns the Management API with some routes.
func New(t *state.Tenant, routes []Route) *API {
	a := &API{t: t}
	served := make(map[string]bool, len(routes))
	for i, rt := range routes {
		a.routes.Add(rt.Method, rt.Pattern, &routes[i])
		served[rt.Method+" "+rt.Pattern] = true
	}
	for _, op := range schema.Operations() { // Else a route with "{id}" would answer for an absent "templates".
		if !served[op.Method+" "+op.Path] {
			a.routes.Add(op.Method, op.Path, nil)
		}
	}
	return a
}
