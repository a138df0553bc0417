package tenancy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Locator says which organization a request is for. It is an argument of
// NewExtractor so that nobody forgets it: a valid token of one organization must
// not open the data of another.
//
// The middleware calls it with a request whose context has the TenantContext,
// and compares. An error that is ErrNoTenant (the request names none) is
// answered with 400, one that is ErrForbidden with 403, any other, such as a
// failed look-up, with 503.
type Locator func(*http.Request) (orgID string, err error)

// FromPath reads a wildcard of the route: FromPath("org") for "/orgs/{org}/users".
// It works inside the router (net/http.ServeMux, or one that sets PathValue), not
// around it. For others write a func that asks the router.
func FromPath(wildcard string) Locator {
	return func(r *http.Request) (string, error) {
		if id := r.PathValue(wildcard); id != "" {
			return id, nil
		}
		return "", fmt.Errorf("%w in the path", ErrNoTenant)
	}
}

// FromHeader reads a header that must be there exactly once.
func FromHeader(name string) Locator {
	return func(r *http.Request) (string, error) {
		if values := r.Header.Values(name); len(values) == 1 && values[0] != "" {
			return values[0], nil
		}
		return "", fmt.Errorf("%w, or more than one, in header %s", ErrNoTenant, name)
	}
}

// FromHost asks resolve for the organization of the request's host, which is
// given in lower case and without the port: "acme.example.com".
func FromHost(resolve func(host string) (orgID string, err error)) Locator {
	return func(r *http.Request) (string, error) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		return resolve(strings.ToLower(strings.TrimSuffix(host, ".")))
	}
}

// FromToken takes the organization of the token itself, for requests that name
// none. Handlers must then scope everything they read and write by
// TenantContext.TenantID: nothing else keeps tenants apart.
func FromToken(r *http.Request) (string, error) {
	if t, ok := FromContext(r.Context()); ok {
		return t.TenantID, nil
	}
	return "", ErrNoTenant
}
