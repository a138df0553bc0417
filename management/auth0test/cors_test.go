package auth0test_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// fetch sends what the page of an origin would send.
func fetch(t *testing.T, tenant *auth0test.Tenant, origin, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://"+auth0test.DefaultDomain+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Origin", origin)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := tenant.HTTPClient().Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// twoPages is a tenant with two single-page applications: one has an origin by
// its callback, one by allowed_origins, with a wildcard.
func twoPages(t *testing.T) (tenant *auth0test.Tenant, first, second auth0test.Application) {
	t.Helper()
	tenant = auth0test.NewTenant(auth0test.Options{})
	first = tenant.AddClient(auth0test.Application{CallbackURL: "https://one.example.com/callback?x=1", Public: true})
	second = tenant.AddClient(auth0test.Application{Public: true})
	newAdmin(t, tenant).want(200, "PATCH", "/clients/"+second.ID, `{"allowed_origins":["https://*.two.example.com/"],"web_origins":["https://web.example.com"]}`)
	return tenant, first, second
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	tenant, _, _ := twoPages(t)
	for _, c := range []struct{ origin, path, allowed string }{
		{"https://one.example.com", "/oauth/token", "https://one.example.com"},
		{"https://one.example.com", "/userinfo", "https://one.example.com"},
		{"https://one.example.com", "/mfa/associate", "https://one.example.com"},
		{"https://one.example.com", "/api/v2/users/auth0%7Ca", "https://one.example.com"},
		{"https://app.two.example.com", "/oauth/token", "https://app.two.example.com"},
		{"https://elsewhere.example.com", "/.well-known/jwks.json", "*"},

		{"https://a.b.two.example.com", "/oauth/token", ""},
		{"https://two.example.com", "/oauth/token", ""},
		{"http://one.example.com", "/oauth/token", ""},
		{"https://one.example.com:8443", "/oauth/token", ""},
		{"https://web.example.com", "/oauth/token", ""},
		{"https://elsewhere.example.com", "/oauth/token", ""},
		{"null", "/oauth/token", ""},
		{"https://one.example.com", "/authorize", ""},
		{"https://one.example.com", "/u/login", ""},
		{"https://one.example.com", "/mfa/enrollment", ""},
	} {
		res := fetch(t, tenant, c.origin, "OPTIONS", c.path, "", "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "auth0-client,content-type")
		methods, headers := "", ""
		if c.allowed != "" {
			methods, headers = "GET, HEAD, PUT, PATCH, POST, DELETE", "auth0-client,content-type"
		}
		assert.Equal(t, 204, res.StatusCode, c)
		assert.Equal(t, c.allowed, res.Header.Get("Access-Control-Allow-Origin"), c)
		assert.Equal(t, methods, res.Header.Get("Access-Control-Allow-Methods"), c)
		assert.Equal(t, headers, res.Header.Get("Access-Control-Allow-Headers"), c)
	}
}

// TestOriginsAreOfTheirClient: an origin of another client is no origin of this
// one, whichever way the request names it.
func TestOriginsAreOfTheirClient(t *testing.T) {
	t.Parallel()
	tenant, first, second := twoPages(t)
	const one, two = "https://one.example.com", "https://app.two.example.com"
	form, json := "application/x-www-form-urlencoded", "application/json"
	access := "Bearer " + tenant.Sign(nil, map[string]any{"azp": second.ID, "sub": "auth0|a"})
	for _, c := range []struct{ name, origin, method, path, body, header, value, allowed string }{
		{"form", one, "POST", "/oauth/token", url.Values{"client_id": {first.ID}, "grant_type": {"x"}}.Encode(), "Content-Type", form, one},
		{"form of the other", one, "POST", "/oauth/token", url.Values{"client_id": {second.ID}}.Encode(), "Content-Type", form, ""},
		{"JSON", two, "POST", "/oauth/token", `{"client_id":"` + second.ID + `"}`, "Content-Type", json, two},
		{"JSON of the other", two, "POST", "/oauth/token", `{"client_id":"` + first.ID + `"}`, "Content-Type", json, ""},
		{"bearer", two, "GET", "/userinfo", "", "Authorization", access, two},
		{"bearer of the other", one, "GET", "/userinfo", "", "Authorization", access, ""},
		{"basic", one, "POST", "/oauth/revoke", "", "Authorization", "Basic " + basic(first.ID), one},
		{"basic of the other", two, "POST", "/oauth/revoke", "", "Authorization", "Basic " + basic(first.ID), ""},
		{"nobody", two, "POST", "/oauth/token", "{", "Content-Type", json, two},
		{"Management API", two, "GET", "/api/v2/users", "", "Authorization", access, two},
		{"Management API of the other", one, "GET", "/api/v2/users", "", "Authorization", access, ""},
	} {
		res := fetch(t, tenant, c.origin, c.method, c.path, c.body, c.header, c.value)
		assert.Equal(t, c.allowed, res.Header.Get("Access-Control-Allow-Origin"), c.name)
		assert.Equal(t, []string{"Origin"}, res.Header.Values("Vary"), c.name)
		assert.GreaterOrEqual(t, res.StatusCode, 400, c.name)
	}
	res := fetch(t, tenant, "https://elsewhere.example.com", "GET", "/.well-known/openid-configuration", "")
	assert.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
	_, _, header := ask(t, tenant, "", "GET", "/.well-known/openid-configuration", "")
	assert.Empty(t, header.Values("Access-Control-Allow-Origin"), "no page asked")
}

// TestPagesReadWhatIsSent: looking for the client leaves the body as it was.
func TestPagesReadWhatIsSent(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{CallbackURL: "https://one.example.com/", Scopes: []string{"read:users"}})
	res := fetch(t, tenant, "https://one.example.com", "POST", "/oauth/token", url.Values{
		"client_id": {app.ID}, "client_secret": {app.Secret}, "grant_type": {"client_credentials"}, "audience": {tenant.Issuer() + "api/v2/"},
	}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, 200, res.StatusCode, string(body))
	assert.Equal(t, "https://one.example.com", res.Header.Get("Access-Control-Allow-Origin"))

	tenant.Fault("POST /oauth/token", auth0test.Fault{Status: 429, Times: 1})
	res = fetch(t, tenant, "https://one.example.com", "POST", "/oauth/token", "", "Content-Type", "application/json")
	assert.Equal(t, 429, res.StatusCode)
	assert.Equal(t, "https://one.example.com", res.Header.Get("Access-Control-Allow-Origin"), "a page reads a refusal too")
}

func basic(id string) string { return base64.StdEncoding.EncodeToString([]byte(id + ":")) }
