package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/auth0/go-auth0/management"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

// loginApp is a web application with session/login, over sockets.
type loginApp struct {
	tenant   *auth0test.Tenant
	auth0    *auth0test.Server
	server   *httptest.Server
	client   auth0test.Application
	sessions *session.Manager
	auth     *login.Handler
	cfg      login.Config
	mux      *http.ServeMux
	web      *session.HTTP
	ada      string
	ahead    atomic.Int64 // of the sessions' clock
}

const loginAudience = "https://api.example.com"

func newLoginApp(t *testing.T, cfg login.Config) *loginApp {
	t.Helper()
	a := &loginApp{tenant: auth0test.NewTenant(auth0test.Options{}), cfg: cfg}
	a.auth0 = a.tenant.Start()
	t.Cleanup(a.auth0.Close)
	mux := http.NewServeMux()
	a.server, a.mux = httptest.NewServer(mux), mux
	t.Cleanup(a.server.Close)
	a.tenant.AddAPI(loginAudience, "read:invoices")
	a.client = a.tenant.AddClient(auth0test.Application{
		CallbackURL: a.server.URL + "/auth/callback", LogoutURL: a.server.URL, BackChannelLogoutURL: a.server.URL + "/auth/backchannel-logout",
		RotateRefreshTokens: true,
	})
	a.ada = a.tenant.AddUser(resource.User{Email: "ada@example.com", Name: "Ada"}, "correct horse")

	var err error
	a.sessions, err = session.New(session.NewMemory(), session.Config{
		Keys: [][]byte{bytes.Repeat([]byte{1, 2}, 16)}, Now: func() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) },
	})
	require.NoError(t, err)
	web, err := session.NewHTTP(a.sessions, session.HTTPConfig{LoginPath: "/auth/login", AllowInsecureCookie: true})
	require.NoError(t, err)
	a.web = web
	a.auth, err = login.New(web, a.application(), a.cfg)
	require.NoError(t, err)
	mux.Handle("/auth/", a.auth)
	mux.Handle("GET /account", web.Require(http.HandlerFunc(a.account)))
	mux.Handle("GET /payout", web.Require(http.HandlerFunc(a.payout)))
	mux.Handle("GET /token", web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := a.auth.AccessToken(r.Context(), loginAudience)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, token)
	})))
	return a
}

func (a *loginApp) application() login.Application {
	return login.Application{
		Domain: a.auth0.URL, ClientID: a.client.ID, ClientSecret: a.client.Secret, BaseURL: a.server.URL, HTTPClient: a.auth0.Client,
	}
}

func (a *loginApp) account(w http.ResponseWriter, r *http.Request) {
	s, _ := session.FromContext(r.Context())
	_, _ = io.WriteString(w, s.UserID+" csrf="+s.CSRFToken())
}

func (a *loginApp) payout(w http.ResponseWriter, r *http.Request) {
	s, _ := session.FromContext(r.Context())
	if at := s.AuthenticatedBy("mfa"); at.IsZero() || time.Since(at) > time.Hour {
		a.auth.StepUp(w, r)
		return
	}
	_, _ = io.WriteString(w, "paid by "+s.UserID)
}

func (a *loginApp) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Transport: navigating{a.auth0.Client.Transport}, Jar: jar}
}

// navigating says what browsers say of a page that is opened.
type navigating struct{ next http.RoundTripper }

func (n navigating) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Accept", "text/html")
	return n.next.RoundTrip(r)
}

func visit(t *testing.T, c *http.Client, address string) *http.Response {
	t.Helper()
	res, err := c.Get(address)
	require.NoError(t, err)
	return res
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(b)
}

// signIn opens a page and types the password where it leads.
func (a *loginApp) signIn(t *testing.T, c *http.Client, page string) *http.Response {
	t.Helper()
	return submit(t, c, visit(t, c, a.server.URL+page), "username", "ada@example.com", "password", "correct horse")
}

func TestLoginBringsBackToThePage(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	c := a.browser(t)
	res := a.signIn(t, c, "/account?tab=2")
	assert.Equal(t, a.server.URL+"/account?tab=2", res.Request.URL.String())
	text := body(t, res)
	require.Contains(t, text, a.ada)
	list, err := a.sessions.List(t.Context(), a.ada)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.NotEmpty(t, list[0].SID)
	app, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	for _, cookie := range c.Jar.Cookies(app) {
		assert.False(t, strings.HasPrefix(cookie.Name, "login-"), "the login's cookie is taken back")
	}

	_, csrf, _ := strings.Cut(text, "csrf=")
	res, err = c.PostForm(a.server.URL+"/auth/logout", url.Values{"csrf_token": {csrf}})
	require.NoError(t, err)
	res.Body.Close()
	list, err = a.sessions.List(t.Context(), a.ada)
	require.NoError(t, err)
	assert.Empty(t, list)
	res = visit(t, c, a.server.URL+"/account")
	assert.Contains(t, body(t, res), "<form", "Auth0 has forgotten the user too")
}

// TestLateLogout: a form that signs out and left with the token of before a step-up is
// sent back to its own address, which then leads to the application.
func TestLateLogout(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	c := a.browser(t)
	a.signIn(t, c, "/account").Body.Close()
	app, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	for _, cookie := range c.Jar.Cookies(app) {
		if strings.HasSuffix(cookie.Name, "session") {
			_, err = a.sessions.StepUp(t.Context(), session.Token(cookie.Value), time.Now(), "otp")
			require.NoError(t, err)
		}
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.PostForm(a.server.URL+"/auth/logout", nil)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, "/auth/logout?superseded=1", res.Header.Get("Location"))
	res = visit(t, c, a.server.URL+res.Header.Get("Location"))
	res.Body.Close()
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	assert.Equal(t, a.server.URL, res.Header.Get("Location"))
	assert.Empty(t, res.Cookies(), "nobody is signed out by a link")
}

func TestLoginRefusesForeignCallbacks(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	attacker, victim := a.browser(t), a.browser(t)
	attacker.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	res := a.signIn(t, attacker, "/account")
	res.Body.Close()
	planted := res.Header.Get("Location")
	require.Contains(t, planted, "code=")
	res = visit(t, victim, planted)
	assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	assert.NotContains(t, body(t, res), a.ada)
	for _, query := range []string{"", "?state=x&code=y", "?state=x&error=access_denied&error_description=%3Cscript%3E"} {
		res := visit(t, victim, a.server.URL+"/auth/callback"+query)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
		assert.NotContains(t, body(t, res), "script")
	}
	list, err := a.sessions.List(t.Context(), a.ada)
	require.NoError(t, err)
	assert.Empty(t, list)

	code, err := url.Parse(planted)
	require.NoError(t, err)
	q := code.Query()
	q.Del("code")
	q.Set("error", "access_denied")
	q.Set("error_description", "secret words")
	res = visit(t, attacker, a.server.URL+"/auth/callback?"+q.Encode())
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	assert.NotContains(t, body(t, res), "secret words")
	res = visit(t, attacker, planted)
	res.Body.Close()
	assert.Equal(t, http.StatusBadRequest, res.StatusCode, "a login is answered once")
}

// TestLoginIsBoundToItsRequest: an ID token for another nonce, or a code for another
// verifier, is none of this login, although the state is right.
func TestLoginIsBoundToItsRequest(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	for _, name := range []string{"nonce", "code_challenge"} {
		c := a.browser(t)
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res := visit(t, c, a.server.URL+"/auth/login")
		res.Body.Close()
		to, err := res.Location()
		require.NoError(t, err)
		q := to.Query()
		require.NotEmpty(t, q.Get(name))
		q.Set(name, strings.Repeat("A", 43))
		to.RawQuery = q.Encode()
		c.CheckRedirect = nil
		res = submit(t, c, visit(t, c, to.String()), "username", "ada@example.com", "password", "correct horse")
		assert.Equal(t, "/auth/callback", res.Request.URL.Path, name)
		assert.GreaterOrEqual(t, res.StatusCode, 400, name)
		res.Body.Close()
		list, err := a.sessions.List(t.Context(), a.ada)
		require.NoError(t, err)
		assert.Empty(t, list, name)
	}
}

func TestLoginComesBackToThisSiteAlone(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", `/%5Cevil.example`, "/%2F/evil.example", "javascript:alert(1)", "/auth/login", "/auth/logout?x", ""} {
		c := a.browser(t)
		res := a.signIn(t, c, "/auth/login?to="+url.QueryEscape(to))
		res.Body.Close()
		assert.Equal(t, a.server.URL+"/", res.Request.URL.String(), "%q", to)
	}
}

func TestLoginsInTabs(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	c := a.browser(t)
	first, second := visit(t, c, a.server.URL+"/account?tab=1"), visit(t, c, a.server.URL+"/account?tab=2")
	res := submit(t, c, second, "username", "ada@example.com", "password", "correct horse")
	assert.Contains(t, body(t, res), a.ada)
	res = submit(t, c, first, "username", "ada@example.com", "password", "correct horse")
	assert.Equal(t, a.server.URL+"/account?tab=1", res.Request.URL.String())
	assert.Contains(t, body(t, res), a.ada)

	c = a.browser(t)
	for range 9 {
		visit(t, c, a.server.URL+"/account").Body.Close()
	}
	app, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(c.Jar.Cookies(app)), 5, "abandoned logins do not fill the header")
}

func TestLoginAfterARevocation(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{})
	c := a.browser(t)
	a.signIn(t, c, "/account").Body.Close()
	a.ahead.Store(int64(30 * time.Second))
	require.NoError(t, a.sessions.RevokeUser(t.Context(), a.ada))
	res := visit(t, c, a.server.URL+"/account")
	require.Contains(t, body(t, res), "<form", "Auth0 still knows the user, whose authentication is older than the revocation")
	assert.Equal(t, "/u/login", res.Request.URL.Path)
}

func TestOnLoginDecides(t *testing.T) {
	t.Parallel()
	var verdict error
	a := newLoginApp(t, login.Config{OnLogin: func(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
		if id.Email != "ada@example.com" || id.Name != "Ada" || id.AuthTime.IsZero() {
			return errors.New("the identity lacks something")
		}
		id.Payload = []byte("roles")
		return verdict
	}})
	c := a.browser(t)
	assert.Contains(t, body(t, a.signIn(t, c, "/account")), a.ada)
	verdict = fmt.Errorf("%w: blocked: secret reason", login.ErrRefused)
	c = a.browser(t)
	res := a.signIn(t, c, "/account")
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	assert.NotContains(t, body(t, res), "secret reason")
	verdict = login.ErrMFARequired // without Factors nobody can tell who would enroll one
	res = a.signIn(t, a.browser(t), "/account")
	res.Body.Close()
	assert.Equal(t, http.StatusInternalServerError, res.StatusCode)
}

// lateFactors are guardian's, of a tenant that exists only after the login does.
type lateFactors struct{ of *guardian.Service }

func (l *lateFactors) EnrolledAtAuth0(ctx context.Context, userID string) error {
	return l.of.EnrolledAtAuth0(ctx, userID)
}

func TestStepUpAtAuth0(t *testing.T) {
	t.Parallel()
	factors := &lateFactors{}
	a := newLoginApp(t, login.Config{Factors: factors})
	var err error
	factors.of, err = guardian.New(a.tenant.Management(), guardian.Config{})
	require.NoError(t, err)

	c := a.browser(t)
	a.signIn(t, c, "/account").Body.Close()
	res := visit(t, c, a.server.URL+"/payout")
	res.Body.Close()
	assert.Equal(t, http.StatusForbidden, res.StatusCode, "who has no factor would enroll one with the password alone")
	assert.Equal(t, "/payout", res.Request.URL.Path)

	grace := a.tenant.AddUser(resource.User{Email: "grace@example.com"}, "correct horse")
	secret := a.tenant.Enroll(grace, "otp", "")
	c = a.browser(t)
	signIn := func(page *http.Response) *http.Response {
		page = submit(t, c, page, "username", "grace@example.com", "password", "correct horse")
		return submit(t, c, page, "code", a.tenant.OTP(secret))
	}
	signIn(visit(t, c, a.server.URL+"/account")).Body.Close()
	res = visit(t, c, a.server.URL+"/payout")
	assert.Contains(t, body(t, res), "paid by "+grace)

	sent := false // below a prefix the browser comes back to the page that it has asked for
	a.mux.Handle("GET /app/", http.StripPrefix("/app", a.web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sent {
			sent = true
			a.auth.StepUp(w, r)
			return
		}
		_, _ = io.WriteString(w, "back at "+r.RequestURI)
	}))))
	a.tenant.Advance(30 * time.Second) // a code is taken once
	assert.Equal(t, "back at /app/step?of=two", body(t, signIn(visit(t, c, a.server.URL+"/app/step?of=two"))))
}

// TestOnLoginAsksForAFactor lets nobody in before the second factor, and runs
// OnLogin again with it.
func TestOnLoginAsksForAFactor(t *testing.T) {
	t.Parallel()
	factors := &lateFactors{}
	var runs []bool
	a := newLoginApp(t, login.Config{Factors: factors, OnLogin: func(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
		runs = append(runs, id.MFA)
		if !id.MFA {
			return login.ErrMFARequired
		}
		return nil
	}})
	var err error
	factors.of, err = guardian.New(a.tenant.Management(), guardian.Config{})
	require.NoError(t, err)
	res := a.signIn(t, a.browser(t), "/account")
	res.Body.Close()
	assert.Equal(t, http.StatusForbidden, res.StatusCode)

	runs = nil
	secret := a.tenant.Enroll(a.ada, "otp", "")
	c := a.browser(t)
	page := a.signIn(t, c, "/account")
	page = submit(t, c, page, "code", a.tenant.OTP(secret))
	assert.Contains(t, body(t, page), a.ada)
	assert.Contains(t, runs, true)
	list, err := a.sessions.List(t.Context(), a.ada)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestAccessTokensAreRenewedOnce(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{Audience: loginAudience, Scopes: []string{"read:invoices"}})
	lifetime := func(seconds int) {
		api := a.tenant.Management().API()
		require.NoError(t, api.ResourceServer.Update(t.Context(), loginAudience, &sdk.ResourceServer{
			TokenLifetime: &seconds, TokenLifetimeForWeb: &seconds, AllowOfflineAccess: new(true),
		}))
	}
	lifetime(40) // less than the minute before its end at which a token is renewed
	c := a.browser(t)
	a.signIn(t, c, "/account").Body.Close()
	exchanges := func() (n int) {
		for _, r := range a.tenant.Requests() {
			if strings.HasSuffix(r.Path, "/oauth/token") {
				n++
			}
		}
		return n
	}
	before := exchanges()
	short := body(t, visit(t, c, a.server.URL+"/token"))
	assert.Equal(t, short, body(t, visit(t, c, a.server.URL+"/token")))
	assert.Equal(t, before, exchanges(), "a token that lives 40 s is used for 20")
	expireAccess(t, a.sessions, c, a.server.URL)
	tokens := make([]string, 64)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() { tokens[i] = body(t, visit(t, c, a.server.URL+"/token")) })
	}
	all.Wait()
	for _, token := range tokens {
		assert.Equal(t, tokens[0], token)
	}
	assert.NotEqual(t, short, tokens[0])
	assert.Equal(t, 3, strings.Count(tokens[0], ".")+1)
	assert.Equal(t, 1, exchanges()-before, "one of 64 parallel requests uses the refresh token")
	assert.Equal(t, tokens[0], body(t, visit(t, c, a.server.URL+"/token")))

	a.ahead.Store(int64(30 * time.Second))
	require.NoError(t, a.sessions.RevokeUser(t.Context(), a.ada))
	res := visit(t, c, a.server.URL+"/token")
	res.Body.Close()
	assert.Equal(t, "/u/login", res.Request.URL.Path)
}

// expireAccess makes the access tokens of a browser's session ones that are due to be
// renewed.
func expireAccess(t *testing.T, m *session.Manager, c *http.Client, address string) {
	t.Helper()
	site, err := url.Parse(address)
	require.NoError(t, err)
	for _, cookie := range c.Jar.Cookies(site) {
		if !strings.HasSuffix(cookie.Name, "session") {
			continue
		}
		never := func([]byte) bool { return false }
		_, err = m.UseTokens(t.Context(), session.Token(cookie.Value), never, func(_ context.Context, tokens []byte) ([]byte, error) {
			var kept map[string]any
			if err := json.Unmarshal(tokens, &kept); err != nil {
				return nil, err
			}
			for _, access := range kept["access"].(map[string]any) {
				access.(map[string]any)["fresh_until"] = time.Now().Add(-time.Second)
			}
			return json.Marshal(kept)
		})
		require.NoError(t, err)
		return
	}
	t.Fatal("the browser has no session")
}

func TestTransportStaysBelowItsAddress(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{Audience: loginAudience})
	var mu sync.Mutex
	var seen []string
	next := roundTripper(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.URL.String()+" "+r.Header.Get("Cookie"))
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	for _, bad := range []string{"", "http://api.example.com", "api.example.com", "https://u:p@api.example.com", "https://api.example.com/?x"} {
		_, err := a.auth.Transport(loginAudience, bad, next)
		assert.Error(t, err, "%q", bad)
	}
	tr, err := a.auth.Transport(loginAudience, "https://api.example.com/v1", next)
	require.NoError(t, err)
	for _, address := range []string{
		"https://evil.example/v1", "http://api.example.com/v1", "https://api.example.com/v2", "https://api.example.com/v10",
		"https://api.example.com/v1/../admin", "https://api.example.com/v1/%2e%2e/admin", "https://api.example.com:8443/v1", "https://x@api.example.com/v1",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		_, err = tr.RoundTrip(r)
		assert.ErrorContains(t, err, "leaves the address", address)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/v1/invoices", nil)
	require.NoError(t, err)
	res, err := tr.RoundTrip(r)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "there is no session in the context")
	assert.Empty(t, seen)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewLoginNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	keys := session.Config{Keys: [][]byte{bytes.Repeat([]byte{1, 2}, 16)}}
	web := func(c session.Config, path string) *session.HTTP {
		m, err := session.New(session.NewMemory(), c)
		require.NoError(t, err)
		h, err := session.NewHTTP(m, session.HTTPConfig{LoginPath: path})
		require.NoError(t, err)
		return h
	}
	good := login.Application{Domain: "tenant.eu.auth0.com", ClientID: "id", ClientSecret: "secret", BaseURL: "https://app.example.com"}
	with := func(change func(*login.Application)) login.Application { a := good; change(&a); return a }
	for name, c := range map[string]struct {
		web  *session.HTTP
		app  login.Application
		cfg  login.Config
		says string
	}{
		"web":      {nil, good, login.Config{}, "web is nil"},
		"keys":     {web(session.Config{}, ""), good, login.Config{}, "Config.Keys"},
		"path":     {web(keys, "/signin"), good, login.Config{}, "LoginPath"},
		"Path":     {web(keys, ""), good, login.Config{Path: "auth/"}, "Config.Path"},
		"domain":   {web(keys, ""), with(func(a *login.Application) { a.Domain = "http://x.example" }), login.Config{}, "Application.Domain"},
		"base":     {web(keys, ""), with(func(a *login.Application) { a.BaseURL = "http://app.example.com" }), login.Config{}, "Application.BaseURL"},
		"client":   {web(keys, ""), with(func(a *login.Application) { a.ClientID = "" }), login.Config{}, "Application.ClientID"},
		"no proof": {web(keys, ""), with(func(a *login.Application) { a.ClientSecret = "" }), login.Config{}, "ClientSecret or PrivateKey"},
	} {
		_, err := login.New(c.web, c.app, c.cfg)
		assert.ErrorContains(t, err, c.says, name)
	}
	_, err := login.New(web(keys, "/auth/login"), good, login.Config{DPoP: true})
	assert.ErrorContains(t, err, "Config.DPoP needs Config.Audience")
	_, err = login.New(web(keys, "/auth/login"), good, login.Config{})
	assert.NoError(t, err)
}
