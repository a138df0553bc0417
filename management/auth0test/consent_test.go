package auth0test_test

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// consents answers what grants there are of ada.
func (s scene) consents(t *testing.T) string {
	return newAPI(t, s.Tenant).want("GET", "/grants?user_id="+esc(s.ada), "", 200, "")
}

// TestConsentOfThirdParties: they use connections of the domain, and ask before
// they get anything.
func TestConsentOfThirdParties(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	g.want("PATCH", "/clients/"+s.app.ID, `{"is_first_party":false}`, 200, `"is_first_party":false`)
	_, err := s.login(t, auth0test.Login{})
	require.ErrorContains(t, err, "no connections enabled for the client")
	g.want("PATCH", "/connections/"+connectionID(t, g, auth0test.DefaultConnection), `{"is_domain_connection":true}`, 200, "")
	_, err = s.login(t, auth0test.Login{Decline: true})
	assert.Equal(t, &auth0test.LoginError{Code: "access_denied", Description: "User did not authorize the request"}, err)
	assert.Equal(t, "[]", s.consents(t))

	refresh := s.mustLogin(t, auth0test.Login{}).Refresh
	assert.Contains(t, s.consents(t), `"audience":"`+home+`userinfo"`)
	_, err = s.login(t, auth0test.Login{Decline: true})
	require.NoError(t, err, "nothing is asked twice")
	_, err = s.login(t, auth0test.Login{Decline: true, Audience: ordersAPI})
	require.ErrorContains(t, err, "access_denied", "another API")
	_, err = s.login(t, auth0test.Login{Decline: true, Parameters: map[string]string{"prompt": "consent"}})
	require.ErrorContains(t, err, "access_denied", "asked again on request")

	g.want("DELETE", "/grants?user_id="+esc(s.ada), "", 204, "")
	assert.Equal(t, "[]", s.consents(t))
	status, body := exchange(t, s.Tenant, "grant_type", "refresh_token", "client_id", s.app.ID, "client_secret", s.app.Secret, "refresh_token", refresh)
	wantError(t, status, body, 403, "invalid_grant", "Unknown or invalid refresh token.")
	_, err = s.login(t, auth0test.Login{Decline: true})
	require.ErrorContains(t, err, "access_denied", "a consent that was withdrawn")
}

// TestConsentIsNeededSilently: prompt=none shows no page, and says which it was.
func TestConsentIsNeededSilently(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	g.want("PATCH", "/resource-servers/"+strings.ReplaceAll(ordersAPI, "/", "%2F"), `{"enforce_policies":false,"skip_consent_for_verifiable_first_party_clients":false,"scopes":[{"value":"read:orders","description":"See what you ordered"},{"value":"write:orders"}]}`, 200, "")
	g.want("PATCH", "/tenants/settings", `{"flags":{"use_scope_descriptions_for_consent":true}}`, 200, "")
	browser := s.browser()
	s.code(t, browser)
	silent := func(scope string) url.Values {
		to, _ := s.authorize(t, browser, "prompt", "none", "audience", ordersAPI, "scope", scope)
		return to.Query()
	}
	assert.Equal(t, "consent_required", silent("openid").Get("error"))
	assert.Equal(t, "Consent required", silent("openid").Get("error_description"))

	page, _ := s.authorize(t, browser, "audience", ordersAPI, "scope", "openid read:orders")
	require.Equal(t, "/u/consent", page.Path)
	res, err := browser.Get(page.String())
	require.NoError(t, err)
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	shown := string(raw)
	assert.Contains(t, shown, "<li>openid</li><li>See what you ordered</li>")
	assert.Nil(t, enter(t, browser, page), "neither accepted nor declined")
	require.NotEmpty(t, enter(t, browser, page, "action", "accept").Query().Get("code"))
	assert.NotEmpty(t, silent("openid read:orders").Get("code"))
	assert.Equal(t, "consent_required", silent("openid read:orders write:orders").Get("error"), "more than was accepted")
	g.want("DELETE", "/users/"+esc(s.ada), "", 204, "")
	assert.Equal(t, "[]", s.consents(t))
}

// TestConsentOnThisMachine: no application on localhost is spared it, unless a test
// added it so.
func TestConsentOnThisMachine(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	for callback, asked := range map[string]bool{callback: false, "http://localhost:3000/callback": true, "http://127.0.0.1/": true, "https://localhost.example.com/": false} {
		app := s.AddClient(auth0test.Application{CallbackURL: callback, AsksConsent: true})
		for _, audience := range []string{"", ordersAPI} {
			_, err := s.Login(t.Context(), auth0test.Login{ClientID: app.ID, Identifier: "ada@example.com", Password: "correct horse", Audience: audience, Decline: true})
			assert.Equal(t, asked, err != nil, "%s %s", callback, audience)
		}
	}
	added := s.AddClient(auth0test.Application{CallbackURL: "http://localhost:3000/callback"})
	_, err := s.Login(t.Context(), auth0test.Login{ClientID: added.ID, Identifier: "ada@example.com", Password: "correct horse", Decline: true})
	require.NoError(t, err)
	g := newAPI(t, s.Tenant)
	made := g.object("POST", "/clients", `{"name":"local","app_type":"regular_web","callbacks":["http://localhost:3000/callback"]}`, 201)["client_id"].(string)
	g.want("PATCH", "/connections/"+connectionID(t, g, auth0test.DefaultConnection)+"/clients", `[{"client_id":"`+made+`","status":true}]`, 204, "")
	_, err = s.Login(t.Context(), auth0test.Login{ClientID: made, Identifier: "ada@example.com", Password: "correct horse", Decline: true})
	require.ErrorContains(t, err, "access_denied")
}
