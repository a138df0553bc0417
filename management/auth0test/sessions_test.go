package auth0test_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// twoLogins is a tenant whose user ada logged in twice, from two browsers, and
// has two sessions and two refresh tokens.
func twoLogins(t *testing.T) (g *guardianAPI, id string, tokens []auth0test.Tokens) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI("https://api.example.com")
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	id = tenant.AddUser(resource.User{Email: "ada@example.com", EmailVerified: true}, "correct horse")
	for _, agent := range []string{"one", "two"} {
		set, err := tenant.Login(t.Context(), auth0test.Login{
			Identifier: "ada@example.com", Password: "correct horse", UserAgent: agent, Audience: "https://api.example.com",
			Parameters: map[string]string{"scope": "openid profile offline_access"},
		})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, set)
		tenant.Advance(time.Second)
	}
	return &guardianAPI{t, tenant, "Bearer " + token(t, tenant, tenant.Machine())}, id, tokens
}

// page is a list of the Management API.
type page struct {
	Sessions      []map[string]any `json:"sessions"`
	Tokens        []map[string]any `json:"tokens"`
	RefreshTokens []map[string]any `json:"refresh_tokens"`
	Next          string           `json:"next"`
	Total         *int             `json:"total"`
}

func (g *guardianAPI) page(path string) page {
	g.t.Helper()
	var p page
	if err := json.Unmarshal([]byte(g.want("GET", path, "", 200, "")), &p); err != nil {
		g.t.Fatal(err)
	}
	return p
}

func TestSessions(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	list := "/users/" + esc(id) + "/sessions"
	first := g.page(list + "?take=1&include_totals=true")
	if len(first.Sessions) != 1 || first.Next == "" || first.Total != nil { // no total by Auth0's description, whatever include_totals says
		t.Fatalf("first page: %+v", first)
	}
	second := g.page(list + "?take=1&from=" + first.Next)
	if len(second.Sessions) != 1 || second.Next != "" {
		t.Fatalf("second page: %+v", second)
	}
	one := first.Sessions[0]["id"].(string)
	if device := first.Sessions[0]["device"].(map[string]any); device["initial_user_agent"] != "one" {
		t.Errorf("device %v", device)
	}
	g.want("GET", list+"?from=nobody", "", 400, "from")
	g.want("GET", "/sessions/"+one, "", 200, `"name":"pwd"`)
	g.want("PATCH", "/sessions/"+one, `{}`, 400, "invalid_body")
	g.want("PATCH", "/sessions/"+one, `{"session_metadata":{"device":"work"}}`, 200, `"session_metadata":{"device":"work"}`)
	g.want("GET", "/sessions/"+one, "", 200, `"session_metadata":{"device":"work"}`)
	if got := g.want("PATCH", "/sessions/"+one, `{"session_metadata":null}`, 200, ""); strings.Contains(got, "session_metadata") {
		t.Errorf("metadata are still there: %s", got)
	}
	g.want("DELETE", "/sessions/"+one, "", 202, `{}`)
	g.want("DELETE", "/sessions/"+one, "", 202, `{}`)
	g.want("GET", "/sessions/"+one, "", 404, `"The session does not exist."`)
	g.want("POST", "/sessions/"+one+"/revoke", "", 404, `"The session does not exist."`)
	if n := len(g.page("/users/" + esc(id) + "/refresh-tokens").Tokens); n != 2 {
		t.Errorf("%d refresh tokens after the deletion of a session, want both", n)
	}
	two := second.Sessions[0]["id"].(string)
	g.want("POST", "/sessions/"+two+"/revoke", "", 202, `{}`)
	if n := len(g.page("/users/" + esc(id) + "/refresh-tokens").Tokens); n != 1 {
		t.Errorf("%d refresh tokens after the revocation of the other session, want 1", n)
	}
	g.want("GET", list, "", 200, `{"sessions":[]}`)
	g.want("GET", "/users/auth0%7Cnobody/sessions", "", 404, "inexistent_user")
	g.want("DELETE", "/users/auth0%7Cnobody/sessions", "", 404, "inexistent_user")
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	session := g.page("/users/" + esc(id) + "/sessions").Sessions[0]["id"].(string)
	g.tenant.Advance(73 * time.Hour)
	g.bearer = "Bearer " + token(t, g.tenant, g.tenant.Machine())
	g.want("GET", "/sessions/"+session, "", 404, "does not exist")
	g.want("GET", "/users/"+esc(id)+"/sessions", "", 200, `{"sessions":[]}`)
}

func TestRevokeAccess(t *testing.T) {
	t.Parallel()
	g, id, tokens := twoLogins(t)
	sessions := g.page("/users/" + esc(id) + "/sessions").Sessions
	g.want("POST", "/users/"+esc(id)+"/revoke-access", `{"session_id":"`+sessions[0]["id"].(string)+`","preserve_refresh_tokens":true}`, 202, `{}`)
	if p := g.page("/users/" + esc(id) + "/sessions"); len(p.Sessions) != 1 {
		t.Errorf("%d sessions, want the other one", len(p.Sessions))
	}
	if p := g.page("/users/" + esc(id) + "/refresh-tokens"); len(p.Tokens) != 2 {
		t.Errorf("%d refresh tokens, want both", len(p.Tokens))
	}
	g.want("POST", "/users/"+esc(id)+"/revoke-access", `{}`, 202, `{}`)
	g.want("GET", "/users/"+esc(id)+"/sessions", "", 200, `{"sessions":[]}`)
	g.want("GET", "/users/"+esc(id)+"/refresh-tokens", "", 200, `{"tokens":[]}`)
	if tokens[0].Refresh == "" {
		t.Error("the login gave no refresh token")
	}
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	p := g.page("/users/" + esc(id) + "/refresh-tokens")
	if len(p.Tokens) != 2 {
		t.Fatalf("%d refresh tokens, want 2", len(p.Tokens))
	}
	one, client := p.Tokens[0]["id"].(string), p.Tokens[0]["client_id"].(string)
	g.want("GET", "/refresh-tokens/"+one, "", 200, `"audience":"https://api.example.com"`)
	g.want("PATCH", "/refresh-tokens/"+one, `{"refresh_token_metadata":{"a":"b"}}`, 200, `"refresh_token_metadata":{"a":"b"}`)
	if all := g.page("/refresh-tokens?user_id=" + esc(id) + "&client_id=" + client); len(all.RefreshTokens) != 2 {
		t.Errorf("listed by user and client: %d", len(all.RefreshTokens))
	}
	if none := g.page("/refresh-tokens?user_id=" + esc(id) + "&client_id=other"); len(none.RefreshTokens) != 0 {
		t.Errorf("listed by another client: %d", len(none.RefreshTokens))
	}
	g.want("GET", "/refresh-tokens", "", 400, "invalid_query_string")
	for _, wrong := range []string{`{}`, `{"ids":["a"],"user_id":"auth0|1"}`, `{"client_id":"x"}`, `{"user_id":"auth0|1","audience":"x"}`, `{"ids":[]}`} {
		g.want("POST", "/refresh-tokens/revoke", wrong, 400, "invalid_body")
	}
	g.want("POST", "/refresh-tokens/revoke", `{"ids":["`+one+`","rt_unknown"]}`, 202, "")
	g.want("GET", "/refresh-tokens/"+one, "", 404, `"The refresh token does not exist."`)
	g.want("DELETE", "/refresh-tokens/"+one, "", 204, "")
	g.want("POST", "/refresh-tokens/revoke", `{"user_id":"`+id+`","client_id":"`+client+`","audience":"https://other"}`, 202, "")
	if p := g.page("/users/" + esc(id) + "/refresh-tokens"); len(p.Tokens) != 1 {
		t.Errorf("%d refresh tokens, want 1: another API's were to be revoked", len(p.Tokens))
	}
	g.want("POST", "/refresh-tokens/revoke", `{"user_id":"`+id+`"}`, 202, "")
	g.want("GET", "/users/"+esc(id)+"/refresh-tokens?include_totals=true", "", 200, `{"tokens":[]}`)
	g.want("DELETE", "/users/"+esc(id)+"/refresh-tokens", "", 202, `{}`)
}

// TestSessionsBySDK reads what a login made with Auth0's own client.
func TestSessionsBySDK(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	api := sdkClient(t, g.tenant, auth0test.DefaultDomain, g.tenant.HTTPClient())
	list, err := api.User.ListUserSessions(t.Context(), id)
	if err != nil || len(list.Sessions) != 2 {
		t.Fatalf("sessions: %v, %v", list, err)
	}
	s, err := api.Session.Read(t.Context(), list.Sessions[0].GetID())
	if err != nil || s.GetUserID() != id || s.Authentication.Methods[0].GetName() != "pwd" {
		t.Errorf("session: %v, %v", s, err)
	}
	if err := api.Session.Revoke(t.Context(), s.GetID()); err != nil {
		t.Error(err)
	}
	_, err = api.Session.Read(t.Context(), s.GetID())
	if failed, is := err.(sdk.Error); !is || failed.Status() != http.StatusNotFound {
		t.Errorf("a revoked session: %v", err)
	}
	tokens, err := api.User.ListRefreshTokens(t.Context(), id)
	if err != nil || len(tokens.Tokens) != 1 {
		t.Fatalf("refresh tokens: %v, %v", tokens, err)
	}
	if r, err := api.RefreshToken.Read(t.Context(), tokens.Tokens[0].GetID()); err != nil || r.GetUserID() != id {
		t.Errorf("refresh token: %v, %v", r, err)
	}
}
