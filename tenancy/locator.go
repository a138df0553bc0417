package tenancy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Org names the organization that a request is for, by one of the two.
type Org struct {
	ID   string // "org_" and 16 characters.
	Name string // Auth0's, in lower case. It is compared with the Directory's, or else with org_name of the token.
}

// Locator returns the organization that a request is for. It is an argument of
// Require so that nobody forgets it: a valid token of one organization must not
// open the data of another.
//
// The middleware calls it with a request whose context has the TenantContext, and
// compares. ErrNoTenant (the request names no organization) is answered with 400,
// ErrForbidden with 403, ErrNotFound with 404, and any other error, such as a
// failed look-up, with 503.
type Locator func(r *http.Request) (Org, error)

// FromPath returns a Locator that reads a wildcard of the route: FromPath("org")
// for "/orgs/{org}/users". It works inside the router (net/http.ServeMux, or one
// that sets PathValue), not around it; a route without that wildcard is answered
// with 500 and named in the log. For other routers write a Locator that asks the
// router.
func FromPath(wildcard string) Locator {
	return func(r *http.Request) (Org, error) {
		if id := r.PathValue(wildcard); id != "" {
			return Org{ID: id}, nil
		}
		if strings.Contains(r.Pattern, "{"+wildcard+"}") || strings.Contains(r.Pattern, "{"+wildcard+"...}") {
			return Org{}, fmt.Errorf("%w in the path", ErrNoTenant)
		}
		if r.Pattern == "" {
			return Org{}, &routeError{fmt.Sprintf("FromPath(%q) is used outside of the router; put the middleware around the handler of the route", wildcard)}
		}
		return Org{}, &routeError{fmt.Sprintf("FromPath(%q) is used for the route %q, which has no such wildcard", wildcard, r.Pattern)}
	}
}

// FromHeader returns a Locator that reads an id from a header, which must occur
// exactly once.
func FromHeader(name string) Locator {
	return func(r *http.Request) (Org, error) {
		if values := r.Header.Values(name); len(values) == 1 && values[0] != "" {
			return Org{ID: values[0]}, nil
		}
		return Org{}, fmt.Errorf("%w, or more than one, in header %s", ErrNoTenant, name)
	}
}

// FromHost returns a Locator that asks resolve for the organization of the
// request's host, in lower case and without the port: "acme.example.com".
func FromHost(resolve func(host string) (Org, error)) Locator {
	return func(r *http.Request) (Org, error) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		return resolve(strings.ToLower(strings.TrimSuffix(host, ".")))
	}
}

// FromToken returns the organization of the token itself, for requests that name
// none. Handlers must then scope everything they read and write by
// TenantContext.TenantID: nothing else keeps tenants apart.
func FromToken(r *http.Request) (Org, error) {
	if t, ok := FromContext(r.Context()); ok {
		return Org{ID: t.TenantID}, nil
	}
	return Org{}, ErrNoTenant
}

// ByName returns a Locator for which what l finds is the name of an organization. A
// name that is not that of the caller's organization is answered with 404, whether
// another organization has it or none. The Directory has the names; without one,
// org_name of the token is compared, which the tenant must be set to add and which
// is as old as the token.
func (l Locator) ByName() Locator {
	return func(r *http.Request) (Org, error) {
		o, err := l(r)
		if o.Name == "" {
			o.Name = o.ID
		}
		return Org{Name: strings.ToLower(o.Name)}, err
	}
}
