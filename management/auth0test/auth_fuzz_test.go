package auth0test_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// serve hands a request to the tenant; panics and answers of 5xx are failures.
func serve(t *testing.T, tenant *auth0test.Tenant, r *http.Request) {
	t.Helper()
	w := httptest.NewRecorder()
	tenant.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}

func FuzzTokenEndpoint(f *testing.F) {
	s := newScene(auth0test.Options{})
	login := "&client_id=" + s.app.ID + "&client_secret=" + s.app.Secret
	for _, seed := range []string{
		"", "grant_type=password", "grant_type=password&username=ada@example.com&password=correct+horse" + login,
		"grant_type=client_credentials&audience=x" + login, "grant_type=authorization_code&code=x&code_verifier=y" + login,
		"grant_type=refresh_token&refresh_token=v1.x" + login, "grant_type=http://auth0.com/oauth/grant-type/mfa-otp&mfa_token=a.b.c&otp=1" + login,
		"grant_type=urn:openid:params:grant-type:ciba&auth_req_id=x" + login, "%zz", "grant_type[]=x;",
	} {
		f.Add(seed, false)
	}
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"grant_type":1}`, `{"grant_type":["password"],"client_id":{}}`, `{"grant_type":"password"`,
		`{"grant_type":"client_credentials","client_id":"` + s.app.ID + `","client_secret":"` + s.app.Secret + `","audience":["x"]}`,
	} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, payload string, json bool) {
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/bc-authorize", "/mfa/associate", "/mfa/challenge", "/dbconnections/signup", "/passwordless/start"} {
			r := httptest.NewRequest("POST", path, strings.NewReader(payload))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if json {
				r.Header.Set("Content-Type", "application/json")
			}
			serve(t, s.Tenant, r)
		}
	})
}

func FuzzAuthorize(f *testing.F) {
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	target := "client_id=" + s.app.ID + "&response_type=code"
	for _, seed := range []string{
		"", "client_id=x", target, target + "&prompt=none", target + "&prompt=none+login&max_age=-1", target + "&max_age=99999999999999999999",
		target + "&organization=" + org + "&invitation=x", target + "&redirect_uri=%00", target + "&redirect_uri=https://app.example.com/callback%23x",
		target + "&response_mode=form_post&state=%3Cscript%3E", target + "&code_challenge=x&code_challenge_method=S256&acr_values=x", "%zz&;",
		target + "&prompt=create&connection=x", target + "&audience=" + ordersAPI + "&scope=openid+offline_access",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/authorize", "/u/login", "/u/mfa-otp-challenge", "/v2/logout", "/oidc/logout", "/u/reset-password"} {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.Path, r.URL.RawQuery = path, query
			r.RequestURI = r.URL.RequestURI()
			serve(t, s.Tenant, r)
		}
		r := httptest.NewRequest("POST", "/authorize", strings.NewReader(query))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		serve(t, s.Tenant, r)
	})
}
