package auth0test_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInputsThatAuth0Refuses: each was taken.
func TestInputsThatAuth0Refuses(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	long := strings.Repeat("x", 256)
	for _, c := range []struct{ method, path, body, want string }{
		{"PATCH", "/users/" + esc(s.ada), `{"user_id":"auth0|x"}`, "Additional properties not allowed: user_id"},
		{"POST", "/clients", `{"name":"a","grant_types":["passwordless","implicit"]}`, "Invalid grant types: passwordless"},
		{"PATCH", "/clients/" + s.app.ID, `{"grant_types":["ro"]}`, "Invalid grant types: ro"},
		{"POST", "/clients", `{"name":"a","callbacks":["app.example.com"]}`, "format callback-url: app.example.com' on property callbacks[0]"},
		{"POST", "/clients", `{"name":"a","web_origins":["nope"]}`, "format url-with-placeholders"},
		{"POST", "/clients", `{"name":"a","initiate_login_uri":"http://app.example.com"}`, "format absolute-https-uri"},
		{"POST", "/clients", `{"name":"a","logo_uri":"nope"}`, "format absolute-uri-or-empty"},
		{"POST", "/clients", `{"name":"a","client_metadata":{"a":1}}`, "Expected type string"},
		{"POST", "/clients", `{"name":"a","client_metadata":{"a":"` + long + `"}}`, "String is too long (256 chars), maximum 255"},
		{"POST", "/clients", `{"name":"a","refresh_token":{"rotation_type":"rotating","expiration_type":"non-expiring"}}`, "must be expiring"},
		{"POST", "/clients", `{"name":"a","refresh_token":{"rotation_type":"rotating","expiration_type":"expiring","token_lifetime":10,"idle_token_lifetime":20}}`, "must not be greater"},
		{"POST", "/resource-servers", `{"identifier":"urn:b","token_lifetime":100,"token_lifetime_for_web":200}`, "must not be greater"},
		{"POST", "/organizations", `{"name":"b","branding":{"colors":{"primary":"blue","page_background":"#fff"}}}`, "format html-color: blue"},
		{"POST", "/organizations", `{"name":"b","branding":{"logo_url":"http://a.example.com"}}`, "format strict-https-uri"},
	} {
		g.want(c.method, c.path, c.body, 400, c.want)
	}
	g.want("POST", "/clients", `{"name":"a","callbacks":["https://{organization_name}.example.com/cb","https://*.example.com/cb","com.example.app://cb","http://localhost:3000"],"logo_uri":""}`, 201, "")

	for name, metadata := range map[string]string{"number": `{"a":1}`, "text": `"a"`, "long": `{"a":"` + long + long + `"}`,
		"many": `{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":"","11":""}`} {
		status, body, _ := ask(t, s.Tenant, "", "POST", "/dbconnections/signup", `{"client_id":"`+s.app.ID+`","connection":"`+auth0test.DefaultConnection+`","email":"new@example.com","password":"Correct-horse-1","user_metadata":`+metadata+`}`)
		assert.Equal(t, 400, status, "%s: %s", name, body)
	}
}

// TestPublicApplicationsAreNoMachines: whoever knows the id would be one.
func TestPublicApplicationsAreNoMachines(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	public := s.AddClient(auth0test.Application{Public: true, Scopes: []string{"read:users"}})
	status, body := exchange(t, s.Tenant, "grant_type", "client_credentials", "client_id", public.ID, "audience", home+"api/v2/")
	wantError(t, status, body, 401, "access_denied", "Unauthorized")
}

// TestTokenAnswerHasNoMore than what OAuth and OpenID Connect name.
func TestTokenAnswerHasNoMore(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	status, body := exchange(t, s.Tenant, "grant_type", "password", "client_id", s.app.ID, "client_secret", s.app.Secret, "username", "ada@example.com", "password", "correct horse", "scope", "openid offline_access", "audience", ordersAPI)
	require.Equal(t, 200, status, body)
	assert.Equal(t, []string{"access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"}, slices.Sorted(maps.Keys(body)))
}
