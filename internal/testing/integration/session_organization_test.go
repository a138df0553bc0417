package integration

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"testing"

	sdk "github.com/auth0/go-auth0/management"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

// TestLoginOfAnOrganization: the session is of the organization that was asked for,
// and who is no member gets none.
func TestLoginOfAnOrganization(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	org, other := a.tenant.AddOrganization("acme"), a.tenant.AddOrganization("rival")
	a.tenant.AddMember(org, a.ada)
	api := a.tenant.Management().API()
	require.NoError(t, api.Client.Update(t.Context(), a.client.ID, &sdk.Client{OrganizationUsage: new("allow")}))
	orgOf := func() []string {
		list, err := a.sessions.List(t.Context(), a.ada)
		require.NoError(t, err)
		var all []string
		for _, s := range list {
			all = append(all, s.OrgID)
		}
		return all
	}
	c := a.browser(t)
	a.signIn(t, c, "/auth/login?organization="+org+"&to=/account").Body.Close()
	assert.Equal(t, []string{org}, orgOf())

	res := a.signIn(t, a.browser(t), "/auth/login?organization="+other+"&to=/account")
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	assert.NotContains(t, body(t, res), a.ada)
	assert.Equal(t, []string{org}, orgOf())
}

// TestInvitationsLeadToTheLogin: the link in an invitation is the application's Login
// URI with what it names, and that reaches Auth0.
func TestInvitationsLeadToTheLogin(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	c := a.browser(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res := visit(t, c, a.server.URL+"/auth/login?invitation=inv1&organization=org_1&organization_name=acme&login_hint=ada%40example.com&screen_hint=signup&redirect_uri=https%3A%2F%2Fevil.example&max_age=9")
	res.Body.Close()
	to, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	q := to.Query()
	for name, want := range map[string]string{
		"invitation": "inv1", "organization": "org_1", "organization_name": "acme", "login_hint": "ada@example.com", "screen_hint": "signup",
		"redirect_uri": a.server.URL + "/auth/callback", "max_age": "86400",
	} {
		assert.Equal(t, []string{want}, q[name], name)
	}
}

// TestLoginWithAKey proves the application by an assertion (RFC 7523) in place of a
// secret.
func TestLoginWithAKey(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	api := a.tenant.Management().API()
	credential := &sdk.Credential{
		CredentialType: new("public_key"), Name: new("key"), Algorithm: new("RS256"),
		PEM: new(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))),
	}
	require.NoError(t, api.Client.CreateCredential(t.Context(), a.client.ID, credential))
	require.NoError(t, api.Client.Update(t.Context(), a.client.ID, &sdk.Client{
		ClientAuthenticationMethods: &sdk.ClientAuthenticationMethods{
			PrivateKeyJWT: &sdk.PrivateKeyJWT{Credentials: &[]sdk.Credential{{ID: credential.ID}}},
		},
	}))
	app := a.application()
	app.ClientSecret, app.PrivateKey = "", key
	web, err := session.NewHTTP(a.sessions, session.HTTPConfig{AllowInsecureCookie: true})
	require.NoError(t, err)
	keyed, err := login.New(web, app, login.Config{})
	require.NoError(t, err)
	*a.auth = *keyed
	c := a.browser(t)
	assert.Contains(t, body(t, a.signIn(t, c, "/account")), a.ada)
}
