package login_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

// scripted is an Auth0 that answers whatever a test says.
type scripted struct {
	*josetest.Issuer
	nonce string                                                  // of the last login
	claim map[string]any                                          // more claims of ID tokens; nil removes
	token func(form url.Values) (status int, body map[string]any) // nil: tokens
	raw   string                                                  // in place of JSON
	sent  []url.Values                                            // to the token endpoint
	sign  func(claims any) string                                 // nil: by the first key
	hangs bool                                                    // until the request is given up
}

func (a *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/oauth/token" {
		return a.Issuer.RoundTrip(r)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	a.sent = append(a.sent, form)
	if a.hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	status, body := http.StatusOK, a.tokens()
	if a.token != nil {
		status, body = a.token(form)
	}
	answer, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	if a.raw != "" {
		answer = []byte(a.raw)
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	w.Body.Write(answer)
	return w.Result(), nil
}

// tokens are what a login is answered with.
func (a *scripted) tokens() map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": a.ID, "sub": "auth0|1", "aud": "app", "iat": now, "exp": now + 3600, "auth_time": now, "nonce": a.nonce, "sid": "sid1",
	}
	for name, value := range a.claim {
		claims = josetest.With(claims, name, value)
	}
	sign := a.sign
	if sign == nil {
		sign = func(claims any) string { return a.Token(josetest.Header("rs"), claims) }
	}
	return map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "id_token": sign(claims)}
}

type yes struct{}

func (yes) EnrolledAtAuth0(context.Context, string) error { return nil }

// client is a browser at an application, without sockets.
type client struct {
	t        *testing.T
	auth0    *scripted
	sessions *session.Manager
	web      *session.HTTP
	auth     *login.Handler
	mux      *http.ServeMux
	cookies  map[string]string
	mode     string // Sec-Fetch-Mode, in place of that of pages
}

func newClient(t *testing.T, cfg login.Config) *client {
	t.Helper()
	c := &client{t: t, auth0: &scripted{Issuer: josetest.NewIssuer()}, mux: http.NewServeMux(), cookies: map[string]string{}}
	var err error
	c.sessions, err = session.New(session.NewMemory(), session.Config{Keys: [][]byte{bytes.Repeat([]byte("k1"), 16)}})
	require.NoError(t, err)
	c.web, err = session.NewHTTP(c.sessions, session.HTTPConfig{LoginPath: "/auth/login"})
	require.NoError(t, err)
	cfg.Factors = yes{}
	c.auth, err = login.New(c.web, login.Application{
		Domain: "tenant.example.com", ClientID: "app", ClientSecret: "secret", BaseURL: "https://app.example.com",
		HTTPClient: &http.Client{Transport: c.auth0},
	}, cfg)
	require.NoError(t, err)
	c.mux.Handle("/auth/", c.auth)
	c.mux.Handle("GET /payout", c.web.Require(http.HandlerFunc(c.auth.StepUp)))
	return c
}

// open opens a page as browsers do, without following where it leads.
func (c *client) open(path string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.send(http.MethodGet, path)
}

func (c *client) send(method, path string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), method, "https://app.example.com"+path, nil)
	r.Header.Set("Sec-Fetch-Mode", cmp.Or(c.mode, "navigate"))
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if c.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	return w
}

// begin opens a page that leads to Auth0, and returns what that is asked.
func (c *client) begin(path string) url.Values {
	c.t.Helper()
	to, err := url.Parse(c.open(path).Header().Get("Location"))
	require.NoError(c.t, err)
	require.Equal(c.t, "tenant.example.com/authorize", to.Host+to.Path)
	c.auth0.nonce = to.Query().Get("nonce")
	return to.Query()
}

// back comes back from Auth0 with a code.
func (c *client) back(asked url.Values) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.open("/auth/callback?" + url.Values{"code": {"code"}, "state": {asked.Get("state")}}.Encode())
}

func (c *client) token() session.Token { return session.Token(c.cookies["__Host-session"]) }

// TestIDTokensOfOthers: only the ID token that was asked for signs in.
func TestIDTokensOfOthers(t *testing.T) {
	t.Parallel()
	now := time.Now().Unix()
	for name, x := range map[string]struct {
		path  string
		claim map[string]any
		good  bool
	}{
		"good":                       {claim: nil, good: true},
		"an array of this one":       {claim: map[string]any{"aud": []string{"app"}}, good: true},
		"azp":                        {claim: map[string]any{"azp": "app"}, good: true},
		"no sid":                     {claim: map[string]any{"sid": nil}, good: true},
		"organization":               {path: "?organization=org_Abc1", claim: map[string]any{"org_id": "org_Abc1"}, good: true},
		"organization by name":       {path: "?organization=acme", claim: map[string]any{"org_id": "org_Abc1", "org_name": "Acme"}, good: true},
		"another audience":           {claim: map[string]any{"aud": "other"}},
		"others among the audiences": {claim: map[string]any{"aud": []string{"other", "app"}, "azp": "app"}},
		"no audience":                {claim: map[string]any{"aud": nil}},
		"another azp":                {claim: map[string]any{"azp": "other"}},
		"an azp that is no text":     {claim: map[string]any{"azp": []string{"app"}}},
		"another issuer":             {claim: map[string]any{"iss": "https://other.example.com/"}},
		"no nonce":                   {claim: map[string]any{"nonce": nil}},
		"another nonce":              {claim: map[string]any{"nonce": "x"}},
		"no sub":                     {claim: map[string]any{"sub": nil}},
		"a sub that is a number":     {claim: map[string]any{"sub": 7}},
		"no auth_time":               {claim: map[string]any{"auth_time": nil}},
		"an old auth_time":           {claim: map[string]any{"auth_time": now - 100000}},
		"an auth_time of text":       {claim: map[string]any{"auth_time": "now"}},
		"no exp":                     {claim: map[string]any{"exp": nil}},
		"expired":                    {claim: map[string]any{"exp": now - 100}},
		"iat ahead":                  {claim: map[string]any{"iat": now + 1000}},
		"no organization":            {path: "?organization=org_Abc1"},
		"another organization":       {path: "?organization=org_Abc1", claim: map[string]any{"org_id": "org_2", "org_name": "rival"}},
		"a name like the id":         {path: "?organization=org_Abc1", claim: map[string]any{"org_id": "org_2", "org_name": "org_abc1"}},
	} {
		c := newClient(t, login.Config{})
		asked := c.begin("/auth/login" + x.path)
		c.auth0.claim = x.claim
		w := c.back(asked)
		if x.good {
			assert.Equal(t, http.StatusSeeOther, w.Code, name)
			assert.NotEmpty(t, c.token(), name)
			continue
		}
		assert.Equal(t, http.StatusForbidden, w.Code, name)
		assert.Empty(t, c.token(), name)
	}
}

// TestPinnedOrganization: an organization that the application itself asks for is
// checked like one that the link names.
func TestPinnedOrganization(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{"org_1": http.StatusSeeOther, "org_2": http.StatusForbidden, "": http.StatusForbidden} {
		c := newClient(t, login.Config{Authorize: func(*http.Request) url.Values { return url.Values{"organization": {"org_1"}} }})
		asked := c.begin("/auth/login")
		require.Equal(t, "org_1", asked.Get("organization"))
		if id != "" {
			c.auth0.claim = map[string]any{"org_id": id}
		}
		assert.Equal(t, want, c.back(asked).Code, "%q", id)
	}
}

// TestCallbackParameters: an error is one whatever else is there, and nothing of it is
// shown.
func TestCallbackParameters(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<script>alert(1)</script>", 400)
	for name, more := range map[string]url.Values{
		"error":             {"error": {"access_denied"}, "error_description": {long}},
		"a long error":      {"error": {long}},
		"an error and code": {"error": {"access_denied"}, "code": {"code"}},
		"another issuer":    {"code": {"code"}, "iss": {"https://other.example.com/"}},
		"nothing":           {},
	} {
		c := newClient(t, login.Config{})
		q := url.Values{"state": {c.begin("/auth/login").Get("state")}}
		maps.Copy(q, more)
		w := c.open("/auth/callback?" + q.Encode())
		assert.Equal(t, http.StatusForbidden, w.Code, name)
		assert.NotContains(t, w.Body.String(), "script", name)
		assert.Empty(t, c.token(), name)
		assert.Empty(t, c.auth0.sent, "%s: no code is redeemed", name)
	}
	c := newClient(t, login.Config{})
	r := httptest.NewRequest(http.MethodPost, "https://app.example.com/auth/callback", strings.NewReader("code=x&state=y"))
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code, "form_post was not asked for")
}

// TestTokenEndpointFails: a login ends with a page that says whether another try helps.
func TestTokenEndpointFails(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		status int
		body   string
		want   int
	}{
		"too many requests": {http.StatusTooManyRequests, `{"error":"too_many_requests"}`, http.StatusServiceUnavailable},
		"unavailable":       {http.StatusServiceUnavailable, "<html>away</html>", http.StatusServiceUnavailable},
		"a page":            {http.StatusOK, "<html>hello</html>", http.StatusServiceUnavailable},
		"an empty object":   {http.StatusOK, "{}", http.StatusServiceUnavailable},
		"a spent code":      {http.StatusForbidden, `{"error":"invalid_grant","error_description":"secret words"}`, http.StatusForbidden},
		"no ID token":       {http.StatusOK, `{"access_token":"at","expires_in":60}`, http.StatusForbidden},
	} {
		c := newClient(t, login.Config{})
		asked := c.begin("/auth/login")
		c.auth0.raw = x.body
		c.auth0.token = func(url.Values) (int, map[string]any) { return x.status, nil }
		w := c.back(asked)
		assert.Equal(t, x.want, w.Code, name)
		assert.NotContains(t, w.Body.String(), "secret words", name)
		assert.Empty(t, c.token(), name)
	}
}

// meanwhile lets something happen while a code is redeemed.
func (c *client) meanwhile(do func()) {
	c.auth0.token = func(url.Values) (int, map[string]any) {
		do()
		return http.StatusOK, c.auth0.tokens()
	}
}

// TestLateAtTheCallback: when another tab has replaced or ended the session while the
// code was redeemed, the browser goes on to the page, with what it has by then: the
// code is spent and cannot be brought a second time.
func TestLateAtTheCallback(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		page string
		do   func(c *client, token session.Token) error
	}{
		"a login, after a step-up": {"/auth/login?to=%2Fpayout", func(c *client, token session.Token) error {
			_, err := c.sessions.StepUp(t.Context(), token, time.Now(), "otp")
			return err
		}},
		"a step-up, after a step-up": {"/payout", func(c *client, token session.Token) error {
			_, err := c.sessions.StepUp(t.Context(), token, time.Now(), "otp")
			return err
		}},
		"a step-up, after a logout": {"/payout", func(c *client, token session.Token) error { return c.sessions.Revoke(t.Context(), token) }},
	} {
		c := newClient(t, login.Config{})
		require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
		asked, token := c.begin(x.page), c.token()
		c.auth0.claim = map[string]any{"amr": []string{"mfa"}}
		c.meanwhile(func() { assert.NoError(t, x.do(c, token)) })
		w := c.back(asked)
		assert.Equal(t, http.StatusSeeOther, w.Code, name)
		assert.Equal(t, "/payout", w.Header().Get("Location"), name)
		assert.Equal(t, token, c.token(), "%s: no cookie is set or taken away", name)
	}

	c := newClient(t, login.Config{}) // and one that ended before
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	asked := c.begin("/payout")
	require.NoError(t, c.sessions.Revoke(t.Context(), c.token()))
	c.auth0.claim = map[string]any{"amr": []string{"mfa"}}
	w := c.back(asked)
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, "/payout", w.Header().Get("Location"), "which leads to the login")

	c = newClient(t, login.Config{}) // and one of another user
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	asked = c.begin("/payout")
	c.auth0.claim = map[string]any{"amr": []string{"mfa"}, "sub": "auth0|2"}
	assert.Equal(t, http.StatusForbidden, c.back(asked).Code)
}

// TestTransportEncodedSlash: what the API gets must begin with the address, as it is
// sent.
func TestTransportEncodedSlash(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{Audience: "https://api.example.com"})
	tr, err := c.auth.Transport("https://api.example.com", "https://api.example.com/v1", nil)
	require.NoError(t, err)
	for address, within := range map[string]bool{
		"https://api.example.com/v1/a%2Fb": true, "https://api.example.com/v1": true, "https://api.example.com/v1/": true,
		"https://api.example.com/v1%2Fadmin": false, "https://api.example.com/v1%2f..%2fadmin": false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		res, err := tr.RoundTrip(r)
		if !within {
			assert.ErrorContains(t, err, "leaves the address", address)
			continue
		}
		if assert.NoError(t, err, address) {
			assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "there is no session in the context")
		}
	}
}

// TestRefreshAnswers: a refresh token is kept until Auth0 gives another or refuses it,
// and whatever an answer says of lifetimes, a token is never taken for fresh too long.
func TestRefreshAnswers(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{Audience: "https://api.example.com"})
	var failed error
	c.mux.Handle("GET /token", c.web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var token string
		token, failed = c.auth.AccessToken(r.Context(), "https://api.example.com")
		_, _ = io.WriteString(w, token)
	})))
	status, answer := http.StatusOK, map[string]any{"expires_in": 0, "refresh_token": "rt1"}
	c.auth0.token = func(form url.Values) (int, map[string]any) {
		all := map[string]any{}
		if form.Get("grant_type") == "authorization_code" {
			all = c.auth0.tokens()
		} else if status == http.StatusOK {
			all["access_token"] = "new"
		}
		maps.Copy(all, answer)
		return status, all
	}
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	asks := func(code int, with map[string]any) (refresh, token string) {
		t.Helper()
		status, answer, c.auth0.sent = code, with, nil
		token = c.open("/token").Body.String()
		require.LessOrEqual(t, len(c.auth0.sent), 1)
		if len(c.auth0.sent) == 1 {
			refresh = c.auth0.sent[0].Get("refresh_token")
		}
		return refresh, token
	}
	step := func(want string, code int, with map[string]any) {
		t.Helper()
		refresh, token := asks(code, with)
		assert.Equal(t, want, refresh, "%v", with)
		if code == http.StatusOK {
			assert.NoError(t, failed, "%v", with)
			assert.Equal(t, "new", token)
		} else {
			assert.Error(t, failed)
			assert.NotErrorIs(t, failed, login.ErrLoginRequired, "%v", with)
		}
	}
	step("rt1", http.StatusOK, map[string]any{"expires_in": 0})
	step("rt1", http.StatusOK, map[string]any{"expires_in": -5, "refresh_token": ""})
	step("rt1", http.StatusOK, map[string]any{"refresh_token": "rt2"})
	step("rt2", http.StatusTooManyRequests, nil)
	step("rt2", http.StatusServiceUnavailable, nil)
	step("rt2", http.StatusForbidden, map[string]any{"error": "unauthorized_client"})
	step("rt2", http.StatusOK, map[string]any{"expires_in": 1e300, "refresh_token": "rt3"})
	step("", http.StatusOK, nil) // fresh

	c.auth0.token = nil
	c.cookies = map[string]string{} // signed in anew
	c.auth0.token = func(form url.Values) (int, map[string]any) {
		if form.Get("grant_type") == "authorization_code" {
			all := c.auth0.tokens()
			all["expires_in"], all["refresh_token"] = 0, "rt4"
			return http.StatusOK, all
		}
		return http.StatusForbidden, map[string]any{"error": "invalid_grant"}
	}
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	refresh, _ := asks(0, nil)
	assert.Equal(t, "rt4", refresh)
	assert.ErrorIs(t, failed, login.ErrLoginRequired)
	refresh, _ = asks(0, nil)
	assert.Empty(t, refresh, "a refused one is not presented again")
	assert.ErrorIs(t, failed, login.ErrLoginRequired)
}

// TestKeysRotateDuringALogin: an ID token by a key that was published meanwhile.
func TestKeysRotateDuringALogin(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{})
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	asked := c.begin("/auth/login")
	c.auth0.Publish(josetest.RSAKey("next", &josetest.RSA(1).PublicKey))
	c.auth0.sign = func(claims any) string { return josetest.Sign(josetest.RSA(1), josetest.Header("next"), claims) }
	assert.Equal(t, http.StatusSeeOther, c.back(asked).Code)
	asked = c.begin("/auth/login")
	c.auth0.sign = nil
	assert.Equal(t, http.StatusForbidden, c.back(asked).Code, "by a key that is published no more")
}

// TestTokenEndpointHangs: the lease ends with the request that was given up, and
// nothing is lost.
func TestTokenEndpointHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, login.Config{Audience: "https://api.example.com"})
		c.auth0.token = func(form url.Values) (int, map[string]any) {
			all := c.auth0.tokens()
			all["expires_in"], all["refresh_token"] = 0, "rt1"
			return http.StatusOK, all
		}
		require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
		var failed error
		c.mux.Handle("GET /token", c.web.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, failed = c.auth.AccessToken(r.Context(), "https://api.example.com")
		})))
		c.auth0.hangs = true
		began := time.Now()
		c.open("/token")
		assert.Error(t, failed)
		assert.NotErrorIs(t, failed, login.ErrLoginRequired)
		assert.Less(t, time.Since(began), 30*time.Second)
		c.auth0.hangs = false
		began = time.Now()
		c.open("/token")
		assert.NoError(t, failed)
		assert.Less(t, time.Since(began), time.Second, "the lease was given back")
	})
}

// TestLogoutWithoutASession: the page may have been open for longer than the session,
// and Auth0 would sign the user in again without a question.
func TestLogoutWithoutASession(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{})
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	assert.Equal(t, http.StatusForbidden, c.send(http.MethodPost, "/auth/logout").Code, "with a session it needs the CSRF token")
	require.NoError(t, c.sessions.Revoke(t.Context(), c.token()))
	for _, cookie := range []string{"of the session that has ended", "none"} {
		w := c.send(http.MethodPost, "/auth/logout")
		assert.Equal(t, http.StatusSeeOther, w.Code, cookie)
		assert.Contains(t, w.Header().Get("Location"), "https://tenant.example.com/v2/logout?", cookie)
		assert.Empty(t, c.token(), cookie)
	}
}

// TestExpiredAtTheProvider: the user authenticates again, once, and is not sent in
// circles while Auth0 still knows them.
func TestExpiredAtTheProvider(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{})
	c.auth0.claim = map[string]any{"session_expiry": time.Now().Unix() - 10}
	asked := c.begin("/auth/login?to=%2Fpayout")
	again, err := url.Parse(c.back(asked).Header().Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "login", again.Query().Get("prompt"))
	c.auth0.nonce = again.Query().Get("nonce")
	assert.Equal(t, http.StatusForbidden, c.back(again.Query()).Code)

	c.auth0.claim = nil
	asked = c.begin("/auth/login?to=%2Fpayout")
	assert.Equal(t, "/payout", c.back(asked).Header().Get("Location"))
}

// TestLoginTakesAnHour at most.
func TestLoginTakesAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for wait, want := range map[time.Duration]int{59 * time.Minute: http.StatusSeeOther, time.Hour: http.StatusBadRequest} {
			c := newClient(t, login.Config{})
			asked := c.begin("/auth/login")
			time.Sleep(wait)
			assert.Equal(t, want, c.back(asked).Code, wait)
		}
	})
}

// TestManyLoginsFitIntoAHeader: a page elsewhere may begin logins with long addresses
// to come back to; whole sites are refused by proxies when cookies are too long.
func TestManyLoginsFitIntoAHeader(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{})
	var last url.Values
	for range 9 {
		last = c.begin("/auth/login?to=%2F" + strings.Repeat("a", 900))
		size := 0
		for name, value := range c.cookies {
			size += len(name) + len(value)
		}
		assert.Less(t, size, 7<<10)
	}
	assert.Len(t, c.back(last).Header().Get("Location"), 901, "the newest one goes on")
}

// TestStepUpOfScripts: what polls does not begin logins, which would push the person's
// own out of the browser.
func TestStepUpOfScripts(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{})
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	asked := c.begin("/payout")
	c.mode = "cors"
	for range 9 {
		assert.Equal(t, http.StatusForbidden, c.open("/payout").Code)
	}
	c.mode = ""
	c.auth0.claim = map[string]any{"amr": []string{"mfa"}}
	assert.Equal(t, "/payout", c.back(asked).Header().Get("Location"))
}
