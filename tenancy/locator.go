package tenancy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Locator returns the organization that a request is for. It is an argument of
// NewExtractor so that nobody forgets it: a valid token of one organization must
// not open the data of another.
//
// The middleware calls it with a request whose context has the TenantContext, and
// compares. ErrNoTenant (the request names no organization) is answered with 400,
// ErrForbidden with 403, and any other error, such as a failed look-up, with 503.
type Locator func(*http.Request) (orgID string, err error)

// FromPath returns a Locator that reads a wildcard of the route: FromPath("org")
// for "/orgs/{org}/users". It works inside the router (net/http.ServeMux, or one
// that sets PathValue), not around it. For other routers write a Locator that asks
// the router.
func FromPath(wildcard string) Locator {
	return func(r *http.Request) (string, error) {
		if id := r.PathValue(wildcard); id != "" {
			return id, nil
		}
		return "", fmt.Errorf("%w in the path", ErrNoTenant)
	}
}

// FromHeader returns a Locator that reads a header, which must occur exactly once.
func FromHeader(name string) Locator {
	return func(r *http.Request) (string, error) {
		if values := r.Header.Values(name); len(values) == 1 && values[0] != "" {
			return values[0], nil
		}
		return "", fmt.Errorf("%w, or more than one, in header %s", ErrNoTenant, name)
	}
}

// FromHost returns a Locator that asks resolve for the organization of the
// request's host, in lower case and without the port: "acme.example.com".
func FromHost(resolve func(host string) (orgID string, err error)) Locator {
	return func(r *http.Request) (string, error) {
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
func FromToken(r *http.Request) (string, error) {
	if t, ok := FromContext(r.Context()); ok {
		return t.TenantID, nil
	}
	return "", ErrNoTenant
}
