package login_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

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

// TestOnLoginFails: only a decision is 403. What could not be decided is 503, and the
// next attempt may go well.
func TestOnLoginFails(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		err  error
		want int
	}{
		"refused":                   {login.ErrRefused, http.StatusForbidden},
		"refused, with a reason":    {fmt.Errorf("%w: suspended", login.ErrRefused), http.StatusForbidden},
		"denied by risk":            {errors.Join(risk.ErrDenied, audit.ErrNotRecorded), http.StatusForbidden},
		"the session store":         {fmt.Errorf("old system: %w", session.ErrUnavailable), http.StatusServiceUnavailable},
		"a deadline":                {fmt.Errorf("old system: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		"the database":              {sql.ErrConnDone, http.StatusServiceUnavailable},
		"Auth0":                     {&resource.Error{Op: "read user", StatusCode: http.StatusTooManyRequests}, http.StatusServiceUnavailable},
		"a user who is not there":   {&resource.Error{Op: "read user", StatusCode: http.StatusNotFound}, http.StatusServiceUnavailable},
		"a session that is no more": {session.ErrRevoked, http.StatusServiceUnavailable},
		"unknown":                   {errors.New("secret reason"), http.StatusServiceUnavailable},
	} {
		var verdict error
		c := newClient(t, login.Config{OnLogin: func(http.ResponseWriter, *http.Request, *login.Identity) error { return verdict }})
		verdict = x.err
		w := c.back(c.begin("/auth/login?to=/account"))
		assert.Equal(t, x.want, w.Code, name)
		assert.Equal(t, x.want == http.StatusServiceUnavailable, w.Header().Get("Retry-After") != "", name)
		assert.NotContains(t, w.Body.String(), "secret", name)
		assert.Empty(t, c.token(), name)
		verdict = nil
		assert.Equal(t, "/account", c.back(c.begin("/auth/login?to=/account")).Header().Get("Location"), name)
	}
}

type failing struct{ err error }

func (f failing) EnrolledAtAuth0(context.Context, string) error { return f.err }

// TestFactorsFail: that a user has no factor is said only of whom that is known.
func TestFactorsFail(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		err  error
		want int
	}{
		"none":      {fmt.Errorf("%w at Auth0", guardian.ErrNotEnrolled), http.StatusForbidden},
		"deleted":   {&resource.Error{StatusCode: http.StatusNotFound}, http.StatusForbidden},
		"throttled": {&resource.Error{StatusCode: http.StatusTooManyRequests}, http.StatusServiceUnavailable},
		"away":      {&resource.Error{StatusCode: http.StatusBadGateway}, http.StatusServiceUnavailable},
		"late":      {context.DeadlineExceeded, http.StatusServiceUnavailable},
	} {
		c := newClient(t, login.Config{Factors: failing{x.err}})
		require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
		w := c.open("/payout")
		assert.Equal(t, x.want, w.Code, name)
		assert.Equal(t, x.want == http.StatusServiceUnavailable, w.Header().Get("Retry-After") != "", name)

		c = newClient(t, login.Config{Factors: failing{x.err}, OnLogin: func(http.ResponseWriter, *http.Request, *login.Identity) error { return login.ErrMFARequired }})
		assert.Equal(t, x.want, c.back(c.begin("/auth/login")).Code, name)
	}
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

// TestPagesToComeBackTo: whatever is asked for, the browser stays on this site.
func TestPagesToComeBackTo(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/a?b=/c&d=//e": "/a?b=/c&d=//e", "/@evil.example": "/@evil.example", "/a%2F..%2Fb": "/a%2F..%2Fb", "/ä": "/%c3%a4", "/a\xff": "",
		"/.//evil.example": "", "/..//evil.example": "", "/a/..//evil.example": "", "/a//evil.example": "", "/;//evil.example": "",
		"//evil.example": "/", `/\evil.example`: "/", "/%2f%2fevil.example": "/", "/%2F/evil.example": "/", "/%5cevil.example": "/",
		"/\tevil.example": "/", "/\r\nSet-Cookie: a=b": "/", "\\/evil.example": "/", "https:evil.example": "/", "///evil.example": "/",
		"/" + strings.Repeat("a", 1000): "/", "/\x7f": "/", "/%zz": "/", "evil.example": "/", "?x": "/", "/auth/login?to=/auth/login": "/",
	} {
		c := newClient(t, login.Config{})
		got := c.back(c.begin("/auth/login?" + url.Values{"to": {to}}.Encode())).Header().Get("Location")
		if want != "" {
			assert.Equal(t, want, got, "%q", to)
		}
		assert.Regexp(t, `^/([^/\\].*)?$`, got, "%q", to)
	}
}
