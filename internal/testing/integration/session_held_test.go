package integration

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

// heldApp is a login whose second factor a page of the application asks for.
func heldApp(t *testing.T) (a *loginApp, runs *[]login.Identity) {
	t.Helper()
	runs = new([]login.Identity)
	a = newLoginApp(t, login.Config{Audience: loginAudience, OnLogin: func(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
		*runs = append(*runs, *id)
		if !id.MFA {
			return login.Hold("/verify/")
		}
		return nil
	}})
	held := a.auth.Held()
	a.mux.HandleFunc("GET /verify/", func(w http.ResponseWriter, r *http.Request) {
		user, err := held.UserID(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		name, token := held.CSRF(r)
		fmt.Fprintf(w, `who=%s <form method="post" action="/verify/?to=%s"> %s=%s;`, user, url.QueryEscape(r.URL.Query().Get("to")), name, token)
	})
	a.mux.HandleFunc("POST /verify/", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("code") != "123456" {
			http.Error(w, "wrong", http.StatusForbidden)
			return
		}
		if err := held.StepUp(w, r, time.Now(), strings.Fields(r.PostFormValue("amr"))...); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusSeeOther)
	})
	return a, runs
}

// prove types the code into the page of a login that waits.
func prove(t *testing.T, c *http.Client, page *http.Response, code, amr string) *http.Response {
	t.Helper()
	text := body(t, page)
	_, csrf, _ := strings.Cut(text, "csrf_token=")
	csrf, _, ok := strings.Cut(csrf, ";")
	require.True(t, ok, text)
	res, err := c.PostForm(page.Request.URL.String(), url.Values{"csrf_token": {csrf}, "code": {code}, "amr": {amr}})
	require.NoError(t, err)
	return res
}

// TestHeldLogin: there is no session before the local factor, and afterwards OnLogin
// has run again and the session knows when the factor was proved.
func TestHeldLogin(t *testing.T) {
	t.Parallel()
	a, runs := heldApp(t)
	c := a.browser(t)
	page := a.signIn(t, c, "/account?tab=2")
	require.Equal(t, "/verify/", page.Request.URL.Path)
	list, err := a.sessions.List(t.Context(), a.ada)
	require.NoError(t, err)
	require.Empty(t, list, "nobody is in yet")
	require.Len(t, *runs, 1)
	before := time.Now()
	res := prove(t, c, page, "123456", "otp mfa")
	assert.Equal(t, a.server.URL+"/account?tab=2", res.Request.URL.String())
	assert.Contains(t, body(t, res), a.ada)
	require.Len(t, *runs, 2)
	again := (*runs)[1]
	assert.True(t, again.MFA)
	assert.WithinDuration(t, before, again.AuthenticatedBy("mfa"), time.Minute)
	assert.Equal(t, a.ada, again.UserID)
	res = visit(t, c, a.server.URL+"/payout")
	assert.Contains(t, body(t, res), "paid by", "the session knows of the factor")
	res = visit(t, c, a.server.URL+"/token")
	assert.Contains(t, body(t, res), "ey", "and has tokens")
	app, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	for _, cookie := range c.Jar.Cookies(app) {
		assert.NotContains(t, cookie.Name, "login", "nothing of the login is left")
	}
}

// TestHeldLoginGivesNothingAway: without the factor, without the token of the page,
// with a first factor alone or as another user there is no session.
func TestHeldLoginGivesNothingAway(t *testing.T) {
	t.Parallel()
	a, _ := heldApp(t)
	c := a.browser(t)
	page := a.signIn(t, c, "/account")
	sessions := func() int {
		list, err := a.sessions.List(t.Context(), a.ada)
		require.NoError(t, err)
		return len(list)
	}
	res, err := c.PostForm(page.Request.URL.String(), url.Values{"csrf_token": {"x"}, "code": {"123456"}, "amr": {"otp mfa"}})
	require.NoError(t, err)
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	assert.Contains(t, body(t, res), "csrf_token")
	assert.Equal(t, http.StatusForbidden, prove(t, c, visit(t, c, a.server.URL+"/verify/?to=/auth/login"), "000000", "otp mfa").StatusCode)
	res = prove(t, c, visit(t, c, a.server.URL+"/verify/?to=/auth/login"), "123456", "pwd")
	assert.Contains(t, body(t, res), `"mfa"`)
	res = visit(t, c, a.server.URL+"/account") // around the page: it is asked again
	assert.Equal(t, "/verify/", res.Request.URL.Path)
	res.Body.Close()
	assert.Zero(t, sessions())

	other := a.browser(t)
	assert.Equal(t, http.StatusUnauthorized, visit(t, other, a.server.URL+"/verify/").StatusCode)

	// Ada has proved her factor; at Auth0 somebody else is signed in meanwhile.
	res = visit(t, c, a.server.URL+"/verify/?to=/nowhere")
	prove(t, c, res, "123456", "otp mfa").Body.Close()
	a.tenant.AddUser(resource.User{Email: "eve@example.com"}, "correct horse")
	auth0, err := url.Parse(a.auth0.URL)
	require.NoError(t, err)
	for _, cookie := range c.Jar.Cookies(auth0) {
		if strings.Contains(cookie.Name, "login") { // the jar does not tell ports apart
			continue
		}
		c.Jar.SetCookies(auth0, []*http.Cookie{{Name: cookie.Name, Value: "", Path: "/", MaxAge: -1}})
	}
	res = submit(t, c, visit(t, c, a.server.URL+"/auth/login"), "username", "eve@example.com", "password", "correct horse")
	assert.Equal(t, http.StatusForbidden, res.StatusCode)
	res.Body.Close()
	assert.Zero(t, sessions())
}

// TestHeldRefusesTimes: a factor that was proved before the login, or at an unknown
// time, lets nobody in.
func TestHeldRefusesTimes(t *testing.T) {
	t.Parallel()
	a, _ := heldApp(t)
	c := a.browser(t)
	a.signIn(t, c, "/account").Body.Close()
	app, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL, nil)
	require.NoError(t, err)
	for _, cookie := range c.Jar.Cookies(app) {
		r.AddCookie(cookie)
	}
	_, token := a.auth.Held().CSRF(r)
	require.NotEmpty(t, token)
	r.Header.Set(session.CSRFHeader, token)
	for _, at := range []time.Time{{}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
		assert.ErrorContains(t, a.auth.Held().StepUp(discard{}, r, at, "mfa"), "time", at)
	}
	assert.NoError(t, a.auth.Held().StepUp(discard{}, r, time.Now(), "mfa"))
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// TestHoldNeedsAPath: a login that would be held elsewhere fails.
func TestHoldNeedsAPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", "//evil.example", "https://evil.example/", `/\evil.example`, "verify", "/verify?x"} {
		a := newLoginApp(t, login.Config{OnLogin: func(http.ResponseWriter, *http.Request, *login.Identity) error { return login.Hold(path) }})
		res := a.signIn(t, a.browser(t), "/account")
		res.Body.Close()
		assert.Equal(t, http.StatusInternalServerError, res.StatusCode, "%q", path)
	}
}

// TestPushedLogin: with PAR the browser carries a reference alone, and logs in.
func TestPushedLogin(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{PAR: true})
	c := a.browser(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res := visit(t, c, a.server.URL+"/auth/login")
	res.Body.Close()
	to, err := res.Location()
	require.NoError(t, err)
	names := []string{}
	for name := range to.Query() {
		names = append(names, name)
	}
	assert.ElementsMatch(t, []string{"client_id", "request_uri"}, names)
	c = a.browser(t)
	assert.Contains(t, body(t, a.signIn(t, c, "/account")), a.ada)

	a.tenant.Fault("POST /oauth/par", auth0test.Fault{Status: http.StatusServiceUnavailable})
	res = visit(t, a.browser(t), a.server.URL+"/account")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	res.Body.Close()
}
