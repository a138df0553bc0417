package integration

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
	"github.com/auth0kit/auth0kit/session/login"
)

// TestRiskAtLogin: a login through Auth0 over TLS is held until a second factor is
// proved, which teaches the browser; from then on it goes on at once, and another
// browser, and one without an address, are held.
func TestRiskAtLogin(t *testing.T) {
	t.Parallel()
	detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{sealKey}, anomaly.Config{})
	require.NoError(t, err)
	engine, err := risk.New(detector, risk.Config{OnFirst: risk.MFARequired})
	require.NoError(t, err)
	address := netip.MustParseAddr("81.2.69.10")
	gate, err := riskhttp.New(engine, [][]byte{sealKey}, riskhttp.Config{
		AllowInsecureCookie: true, ClientIP: func(*http.Request) netip.Addr { return address },
	})
	require.NoError(t, err)
	a := newLoginApp(t, login.Config{OnLogin: func(w http.ResponseWriter, r *http.Request, id *login.Identity) error {
		err := gate.Check(w, r, riskhttp.Login{UserID: id.UserID, Email: id.Email, MFA: id.MFA})
		if errors.Is(err, risk.ErrChallenged) {
			return login.Hold("/verify")
		}
		return err
	}})
	a.mux.HandleFunc("GET /verify", func(w http.ResponseWriter, r *http.Request) {
		_, token := a.auth.Held().CSRF(r)
		_, _ = io.WriteString(w, token)
	})
	a.mux.HandleFunc("POST /verify", func(w http.ResponseWriter, r *http.Request) {
		if err := a.auth.Held().StepUp(w, r, time.Now(), "otp", "mfa"); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	prove := func(c *http.Client, held *http.Response) {
		t.Helper()
		require.Equal(t, "/verify", held.Request.URL.Path)
		back := held.Request.URL.Query().Get("to")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.server.URL+"/verify", nil)
		require.NoError(t, err)
		r.Header.Set("X-Csrf-Token", body(t, held))
		res, err := c.Do(r)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, body(t, res))
		assert.Contains(t, body(t, visit(t, c, a.server.URL+back)), a.ada)
	}

	c := a.browser(t)
	prove(c, a.signIn(t, c, "/account"))
	history, err := engine.History(t.Context(), a.ada)
	require.NoError(t, err)
	require.Len(t, history, 1)
	assert.Equal(t, "step_up_passed", history[0].Ended)

	// The next day in the same browser: sessions of both sides are gone.
	old := c.Jar
	c.Jar = devices(t, old, a.server.URL)
	assert.Contains(t, body(t, a.signIn(t, c, "/account")), a.ada, "at once")

	address = netip.Addr{}
	c.Jar = devices(t, old, a.server.URL)
	held := a.signIn(t, c, "/account")
	assert.Equal(t, "/verify", held.Request.URL.Path, "without an address")
	held.Body.Close()
}

// devices keeps the cookies by which a browser is known.
func devices(t *testing.T, old http.CookieJar, app string) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app, nil)
	require.NoError(t, err)
	for _, c := range old.Cookies(r.URL) {
		if len(c.Name) > 7 && c.Name[:7] == "device-" {
			c.Path = "/"
			jar.SetCookies(r.URL, []*http.Cookie{c})
		}
	}
	return jar
}
