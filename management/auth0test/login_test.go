package auth0test_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	ordersAPI = "https://orders.example.com"
	callback  = "https://app.example.com/callback"
	acrMFA    = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
)

// scene is a tenant with one application, one API and one user.
type scene struct {
	*auth0test.Tenant
	app auth0test.Application
	ada string
}

func newScene(opts auth0test.Options) scene {
	s := scene{Tenant: auth0test.NewTenant(opts)}
	s.AddAPI(ordersAPI, "read:orders", "write:orders")
	s.app = s.AddClient(auth0test.Application{Name: "Shop", LoginURL: "https://app.example.com/login", CallbackURL: callback, LogoutURL: "https://app.example.com/", RotateRefreshTokens: true})
	s.ada = s.AddUser(resource.User{Email: "ada@example.com", Name: "Ada"}, "correct horse")
	return s
}

func (s scene) login(t testing.TB, l auth0test.Login) (auth0test.Tokens, error) {
	t.Helper()
	l.ClientID = s.app.ID
	if l.Identifier == "" {
		l.Identifier, l.Password = "ada@example.com", "correct horse"
	}
	return s.Login(t.Context(), l)
}

func (s scene) mustLogin(t testing.TB, l auth0test.Login) auth0test.Tokens {
	t.Helper()
	tokens, err := s.login(t, l)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// browser is a client with cookies that follows no redirect.
func (s scene) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err)
	}
	c := s.HTTPClient()
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// authorize asks for /authorize and returns where it redirects to; a page in its
// place is a nil URL and the status.
func (s scene) authorize(t testing.TB, c *http.Client, pairs ...string) (*url.URL, int) {
	t.Helper()
	v := values("response_type", "code", "client_id", s.app.ID, "redirect_uri", callback, "scope", "openid", "state", "xyz")
	for pair := range slices.Chunk(pairs, 2) {
		if v.Set(pair[0], pair[1]); pair[1] == "-" {
			v.Del(pair[0])
		}
	}
	res, err := c.Get(home + "authorize?" + v.Encode())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	to, err := res.Location()
	if err != nil {
		return nil, res.StatusCode
	}
	return to, res.StatusCode
}

// enter posts a form to a page and returns where it leads, nil to a page with a
// problem.
func enter(t testing.TB, c *http.Client, to *url.URL, pairs ...string) *url.URL {
	t.Helper()
	v := values(pairs...)
	v.Set("state", to.Query().Get("state"))
	res, err := c.PostForm(to.String(), v)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	next, err := res.Location()
	if err != nil {
		return nil
	}
	return next
}

func (s scene) code(t testing.TB, c *http.Client, pairs ...string) string {
	t.Helper()
	to, _ := s.authorize(t, c, pairs...)
	if to != nil && to.Path == "/u/login" {
		to = enter(t, c, to, "username", "ada@example.com", "password", "correct horse")
	}
	if to == nil || to.Query().Get("code") == "" {
		t.Fatalf("no code: %v", to)
	}
	return to.Query().Get("code")
}

func (s scene) redeem(t testing.TB, code string, pairs ...string) (int, object) {
	t.Helper()
	return exchange(t, s.Tenant, append([]string{"grant_type", "authorization_code", "client_id", s.app.ID,
		"client_secret", s.app.Secret, "redirect_uri", callback, "code", code}, pairs...)...)
}

func TestLoginGivesTokens(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	role := s.AddRole("reader", ordersAPI, "read:orders")
	org := s.AddOrganization("acme")
	s.AddMember(org, s.ada, role)
	tokens := s.mustLogin(t, auth0test.Login{Audience: ordersAPI, OrgID: org})
	access, id := claims(t, s.Tenant, tokens.Access), claims(t, s.Tenant, tokens.ID)
	if access["org_id"] != org || access["azp"] != s.app.ID || access["gty"] != nil ||
		!slices.Equal(access["permissions"].([]any), []any{"read:orders"}) ||
		access["scope"] != "openid profile email offline_access read:orders" {
		t.Errorf("access token %v", access)
	}
	if id["sub"] != s.ada || id["aud"] != s.app.ID || id["name"] != "Ada" || id["org_id"] != org || id["org_name"] != nil ||
		id["sid"] == "" || id["nonce"] == "" || id["amr"] != nil || id["auth_time"] != nil {
		t.Errorf("ID token %v", id)
	}
	if tokens.Refresh == "" {
		t.Error("no refresh token")
	}
}

func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	s.AddUser(resource.User{Email: "bad@example.com", Blocked: true}, "correct horse")
	for name, c := range map[string]struct {
		login       auth0test.Login
		code, words string
	}{
		"wrong password": {auth0test.Login{Identifier: "ada@example.com", Password: "wrong"}, "login_failed", "Wrong email or password"},
		"unknown user":   {auth0test.Login{Identifier: "eve@example.com", Password: "x"}, "login_failed", "Wrong email or password"},
		"blocked user":   {auth0test.Login{Identifier: "bad@example.com", Password: "correct horse"}, "unauthorized", "user is blocked"},
		"no member":      {auth0test.Login{OrgID: org}, "access_denied", "user " + s.ada + " is not part of the " + org + " organization"},
		"no such org":    {auth0test.Login{OrgID: "acme"}, "invalid_request", "authorization request parameter organization must be an organization id"},
		"no such API":    {auth0test.Login{Audience: "https://none"}, "access_denied", "Service not found: https://none"},
		"no invitation":  {auth0test.Login{OrgID: org, Invitation: "x"}, "invalid_request", "invitation not found or already used"},
	} {
		_, err := s.login(t, c.login)
		e, is := errors.AsType[*auth0test.LoginError](err)
		if !is || e.Code != c.code || e.Description != c.words {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthorizeErrors(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	for name, c := range map[string]struct {
		pairs  []string
		status int
		code   string
	}{
		"no client":        {[]string{"client_id", "-"}, 400, ""},
		"unknown client":   {[]string{"client_id", "nobody"}, 400, ""},
		"callback":         {[]string{"redirect_uri", "https://evil.example.com/"}, 403, ""},
		"no response type": {[]string{"response_type", "-"}, 302, "invalid_request"},
		"response type":    {[]string{"response_type", "code code"}, 302, "unsupported_response_type"},
		"query of tokens":  {[]string{"response_type", "token", "response_mode", "query"}, 302, "invalid_request"},
		"no nonce":         {[]string{"response_type", "id_token", "response_mode", "query"}, 302, "invalid_request"},
		"response mode":    {[]string{"response_mode", "telepathy"}, 302, "invalid_request"},
		"PKCE method":      {[]string{"code_challenge", "x", "code_challenge_method", "S1"}, 302, "invalid_request"},
		"PKCE challenge":   {[]string{"code_challenge_method", "S256"}, 302, "invalid_request"},
		"silent":           {[]string{"prompt", "none"}, 302, "login_required"},
		"silent and loud":  {[]string{"prompt", "none login"}, 302, "invalid_request"},
		"lost invitation":  {[]string{"invitation", "x"}, 302, "invalid_request"},
	} {
		to, status := s.authorize(t, s.browser(), c.pairs...)
		if status != c.status {
			t.Errorf("%s: status %d", name, status)
		}
		if c.code == "" {
			continue
		}
		if to.Host != "app.example.com" || to.Query().Get("error") != c.code || to.Query().Get("state") != "xyz" || to.Query().Get("error_description") == "" {
			t.Errorf("%s: %v", name, to)
		}
	}
	if to, _ := s.authorize(t, s.browser(), "prompt", "none", "response_mode", "fragment"); !strings.HasPrefix(to.Fragment, "error=login_required") {
		t.Errorf("fragment %v", to)
	}
	if to, status := s.authorize(t, s.browser(), "prompt", "none", "response_mode", "form_post"); to != nil || status != 200 {
		t.Errorf("form_post: %v %d", to, status)
	}
}

func TestSessionsSpareLogins(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	browser := s.browser()
	sid := func(code string) any {
		status, body := s.redeem(t, code)
		if status != 200 {
			t.Fatalf("got %d %v", status, body)
		}
		return claims(t, s.Tenant, text(t, body, "id_token"))["sid"]
	}
	first := sid(s.code(t, browser))
	to, _ := s.authorize(t, browser, "prompt", "none")
	if got := sid(to.Query().Get("code")); got != first {
		t.Errorf("silent login has sid %v, want %v", got, first)
	}
	if to, _ := s.authorize(t, browser, "prompt", "login"); to.Path != "/u/login" {
		t.Errorf("prompt=login leads to %v", to)
	}
	s.Advance(time.Minute)
	if to, _ := s.authorize(t, browser, "max_age", "30", "prompt", "none"); to.Query().Get("error") != "login_required" {
		t.Errorf("an old session passed max_age: %v", to)
	}
	s.Advance(73 * time.Hour)
	if to, _ := s.authorize(t, browser); to.Path != "/u/login" {
		t.Errorf("an idle session passed: %v", to)
	}
}

func TestCodeExchangeChecks(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	public := s.AddClient(auth0test.Application{CallbackURL: callback, Public: true})
	browser := s.browser()
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	pkce := []string{"code_challenge", challenge, "code_challenge_method", "S256"}
	if status, body := s.redeem(t, s.code(t, browser, pkce...), "code_verifier", verifier); status != 200 {
		t.Errorf("good exchange: %d %v", status, body)
	}
	for name, c := range map[string]struct {
		authorize, redeem []string
		status            int
		code, words       string
	}{
		"wrong verifier":  {pkce, []string{"code_verifier", "x"}, 403, "invalid_grant", "Failed to verify code verifier"},
		"no verifier":     {pkce, nil, 403, "invalid_grant", "Failed to verify code verifier"},
		"redirect":        {nil, []string{"redirect_uri", "https://x/"}, 403, "unauthorized_client", "The redirect URI is wrong. You sent https://x/, and we expected " + callback},
		"no redirect":     {nil, []string{"redirect_uri", ""}, 403, "unauthorized_client", "The redirect URI is wrong. You sent null, and we expected " + callback},
		"other client":    {nil, []string{"client_id", public.ID}, 403, "invalid_grant", "Invalid authorization code"},
		"public, no PKCE": {[]string{"client_id", public.ID}, []string{"client_id", public.ID}, 401, "access_denied", "Unauthorized"},
		"wrong code":      {nil, []string{"code", "x"}, 403, "invalid_grant", "Invalid authorization code"},
		"no code":         {nil, []string{"code", ""}, 400, "invalid_request", "Missing required parameter: code"},
	} {
		status, body := s.redeem(t, s.code(t, browser, c.authorize...), c.redeem...)
		t.Log(name)
		wantError(t, status, body, c.status, c.code, c.words)
	}
	code := s.code(t, browser)
	s.Advance(11 * time.Minute)
	status, body := s.redeem(t, code)
	wantError(t, status, body, 403, "invalid_grant", "Invalid authorization code")
}

func TestOneOfManyExchangesOfACodeWins(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	code := s.code(t, s.browser(), "scope", "openid offline_access")
	var won atomic.Int32
	var refresh atomic.Value
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			status, body := s.redeem(t, code)
			if status == 200 {
				won.Add(1)
				refresh.Store(body["refresh_token"])
			} else if body["error"] != "invalid_grant" {
				t.Errorf("got %d %v", status, body)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d exchanges succeeded", won.Load())
	}
	// The other exchanges were replays, so the refresh token of the winner is dead.
	status, _ := exchange(t, s.Tenant, "grant_type", "refresh_token", "client_id", s.app.ID, "client_secret", s.app.Secret, "refresh_token", refresh.Load().(string))
	if status != 403 {
		t.Errorf("after a replay the refresh token still works: %d", status)
	}
}

func TestOneOfManyRotationsWins(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	tokens := s.mustLogin(t, auth0test.Login{Audience: ordersAPI})
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if status, _ := exchange(t, s.Tenant, "grant_type", "refresh_token", "client_id", s.app.ID,
				"client_secret", s.app.Secret, "refresh_token", tokens.Refresh); status == 200 {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d exchanges succeeded", won.Load())
	}
}

func TestSignupAndLoginPageProblems(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	browser := s.browser()
	page, _ := s.authorize(t, browser)
	if to := enter(t, browser, page, "username", "ada@example.com", "password", "wrong"); to != nil {
		t.Errorf("a wrong password leads to %v", to)
	}
	signup := *page
	signup.Path = "/u/signup"
	if to := enter(t, browser, &signup, "email", "ada@example.com", "password", "New0ne-Password"); to != nil {
		t.Errorf("signing up twice leads to %v", to)
	}
	to := enter(t, browser, &signup, "email", "new@example.com", "password", "New0ne-Password")
	if to == nil || to.Query().Get("code") == "" {
		t.Fatalf("signing up leads to %v", to)
	}
	s.mustLogin(t, auth0test.Login{Identifier: "new@example.com", Password: "New0ne-Password"})
	if to := enter(t, browser, page, "username", "ada@example.com", "password", "correct horse"); to != nil {
		t.Errorf("a finished login goes on to %v", to)
	}
}

func TestIdentityProviderIsPlayed(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.AddConnection("google", "google-oauth2")
	id := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{Connection: "google", Identifier: "eve@example.com"}).ID)
	again := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{Connection: "google", Identifier: "eve@example.com"}).ID)
	if sub := id["sub"].(string); !strings.HasPrefix(sub, "google-oauth2|") || again["sub"] != sub {
		t.Errorf("sub %v, then %v", id["sub"], again["sub"])
	}
}

func TestRefreshedTokensKeepSessionAndOrganization(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	s.AddMember(org, s.ada, s.AddRole("reader", ordersAPI, "read:orders"))
	tokens := s.mustLogin(t, auth0test.Login{Audience: ordersAPI, OrgID: org, Parameters: map[string]string{"prompt": "login"}})
	s.Advance(time.Hour)
	status, body := exchange(t, s.Tenant, "grant_type", "refresh_token", "client_id", s.app.ID, "client_secret", s.app.Secret, "refresh_token", tokens.Refresh)
	if status != 200 {
		t.Fatalf("got %d %v", status, body)
	}
	old, id := claims(t, s.Tenant, tokens.ID), claims(t, s.Tenant, text(t, body, "id_token"))
	access := claims(t, s.Tenant, text(t, body, "access_token"))
	if id["sid"] != old["sid"] || id["auth_time"] == nil || id["auth_time"] != old["auth_time"] || id["iat"] == old["iat"] || id["nonce"] != nil {
		t.Errorf("before %v\nafter %v", old, id)
	}
	if access["org_id"] != org || !slices.Equal(access["permissions"].([]any), []any{"read:orders"}) {
		t.Errorf("access token %v", access)
	}
}

// body reads an answer as text.
func body(t testing.TB, res *http.Response) (int, string) {
	t.Helper()
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// between returns what stands between two texts.
func between(s, before, after string) string {
	_, rest, _ := strings.Cut(s, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
