package auth0test_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// token gets a token for the Management API through the token endpoint.
func token(t *testing.T, tenant *auth0test.Tenant, c auth0test.Application) string {
	t.Helper()
	body := `{"grant_type":"client_credentials","client_id":"` + c.ID + `","client_secret":"` + c.Secret +
		`","audience":"https://` + auth0test.DefaultDomain + `/api/v2/"}`
	res, err := tenant.HTTPClient().Post("https://"+auth0test.DefaultDomain+"/oauth/token", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("token endpoint answered %d, %v", res.StatusCode, err)
	}
	return answer.Token
}

// ask sends a request with an Authorization header and returns the answer.
func ask(t *testing.T, tenant *auth0test.Tenant, authorization, method, path, body string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://"+auth0test.DefaultDomain+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := tenant.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func TestAuthenticationTexts(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	weak := tenant.AddClient(auth0test.Application{Scopes: []string{"read:logs"}})
	good, poor := token(t, tenant, tenant.Machine()), token(t, tenant, weak)
	for name, c := range map[string]struct {
		authorization string
		status        int
		body          string
	}{
		"none":      {"", 401, `{"statusCode":401,"error":"Unauthorized","message":"Missing authentication"}`},
		"scheme":    {"Basic abc", 400, `{"statusCode":400,"error":"Bad Request","message":"Bad HTTP authentication header format","errorCode":"Bearer"}`},
		"not a JWT": {"Bearer abc", 400, `{"statusCode":400,"error":"Bad Request","message":"Bad HTTP authentication header format","errorCode":"Bearer"}`},
		"garbage":   {"Bearer a.b.c", 401, `{"attributes":{"error":"Invalid token"},"error":"Unauthorized","message":"Invalid token","statusCode":401}`},
		"signature": {"Bearer " + good[:len(good)-8] + "AAAAAAAA", 401,
			`{"statusCode":401,"error":"Unauthorized","message":"Invalid signature received for JSON Web Token validation"}`},
		"scope": {"Bearer " + poor, 403,
			`{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: read:users,read:current_user,read:user_idp_tokens","errorCode":"insufficient_scope"}`},
		"missing": {"Bearer " + good, 404, `{"statusCode":404,"error":"Not Found","message":"The user does not exist.","errorCode":"inexistent_user"}`},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, _ := ask(t, tenant, c.authorization, "GET", "/api/v2/users/auth0%7Cnobody", "")
			if status != c.status || body != c.body {
				t.Errorf("got %d %s\nwant %d %s", status, body, c.status, c.body)
			}
		})
	}
}
