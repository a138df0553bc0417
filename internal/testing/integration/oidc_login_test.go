package integration

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// oidcApp is a web application on go-oidc and oauth2, over sockets.
type oidcApp struct {
	server   *httptest.Server
	verifier *oidc.IDTokenVerifier
	config   oauth2.Config
	ctx      context.Context // With the client that trusts the tenant.

	pkce   string
	logins chan oidcLogin
	bye    chan *oidc.LogoutToken
	errs   chan error
}

type oidcLogin struct {
	id    *oidc.IDToken
	token *oauth2.Token
}

// newOIDCApp starts the application and registers it at the tenant.
func newOIDCApp(t *testing.T, tenant *auth0test.Tenant, s *auth0test.Server) *oidcApp {
	t.Helper()
	a := &oidcApp{logins: make(chan oidcLogin, 1), bye: make(chan *oidc.LogoutToken, 1), errs: make(chan error, 9), pkce: oauth2.GenerateVerifier()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /backchannel", a.backChannel)
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	client := tenant.AddClient(auth0test.Application{
		CallbackURL: a.server.URL + "/callback", LogoutURL: a.server.URL + "/", BackChannelLogoutURL: a.server.URL + "/backchannel",
	})
	a.ctx = oidc.ClientContext(context.WithoutCancel(t.Context()), s.Client)
	provider, err := oidc.NewProvider(a.ctx, s.URL+"/")
	if err != nil {
		t.Fatal(err)
	}
	a.verifier = provider.Verifier(&oidc.Config{ClientID: client.ID})
	a.config = oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret, Endpoint: provider.Endpoint(), RedirectURL: a.server.URL + "/callback",
		Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
	return a
}

func (a *oidcApp) callback(w http.ResponseWriter, r *http.Request) {
	token, err := a.config.Exchange(a.ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(a.pkce))
	if err != nil {
		a.errs <- err
		return
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := a.verifier.Verify(a.ctx, raw)
	if err != nil {
		a.errs <- err
		return
	}
	if err := id.VerifyAccessToken(token.AccessToken); id.AccessTokenHash != "" && err != nil {
		a.errs <- err
		return
	}
	a.logins <- oidcLogin{id, token}
}

func (a *oidcApp) backChannel(w http.ResponseWriter, r *http.Request) {
	token, err := a.verifier.VerifyLogout(a.ctx, r.PostFormValue("logout_token"))
	if err != nil {
		a.errs <- err
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.bye <- token
}

// receive waits for what the application got.
func receive[T any](t *testing.T, a *oidcApp, from chan T) T {
	t.Helper()
	var zero T
	select {
	case v := <-from:
		return v
	case err := <-a.errs:
		t.Fatal(err)
	case <-time.After(20 * time.Second):
		t.Fatal("the application got nothing")
	}
	return zero
}

var formAction = regexp.MustCompile(`<form method="post" action="([^"]+)">`)

// submit fills the form of a page, as a person would in a browser that follows
// redirects.
func submit(t *testing.T, c *http.Client, page *http.Response, pairs ...string) *http.Response {
	t.Helper()
	html, err := io.ReadAll(page.Body)
	page.Body.Close()
	m := formAction.FindSubmatch(html)
	if err != nil || m == nil {
		t.Fatalf("no form at %s: %v", page.Request.URL.Path, err)
	}
	to, err := page.Request.URL.Parse(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	v := url.Values{"state": {to.Query().Get("state")}}
	for pair := range slices.Chunk(pairs, 2) {
		v.Set(pair[0], pair[1])
	}
	res, err := c.PostForm(to.String(), v)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestOIDCLogin logs in by code and PKCE with go-oidc and oauth2, over TLS, with a
// second factor, verifies the ID token, refreshes, and takes the logout token.
func TestOIDCLogin(t *testing.T) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	s := tenant.Start()
	defer s.Close()
	ada := tenant.AddUser(resource.User{Email: "ada@example.com", Name: "Ada"}, "correct horse")
	secret := tenant.Enroll(ada, "otp", "")
	app := newOIDCApp(t, tenant, s)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: s.Client.Transport, Jar: jar}

	page, err := browser.Get(app.config.AuthCodeURL("state", oidc.Nonce("n1"), oauth2.S256ChallengeOption(app.pkce), oauth2.SetAuthURLParam("max_age", "3600")))
	if err != nil {
		t.Fatal(err)
	}
	page = submit(t, browser, page, "username", "ada@example.com", "password", "correct horse")
	submit(t, browser, page, "code", tenant.OTP(secret)).Body.Close()
	login := receive(t, app, app.logins)
	var claims struct {
		SID, Email, Name string
		AMR              []string
		AuthTime         int64 `json:"auth_time"`
	}
	if err := login.id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if login.id.Subject != ada || login.id.Nonce != "n1" || claims.SID == "" || claims.Email != "ada@example.com" || claims.Name != "Ada" ||
		!slices.Equal(claims.AMR, []string{"mfa"}) || claims.AuthTime == 0 {
		t.Errorf("ID token of %s says %+v", login.id.Subject, claims)
	}
	fresh, err := app.config.TokenSource(app.ctx, &oauth2.Token{RefreshToken: login.token.RefreshToken}).Token()
	if err != nil || fresh.AccessToken == login.token.AccessToken {
		t.Errorf("refresh: %v", err)
	}

	res, err := browser.Get(s.URL + "/v2/logout?client_id=" + app.config.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	bye := receive(t, app, app.bye)
	if bye.Subject != ada || bye.SessionID != claims.SID || bye.TokenID == "" {
		t.Errorf("logout token %+v", bye)
	}
}

// TestOIDCKeysRotate verifies tokens over a rotation, with the key set that
// go-oidc cached before.
func TestOIDCKeysRotate(t *testing.T) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	s := tenant.Start()
	defer s.Close()
	app := newOIDCApp(t, tenant, s)
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	login := auth0test.Login{ClientID: app.config.ClientID, Identifier: "ada@example.com", Password: "correct horse"}
	for range 3 {
		tokens, err := tenant.Login(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.verifier.Verify(app.ctx, tokens.ID); err != nil {
			t.Error(err)
		}
		tenant.RotateKeys()
	}
}
