package mgmtapi

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Serve checks a request in Auth0's order and hands it to its route; path is what
// stands behind /api/v2.
func (a *API) Serve(w *web.StatusWriter, r *http.Request, path string) {
	rt, params, found := a.routes.Find(r.Method, path)
	endpoint := ""
	if rt != nil {
		endpoint = rt.Bucket
	}
	if !a.t.Limits.PassManagement(w, a.t.Now(), endpoint) {
		return
	}
	if rt == nil {
		a.serveUnknown(w, r, found)
		return
	}
	c := &Call{api: a, T: a.t, W: w, R: r, route: rt, op: schema.Lookup(rt.Method, rt.Pattern), Params: params, Query: r.URL.Query(), Now: a.t.Now()}
	answer := c.admit()
	if answer == nil {
		answer = c.answer()
	} else {
		answer = &Reply{Status: answer.Status, Body: answer.encode()}
	}
	if c.Token != nil {
		w.Client = c.Token.Client
	}
	raw, _ := answer.Body.([]byte)
	web.Send(w, answer.Status, raw)
}

// serveUnknown tells what Auth0 has from what it does not have either. Its
// description knows no 405: a path with another method is not found.
func (a *API) serveUnknown(w *web.StatusWriter, r *http.Request, described bool) {
	if !described {
		web.SendError(w, http.StatusNotFound, "Not Found", "")
		return
	}
	c := &Call{api: a, T: a.t, W: w, R: r}
	if bad := c.authenticate(); bad != nil {
		web.Send(w, bad.Status, bad.encode())
		return
	}
	w.Client = c.Token.Client
	web.ServeMissing(w, r, a.t.Options.Missing)
}

// Methods are those of the routes of a path.
func (a *API) Methods(path string) []string { return a.routes.Methods(path) }

// admit authenticates, authorizes and validates.
func (c *Call) admit() *Reply {
	for _, check := range []func() *Reply{c.authenticate, c.authorize, c.checkParams} {
		if bad := check(); bad != nil {
			return bad
		}
	}
	return c.read()
}

// answer runs the handler and encodes what it says while nothing can change.
func (c *Call) answer() *Reply {
	if c.route.Free {
		a := c.route.Handle(c)
		done := &Reply{Status: a.Status, Body: a.encode()}
		c.T.Lock()
		defer c.T.Unlock()
		c.log(done)
		return done
	}
	c.Now = c.T.Lock()
	defer c.T.Unlock()
	a := c.route.Handle(c)
	done := &Reply{Status: a.Status, Body: a.encode()}
	c.log(done)
	return done
}

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
