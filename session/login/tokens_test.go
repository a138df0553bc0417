package login_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/session/login"
)

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

// TestTransport sends the token and no cookie, and follows no redirect that leads away
// from the API.
func TestTransport(t *testing.T) {
	t.Parallel()
	c := newClient(t, login.Config{Audience: "https://api.example.com"})
	var seen []string
	next := roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("Cookie"))
		w := httptest.NewRecorder()
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
		return w.Result(), nil
	})
	tr, err := c.auth.Transport("https://api.example.com", "https://api.example.com/v1", next)
	require.NoError(t, err)
	var status int
	var failed error
	c.mux.Handle("GET /proxy", c.web.Load(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		to, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://api.example.com/v1/a?"+r.URL.RawQuery, nil)
		require.NoError(t, err)
		to.Header.Set("Cookie", "__Host-session=secret")
		to.Header.Set("Authorization", "Basic x")
		res, err := (&http.Client{Transport: tr}).Do(to)
		if status, failed = 0, err; err == nil {
			status = res.StatusCode
			_ = res.Body.Close()
		}
	})))
	c.open("/proxy")
	assert.Equal(t, http.StatusUnauthorized, status, "nobody is signed in")
	assert.Empty(t, seen)
	require.Equal(t, http.StatusSeeOther, c.back(c.begin("/auth/login")).Code)
	c.open("/proxy")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, []string{"/v1/a Bearer at"}, seen)
	c.open("/proxy?to=/v1/b")
	assert.Equal(t, []string{"/v1/a Bearer at", "/v1/a Bearer at", "/v1/b Bearer at"}, seen)
	for _, away := range []string{"https://evil.example/v1/b", "//evil.example/v1/b", "http://api.example.com/v1/b", "/admin", "https://x:y@api.example.com/v1/b"} {
		seen = nil
		c.open("/proxy?" + url.Values{"to": {away}}.Encode())
		assert.ErrorContains(t, failed, "leaves the address", away)
		assert.Len(t, seen, 1, away)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
