package auth0test_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// TestMethodsAndUnknownPaths: Auth0's routers find a route by path and method
// together, and neither of its two descriptions has a 405.
func TestMethodsAndUnknownPaths(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	admin := newAdmin(t, tenant)
	notFound := `{"statusCode":404,"error":"Not Found","message":"Not Found"}`
	for _, c := range []struct {
		authorization, method, path string
		status                      int
		body                        string
	}{
		{"", "GET", "/api/v2/no-such-thing", 404, notFound},
		{"", "GET", "/api/v2", 404, notFound},
		{"", "GET", "/api/v2/users/a/b/c/d", 404, notFound},
		{"", "PUT", "/api/v2/users", 404, notFound},
		{"", "BREW", "/api/v2/users", 404, notFound},
		{"", "GET", "/no-such-thing", 404, "404 page not found\n"},
		{"", "GET", "/oauth/token", 404, "404 page not found\n"},
		{"", "PUT", "/userinfo", 404, "404 page not found\n"},
		{"", "GET", "/api/v2/experimentation/experiments", 401, `{"statusCode":401,"error":"Unauthorized","message":"Missing authentication"}`},
		{admin.bearer, "GET", "/api/v2/experimentation/experiments", 501, `{"statusCode":501,"error":"Not Implemented",` +
			`"message":"auth0test does not implement GET /api/v2/experimentation/experiments","errorCode":"auth0test_not_implemented"}`},
		{"", "POST", "/oauth/device/code", 501, `{"statusCode":501,"error":"Not Implemented",` +
			`"message":"auth0test does not implement POST /oauth/device/code","errorCode":"auth0test_not_implemented"}`},
	} {
		status, body, _ := ask(t, tenant, c.authorization, c.method, c.path, "")
		assert.Equal(t, c.status, status, "%s %s", c.method, c.path)
		assert.Equal(t, c.body, body, "%s %s", c.method, c.path)
	}
}

// TestMissingOperations: SDKs repeat what is answered 501, so that a served
// tenant answers something else.
func TestMissingOperations(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{Missing: http.StatusNotFound})
	admin := newAdmin(t, tenant)
	for _, path := range []string{"/api/v2/experimentation/experiments", "/oauth/device/code"} {
		method := map[bool]string{true: "GET", false: "POST"}[strings.HasPrefix(path, "/api")]
		status, body, _ := ask(t, tenant, admin.bearer, method, path, "")
		assert.Equal(t, 404, status, path)
		assert.Contains(t, body, "auth0test_not_implemented", path)
	}
}

func TestHeadAndOptions(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	admin := newAdmin(t, tenant)
	server := tenant.Start()
	t.Cleanup(server.Close)
	served := "Bearer " + tokenAt(t, server.Client, server.URL, tenant)

	for _, path := range []string{"/api/v2/users", "/.well-known/openid-configuration", "/api/v2/users/auth0%7Cnobody"} {
		status, body, header := ask(t, tenant, admin.bearer, "GET", path, "")
		headStatus, headBody, headHeader := ask(t, tenant, admin.bearer, "HEAD", path, "")
		assert.NotEmpty(t, body, path)
		assert.Empty(t, headBody, path)
		assert.Equal(t, status, headStatus, path)
		assert.Equal(t, header, headHeader, path)

		r, err := http.NewRequestWithContext(t.Context(), "HEAD", server.URL+path, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", served)
		res, err := server.Client.Do(r)
		require.NoError(t, err)
		rest, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		assert.Equal(t, status, res.StatusCode, path)
		assert.Empty(t, rest, path)
	}
	status, _, _ := ask(t, tenant, "", "HEAD", "/oauth/token", "")
	assert.Equal(t, 404, status, "no GET, no HEAD")

	for path, allow := range map[string]string{
		"/api/v2/users/auth0%7Ca": "DELETE, GET, HEAD, PATCH, OPTIONS",
		"/oauth/token":            "POST, OPTIONS",
		"/userinfo":               "GET, HEAD, POST, OPTIONS",
	} {
		status, body, header := ask(t, tenant, "", "OPTIONS", path, "")
		assert.Equal(t, 204, status, path)
		assert.Empty(t, body, path)
		assert.Equal(t, allow, header.Get("Allow"), path)
	}
	for _, path := range []string{"/no-such-thing", "/api/v2/no-such-thing"} {
		status, _, _ = ask(t, tenant, "", "OPTIONS", path, "")
		assert.Equal(t, 404, status, path)
	}
}

// TestDiscoveryIsTrue: each endpoint that the tenant names is one that it has, but for
// two that Auth0 names and the tenant refuses loudly.
func TestDiscoveryIsTrue(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	_, openid, _ := ask(t, tenant, "", "GET", "/.well-known/openid-configuration", "")
	_, oauth, _ := ask(t, tenant, "", "GET", "/.well-known/oauth-authorization-server", "")
	assert.Equal(t, openid, oauth, "Auth0 serves one document under both names")

	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(openid), &doc))
	endpoints := 0
	for name, value := range doc {
		address, isText := value.(string)
		if !isText || name == "issuer" {
			continue
		}
		endpoints++
		path := strings.TrimPrefix(address, strings.TrimSuffix(tenant.Issuer(), "/"))
		if name == "device_authorization_endpoint" || name == "registration_endpoint" {
			status, body, _ := ask(t, tenant, "", "POST", path, "")
			assert.Equal(t, 501, status, name)
			assert.Contains(t, body, "auth0test_not_implemented", name)
			continue
		}
		status, _, header := ask(t, tenant, "", "OPTIONS", path, "")
		assert.Equal(t, 204, status, name)
		assert.NotEmpty(t, header.Get("Allow"), name)
	}
	assert.Equal(t, 11, endpoints)
	assert.Equal(t, []any{"ES256"}, doc["dpop_signing_alg_values_supported"])
	assert.NotContains(t, doc, "authorization_response_iss_parameter_supported", "the tenant was not told to")
}

func TestWhatBrowsersAskForBesides(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	status, page, header := ask(t, tenant, "", "GET", "/", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, page, auth0test.DefaultDomain)
	assert.Contains(t, header.Get("Content-Type"), "text/html")
	status, _, _ = ask(t, tenant, "", "GET", "/favicon.ico", "")
	assert.Equal(t, 204, status)
}
