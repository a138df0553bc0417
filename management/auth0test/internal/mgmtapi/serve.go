package mgmtapi

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
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
	if !c.route.Open {
		if bad := c.authenticate(); bad != nil {
			return bad
		}
		if bad := c.authorize(); bad != nil {
			return bad
		}
	}
	if bad := c.checkParams(); bad != nil {
		return bad
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
