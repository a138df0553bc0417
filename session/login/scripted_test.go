package login_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

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
	if cfg.Factors == nil {
		cfg.Factors = yes{}
	}
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

// meanwhile lets something happen while a code is redeemed.
func (c *client) meanwhile(do func()) {
	c.auth0.token = func(url.Values) (int, map[string]any) {
		do()
		return http.StatusOK, c.auth0.tokens()
	}
}
