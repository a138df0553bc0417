package lazy_test

import (
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

func usersOf(t testing.TB, c *management.Client) map[string]resource.User {
	t.Helper()
	con, err := c.Connection(t.Context(), legacytest.Connection)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]resource.User)
	for u, err := range c.ExportUsers(t.Context(), con.ID) {
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(u.ID, "auth0|")] = u
	}
	return all
}

func posts(tenant *auth0test.Tenant, path string) (n int) {
	for _, q := range tenant.Requests() {
		if q.Method == "POST" && q.Path == path {
			n++
		}
	}
	return n
}
