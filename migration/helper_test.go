package migration_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// logIn logs a user in at the tenant.
func logIn(t testing.TB, tenant *auth0test.Tenant, email, password string) {
	t.Helper()
	if status := tryLogIn(t, tenant, email, password); status != http.StatusOK {
		t.Fatalf("the login of %s is answered %d", email, status)
	}
}

// tryLogIn is a login by password-realm; see
// https://auth0.com/docs/get-started/authentication-and-authorization-flow/resource-owner-password-flow
func tryLogIn(t testing.TB, tenant *auth0test.Tenant, email, password string) (status int) {
	t.Helper()
	app := tenant.AddClient(auth0test.Application{})
	resp, err := tenant.HTTPClient().PostForm(tenant.Issuer()+"oauth/token", url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {legacytest.Connection}, "scope": {"openid"},
		"client_id": {app.ID}, "client_secret": {app.Secret}, "username": {email}, "password": {password},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// logInLazily is a login that migrates.
func logInLazily(t testing.TB, src migration.Source, client *management.Client, who migration.Record) (*resource.User, error) {
	l, err := lazy.New(src, client, legacytest.Run(), lazy.Config{})
	require.NoError(t, err)
	return l.Login(t.Context(), migration.Credentials{Identifier: who.Email, Password: legacytest.Password})
}
