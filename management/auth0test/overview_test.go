package auth0test_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/stretchr/testify/assert"
)

func TestOverview(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{Overview: true})
	app := tenant.AddClient(auth0test.Application{Name: "<Shop>", CallbackURL: "https://app.example.com/callback"})
	spa := tenant.AddClient(auth0test.Application{Name: "Page", Public: true})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	org := tenant.AddOrganization("acme")
	tenant.AddMember(org, ada)
	_, _, _ = ask(t, tenant, "", "GET", "/api/v2/no-such-thing", "")
	ask(t, tenant, "", "POST", "/dbconnections/change_password", `{"connection":"`+auth0test.DefaultConnection+`","email":"ada@example.com"}`)
	status, page, header := ask(t, tenant, "", "GET", "/", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, header.Get("Content-Type"), "text/html")
	for _, want := range []string{"ada@example.com", ada, "acme", org, "reset_email", "/api/v2/no-such-thing", "&lt;Shop&gt;",
		"AUTH0_DOMAIN=" + auth0test.DefaultDomain, "AUTH0_CLIENT_ID=" + app.ID, "AUTH0_CLIENT_SECRET=" + app.Secret, "AUTH0_CLIENT_ID=" + spa.ID} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, spa.Secret, "a public application has none")
	plain := auth0test.NewTenant(auth0test.Options{})
	_, page, _ = ask(t, plain, "", "GET", "/", "")
	assert.NotContains(t, page, plain.Machine().Secret, "only where it was asked for")
}
