package pace

import (
	"strings"
)

// Route names the operation of a request by its path without ids, such as
// "GET users/*/roles": the key under which a rate limit is learnt, and what a
// log line may show.
func Route(method, escapedPath string) string {
	path := strings.TrimPrefix(escapedPath, "/api/v2/")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, segment := range segments {
		if i > 0 && (!isWord(segment) || segments[i-1] == "name") {
			segments[i] = "*"
		}
	}
	return method + " " + strings.Join(segments, "/")
}

// isWord tells Auth0's own path segments from ids: they are lower-case words
// joined by hyphens, and no id of Auth0's is.
func isWord(segment string) bool {
	if len(segment) > 30 {
		return false
	}
	for _, r := range segment {
		if (r < 'a' || r > 'z') && r != '-' {
			return false
		}
	}
	return segment != ""
}

// group is a group of operations with a bucket of its own on some plans.
type group struct {
	name string
	size int // Of its bucket; the largest number of calls at once.
}

// groups are the groups that Auth0 documents, by the routes in them
// (https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy,
// the tables of the Management API). A group whose answers name another size
// than this is taken to use the bucket of the tenant.
var groups = func() map[string]group {
	byRoute := map[string]group{}
	add := func(name string, size int, routes ...string) {
		for _, route := range routes {
			byRoute[route] = group{name, size}
		}
	}
	const org = "organizations/*"
	add("read users", 40, "GET users", "GET users/*", "GET users-by-email")
	add("write users", 20, "POST users", "PATCH users/*")
	add("delete users", 20, "DELETE users/*")
	add("read user organizations", 40, "GET users/*/organizations")
	add("read logs", 10, "GET logs", "GET logs/*")
	add("read clients", 5, "GET clients", "GET clients/*")
	add("read connections", 5, "GET connections", "GET connections/*")
	add("read organization by name", 20, "GET organizations/name/*")
	add("read members", 40, "GET "+org+"/members")
	add("write members", 20, "POST "+org+"/members", "DELETE "+org+"/members")
	add("read invitations", 20, "GET "+org+"/invitations", "GET "+org+"/invitations/*")
	add("write invitations", 20, "POST "+org+"/invitations", "DELETE "+org+"/invitations/*")
	add("read member roles", 20, "GET "+org+"/members/*/roles")
	add("write member roles", 20, "POST "+org+"/members/*/roles", "DELETE "+org+"/members/*/roles")
	add("read organization connections", 10, "GET "+org+"/enabled_connections", "GET "+org+"/enabled_connections/*")
	add("write organization connections", 5, "POST "+org+"/enabled_connections",
		"PATCH "+org+"/enabled_connections/*", "DELETE "+org+"/enabled_connections/*")
	return byRoute
}()
