package auth0test_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// passwordLogin returns the password grant of an application of the tenant.
func passwordLogin(t *testing.T, tenant *auth0test.Tenant) func(user, password string) (int, object) {
	app := tenant.AddClient(auth0test.Application{})
	return func(user, password string) (int, object) {
		t.Helper()
		return exchange(t, tenant, "grant_type", "password", "client_id", app.ID, "client_secret", app.Secret, "username", user, "password", password)
	}
}

func TestShieldsOfBruteForceProtection(t *testing.T) {
	t.Parallel()
	for shields, want := range map[string]struct{ status, mails int }{
		`["block"]`:                     {429, 0},
		`["user_notification"]`:         {200, 1},
		`["block","user_notification"]`: {429, 1},
		`[]`:                            {200, 0},
	} {
		tenant := auth0test.NewTenant(auth0test.Options{})
		id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
		g, login := newAPI(t, tenant), passwordLogin(t, tenant)
		g.want("PATCH", "/attack-protection/brute-force-protection", `{"max_attempts":2,"mode":"count_per_identifier","shields":`+shields+`}`, 200, "")
		login("ada@example.com", "wrong")
		login("ada@example.com", "wrong")
		if status, body := login("ada@example.com", "correct horse"); status != want.status {
			t.Errorf("%s: login answers %d %v", shields, status, body)
		}
		if mails := tenant.Outbox(); len(mails) != want.mails {
			t.Errorf("%s: mails %v", shields, mails)
		}
		blocked := `{"blocked_for":[]}`
		if want.status == 429 {
			blocked = `{"blocked_for":[{"identifier":"ada@example.com"}]}` // Of all addresses.
		}
		g.want("GET", "/user-blocks/"+esc(id), "", 200, blocked)
		g.want("PATCH", "/attack-protection/brute-force-protection", `{"enabled":false}`, 200, `"enabled":false`)
		if status, body := login("ada@example.com", "correct horse"); status != 200 {
			t.Errorf("%s: when it is off, login answers %d %v", shields, status, body)
		}
		g.want("GET", "/user-blocks/"+esc(id), "", 200, blocked)
		g.want("GET", "/user-blocks/"+esc(id)+"?consider_brute_force_enablement=true", "", 200, `{"blocked_for":[]}`)
	}
}

func TestSuspiciousAddressIsRefused(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	g, login := newAPI(t, tenant), passwordLogin(t, tenant)
	const path = "/attack-protection/suspicious-ip-throttling"
	g.want("PATCH", path, `{"stage":{"pre-login":{"max_attempts":1,"rate":864000}}}`, 200, `"max_attempts":1`)
	login("eve@example.com", "wrong")
	if status, body := login("ada@example.com", "correct horse"); status != 429 || body["error"] != "too_many_attempts" {
		t.Errorf("a suspicious address: %d %v", status, body)
	}
	g.want("PATCH", path, `{"enabled":false}`, 200, `"enabled":false`)
	if status, body := login("ada@example.com", "correct horse"); status != 200 {
		t.Errorf("without throttling: %d %v", status, body)
	}
}

// enableEverywhere lets all applications use a connection.
func enableEverywhere(t *testing.T, g *guardianAPI, connection string) {
	t.Helper()
	var cons []struct{ ID string }
	if err := json.Unmarshal([]byte(g.want("GET", "/connections?name="+connection, "", 200, "")), &cons); err != nil || len(cons) != 1 {
		t.Fatal(cons, err)
	}
	var apps []struct {
		ClientID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(g.want("GET", "/clients", "", 200, "")), &apps); err != nil {
		t.Fatal(err)
	}
	for _, app := range apps {
		g.want("PATCH", "/connections/"+cons[0].ID+"/clients", `[{"client_id":"`+app.ClientID+`","status":true}]`, 204, "")
	}
}

func TestDefaultDirectory(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g, login := newAPI(t, tenant), passwordLogin(t, tenant)
	g.want("POST", "/connections", `{"name":"staff","strategy":"auth0","enabled_clients":["`+tenant.Machine().ID+`"]}`, 201, `"name":"staff"`)
	g.want("POST", "/users", `{"connection":"staff","email":"ada@example.com","password":"Correct-horse-1"}`, 201, "")
	if status, _ := login("ada@example.com", "Correct-horse-1"); status != 403 {
		t.Errorf("the user of another connection: %d", status)
	}
	g.want("PATCH", "/tenants/settings", `{"default_directory":"staff"}`, 200, `"default_directory":"staff"`)
	if status, body := login("ada@example.com", "Correct-horse-1"); status != 400 || body["error_description"] != "the connection was disabled" {
		t.Errorf("a directory that is not enabled for the application: %d %v", status, body)
	}
	enableEverywhere(t, g, "staff")
	if status, body := login("ada@example.com", "Correct-horse-1"); status != 200 {
		t.Errorf("the user of the default directory: %d %v", status, body)
	}
}

func TestTenantWideLogoutURLs(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := newAPI(t, tenant)
	hc := tenant.HTTPClient()
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	logout := func(path, parameter string) int {
		t.Helper()
		res, err := hc.Get(tenant.Issuer() + path + "?" + parameter + "=" + url.QueryEscape("https://app.example.com/bye"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for _, want := range []int{400, 302} {
		if got := logout("v2/logout", "returnTo"); got != want {
			t.Errorf("v2/logout answers %d, want %d", got, want)
		}
		if got := logout("oidc/logout", "post_logout_redirect_uri"); got != want {
			t.Errorf("oidc/logout answers %d, want %d", got, want)
		}
		g.want("PATCH", "/tenants/settings", `{"allowed_logout_urls":["https://app.example.com/bye"]}`, 200, "https://app.example.com/bye")
	}
}

func TestDiscoveryShowsSettings(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := newAPI(t, tenant)
	discovery := func() string {
		res, err := tenant.HTTPClient().Get(tenant.Issuer() + ".well-known/openid-configuration")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	optional := []string{"end_session_endpoint", "pushed_authorization_request_endpoint", "acr_values_supported"}
	for i, name := range optional {
		if strings.Contains(discovery(), `"`+name+`"`) != (i < 2) {
			t.Errorf("%s is wrong at first", name)
		}
	}
	got := g.want("PATCH", "/tenants/settings", `{"acr_values_supported":["foo"],"oidc_logout":{"rp_logout_end_session_endpoint_discovery":false},
		"pushed_authorization_requests_supported":false}`, 200, `"enforce_client_authentication_on_passwordless_start":true`)
	if strings.Contains(got, "sandbox_versions_available") {
		t.Errorf("a change answers %s", got)
	}
	got = g.want("GET", "/tenants/settings", "", 200, `"sandbox_versions_available":["22"`)
	if strings.Contains(got, "enforce_client_authentication") {
		t.Errorf("the settings are %s", got)
	}
	for i, name := range optional {
		if strings.Contains(discovery(), `"`+name+`"`) != (i == 2) {
			t.Errorf("%s is wrong in the end", name)
		}
	}
}

func TestNamesOfHooks(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{RulesAndHooks: true}))
	ids := map[string]string{}
	for name, want := range map[string]string{
		"test-hook520": "test-hook-520", "testing-hook-creation": "testing-hook-creation", "my Hook": "my-hook", "myHTTPHook2": "my-http-hook-2",
	} {
		made := g.object("POST", "/hooks", `{"name":"`+name+`","script":"x","triggerId":"pre-user-registration"}`, 201)
		if made["name"] != want {
			t.Errorf("%s is named %v", name, made["name"])
		}
		ids[want], _ = made["id"].(string)
		if len(ids[want]) != 26 || !strings.HasPrefix(ids[want], "01") {
			t.Errorf("id %q", ids[want])
		}
	}
	g.want("PATCH", "/hooks/"+ids["my-hook"], `{"name":"test-hook520"}`, 409, "already exists")
	g.want("PATCH", "/hooks/"+ids["my-hook"], `{"name":"yourHook"}`, 200, `"name":"your-hook"`)
}
