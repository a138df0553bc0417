package pace

import (
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/v2/users":             "GET users",
		"/api/v2/users/auth0%7Cada": "GET users/*",
		"/api/v2/users/auth0%7Ca%2Fb/authentication-methods":           "GET users/*/authentication-methods",
		"/api/v2/users-by-email":                                       "GET users-by-email",
		"/api/v2/organizations/org_1/members/auth0%7C1/roles":          "GET organizations/*/members/*/roles",
		"/api/v2/organizations/name/acme":                              "GET organizations/name/*",
		"/api/v2/jobs/job_0000000000000001/errors":                     "GET jobs/*/errors",
		"/api/v2/jobs/users-imports":                                   "GET jobs/users-imports",
		"/api/v2/actions/triggers/post-login/bindings":                 "GET actions/triggers/post-login/bindings",
		"/api/v2/actions/actions/4a881e22-0562-4178-bc91-b0f2b321dc13": "GET actions/actions/*",
		"/api/v2/users/google-oauth2%7C1/identities/ada@example.com":   "GET users/*/identities/*",
	} {
		if got := Route("GET", path); got != want {
			t.Errorf("Route(%q) = %q, want %q", path, got, want)
		}
	}
}

// A route keeps no id, however odd, and ends.
func FuzzRoute(f *testing.F) {
	f.Add("/api/v2/users/auth0%7Ca%2Fb/roles")
	f.Add("/api/v2/organizations/name/acme")
	f.Add("")
	f.Add("//..%2F")
	f.Fuzz(func(t *testing.T, path string) {
		route := Route("GET", path)
		for i, segment := range strings.Split(strings.TrimPrefix(route, "GET "), "/") {
			if i > 0 && segment != "*" && !isWord(segment) {
				t.Errorf("route %q of %q", route, path)
			}
		}
	})
}
