package auth0test_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/auth0/go-auth0"
	sdk "github.com/auth0/go-auth0/management"
	"golang.org/x/oauth2"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// tokenAt gets a management token at a running server.
func tokenAt(t testing.TB, hc *http.Client, base string, tenant *auth0test.Tenant) string {
	t.Helper()
	m := tenant.Machine()
	res, err := hc.PostForm(base+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {m.ID}, "client_secret": {m.Secret}, "audience": {base + "/api/v2/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %d %v", res.StatusCode, err)
	}
	return answer.Token
}

// sdkClient is Auth0's own client with client credentials.
func sdkClient(t *testing.T, tenant *auth0test.Tenant, domain string, hc *http.Client) *sdk.Management {
	t.Helper()
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, hc)
	m := tenant.Machine()
	api, err := sdk.New(domain, sdk.WithClientCredentials(ctx, m.ID, m.Secret), sdk.WithClient(hc), sdk.WithNoRetries())
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// TestSDK drives the tenant by go-auth0, over TLS and in process.
func TestSDK(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	server := tenant.Start()
	t.Cleanup(server.Close)
	for name, api := range map[string]*sdk.Management{
		"TLS":        sdkClient(t, tenant, server.Domain, server.Client),
		"in process": sdkClient(t, tenant, "any.eu.auth0.com", tenant.HTTPClient()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := &sdk.User{
				Connection: auth0.String(auth0test.DefaultConnection), Email: auth0.Stringf("%s@example.com", strings.ReplaceAll(name, " ", "")),
				Password: auth0.String("Correct horse 1"), AppMetadata: &map[string]any{"plan": "pro"},
			}
			if err := api.User.Create(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			list, err := api.User.Search(t.Context(), sdk.Query(`email:"`+u.GetEmail()+`"`))
			if err != nil || list.Total != 1 || list.Users[0].GetID() != u.GetID() {
				t.Errorf("search: %v, %v", list, err)
			}
			err = api.User.Create(t.Context(), &sdk.User{Connection: u.Connection, Email: u.Email, Password: auth0.String("Correct horse 1")})
			if e, is := err.(sdk.Error); !is || e.Status() != 409 || e.Error() != "409 Conflict: The user already exists." {
				t.Errorf("duplicate: %v", err)
			}
			if err := api.User.Delete(t.Context(), u.GetID()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestIssuerFollowsHost: a token of one host does not work on another.
func TestIssuerFollowsHost(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	foreign := tokenAt(t, tenant.HTTPClient(), "https://login.example.com", tenant)
	status, body, _ := ask(t, tenant, "Bearer "+foreign, "GET", "/api/v2/roles", "")
	if status != 401 || !strings.Contains(body, "Invalid token") {
		t.Errorf("a token of a custom domain on the canonical one: %d %s", status, body)
	}
	server := tenant.StartHTTP()
	defer server.Close()
	if tenant.Issuer() != server.URL+"/" {
		t.Errorf("got %s", tenant.Issuer())
	}
}

// TestManyClients has 64 goroutines write and read at once; -race watches.
func TestManyClients(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{SearchDelay: 1})
	client := tenant.Management()
	org := tenant.AddOrganization("acme")
	role := tenant.AddRole("reader", "")
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			u, err := client.CreateUser(t.Context(), resource.NewUser{Password: "Correct horse 1",
				User: resource.User{Connection: auth0test.DefaultConnection, Email: fmt.Sprintf("u%d@example.com", i%32)}})
			if err != nil { // Every second one is a duplicate.
				return
			}
			for _, err := range []error{
				client.AddMembers(t.Context(), org, u.ID),
				client.AssignMemberRoles(t.Context(), org, u.ID, role),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			if _, err := client.UpdateUser(t.Context(), u.ID, resource.UserPatch{AppMetadata: map[string]any{"i": i}}); err != nil {
				t.Error(err)
			}
			for _, err := range client.SearchUsers(t.Context(), `app_metadata.i:[0 TO 64]`) {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	tenant.Advance(1)
	members := 0
	for m, err := range client.Members(t.Context(), org) {
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Roles) != 1 {
			t.Errorf("%s has %d roles", m.UserID, len(m.Roles))
		}
		members++
	}
	if members != 32 {
		t.Errorf("%d members, want 32", members)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	a.do("GET", "/users/auth0%7Ca?fields=email", "")
	got := tenant.Requests()
	last := got[len(got)-1]
	if last.Path != "/api/v2/users/auth0%7Ca" || last.Query != "fields=email" || last.Status != 404 || last.ClientID != tenant.Machine().ID {
		t.Errorf("got %+v", last)
	}
}

// FuzzRouter throws requests at the tenant: nothing may panic, and every answer
// of the Management API must be JSON.
func FuzzRouter(f *testing.F) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	id := tenant.AddUser(resource.User{ID: "a", Email: "a@example.com"}, "")
	org := tenant.AddOrganization("acme")
	for _, seed := range [][3]string{
		{"GET", "/api/v2/users/" + esc(id), ""}, {"PATCH", "/api/v2/users/" + esc(id), `{"user_metadata":{"a":null},"email":null}`},
		{"POST", "/api/v2/users", `{"connection":"Username-Password-Authentication","email":"b@example.com","password":"Correct horse 1"}`},
		{"GET", "/api/v2/users?q=name:a*&search_engine=v3&sort=email:1&page=1&per_page=3&fields=a,b", ""},
		{"GET", "/api/v2/organizations/" + org + "/members?take=2&from=eA", ""}, {"POST", "/api/v2/organizations/" + org + "/members", `{"members":["x"]}`},
		{"PATCH", "/api/v2/connections/con_x/clients", `[{"client_id":1}]`}, {"POST", "/api/v2/jobs/users-exports", `{"fields":[{"name":"a[9].b"}]}`},
		{"DELETE", "/api/v2/users/%7C/identities/a/%2F", "null"}, {"POST", "/api/v2/clients", `{"name":"x","jwt_configuration":null,"client_authentication_methods":{"private_key_jwt":{"credentials":[null]}}}`},
		{"GET", "/api/v2//users/%zz", "{"}, {"OPTIONS", "/api/v2/x", ""}, {"HEAD", "/api/v2/x", ""}, {"POST", "/api/v2/jobs/users-imports", "--x"}, {"POST", "/oauth/token", `{"grant_type":"password"}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	var bearer string
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if bearer == "" {
			bearer = "Bearer " + token(t, tenant, tenant.Machine())
		}
		u, err := url.Parse("https://" + auth0test.DefaultDomain + path)
		if err != nil || u.Host != auth0test.DefaultDomain {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), method, u.String(), strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Authorization", bearer)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "https://app.example.com")
		client := tenant.HTTPClient()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer res.Body.Close()
		if strings.HasPrefix(u.Path, "/api/v2/") && res.StatusCode >= 400 && method != http.MethodHead {
			var m map[string]any
			if err := json.NewDecoder(res.Body).Decode(&m); err != nil || m["statusCode"] != float64(res.StatusCode) {
				t.Errorf("%s %s: %d %v %v", method, path, res.StatusCode, m, err)
			}
		}
	})
}
