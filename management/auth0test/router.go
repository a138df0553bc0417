package auth0test

import (
	"net/http"
	"net/url"
	"strings"
)

// route is one operation. A file that adds a resource has a function returning
// its routes, listed in routes.go.
type route struct {
	method  string
	pattern string // "/users/{id}": as in the OpenAPI description, without /api/v2.

	// Of the Management API: handle runs under the tenant's mutex, after
	// authentication, scopes and validation, unless the route is free.
	handle func(*call) *reply
	free   bool     // handle takes the mutex itself.
	bucket string   // Name of the endpoint's rate limit, see limit.go.
	allOf  bool     // The caller needs all scopes, not any.
	scopes []string // Instead of the scopes of the description.
	open   bool     // No token is needed.
	form   bool     // The body is not JSON: handle reads it from the request.

	// Of the Authentication API: serve runs without the mutex.
	serve func(*Tenant, http.ResponseWriter, *http.Request)

	segments []string
}

// router finds routes by method and escaped path: ids contain %7C and %2F.
type router struct {
	byMethod map[string][]*route
}

func newRouter(routes []route) *router {
	r := &router{byMethod: make(map[string][]*route)}
	for i := range routes {
		rt := &routes[i]
		rt.segments = strings.Split(strings.TrimPrefix(rt.pattern, "/"), "/")
		r.byMethod[rt.method] = append(r.byMethod[rt.method], rt)
	}
	return r
}

// find returns the route of a path and what its wildcards matched, unescaped. A
// literal segment wins over a wildcard.
func (r *router) find(method, escaped string) (*route, map[string]string) {
	segments := strings.Split(strings.Trim(escaped, "/"), "/")
	var best *route
	for _, rt := range r.byMethod[method] {
		if matches(rt.segments, segments) && (best == nil || moreLiteral(rt.segments, best.segments)) {
			best = rt
		}
	}
	if best == nil {
		return nil, nil
	}
	return best, wildcards(best.segments, segments)
}

func matches(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, p := range pattern {
		if !isWildcard(p) && p != segments[i] {
			return false
		}
		if isWildcard(p) && segments[i] == "" {
			return false
		}
	}
	return true
}

func moreLiteral(a, b []string) bool {
	for i := range a {
		if wa, wb := isWildcard(a[i]), isWildcard(b[i]); wa != wb {
			return wb
		}
	}
	return false
}

func wildcards(pattern, segments []string) map[string]string {
	var m map[string]string
	for i, p := range pattern {
		if !isWildcard(p) {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		v, err := url.PathUnescape(segments[i])
		if err != nil {
			v = segments[i]
		}
		m[p[1:len(p)-1]] = v
	}
	return m
}

func isWildcard(segment string) bool { return strings.HasPrefix(segment, "{") }
