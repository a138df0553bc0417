package session_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
)

// site is a small application behind the middleware, with TLS, as in production.
type site struct {
	*setup
	http   *session.HTTP
	server *httptest.Server
	log    *audit.Memory
}

func newSite(t *testing.T, cfg session.HTTPConfig) *site {
	t.Helper()
	log := audit.NewMemory()
	s := &site{setup: newSetup(t, session.Config{Recorder: log}), log: log}
	s.http = newHTTP(t, s.Manager, cfg)
	s.serve(t)
	return s
}

func newHTTP(t *testing.T, m *session.Manager, cfg session.HTTPConfig) *session.HTTP {
	t.Helper()
	h, err := session.NewHTTP(m, cfg)
	require.NoError(t, err)
	return h
}

func (s *site) serve(t *testing.T) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("POST /login", s.http.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current, err := s.http.Login(w, r, session.Login{UserID: r.URL.Query().Get("user"), SID: "sid", OrgID: "org_1", AuthTime: s.clock.Now(), AMR: []string{"pwd"}})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, current.CSRFToken())
	})))
	mux.Handle("/me", s.http.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current, _ := session.FromContext(r.Context())
		fmt.Fprint(w, current.UserID, " ", r.PostFormValue("note"))
	})))
	mux.Handle("/public", s.http.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, ok := session.FromContext(r.Context())
		fmt.Fprint(w, ok)
	})))
	mux.Handle("POST /step-up", s.http.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.http.StepUp(w, r, s.clock.Now(), "otp"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})))
	mux.Handle("POST /logout", s.http.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.http.Logout(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})))
	s.server = httptest.NewTLSServer(mux)
	t.Cleanup(s.server.Close)
}

// browser has one cookie and one CSRF token.
type browser struct {
	t      *testing.T
	site   *site
	cookie *http.Cookie
	csrf   string
	header http.Header // of the next requests
}

func (s *site) browser(t *testing.T) *browser {
	return &browser{t: t, site: s, header: http.Header{}}
}

func (b *browser) do(method, path string, form url.Values) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.site.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range b.header {
		req.Header[name] = values
	}
	if b.cookie != nil {
		req.AddCookie(&http.Cookie{Name: b.cookie.Name, Value: b.cookie.Value})
	}
	resp, err := b.site.server.Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if cookies := resp.Cookies(); len(cookies) > 1 {
		b.t.Fatalf("%d cookies are set", len(cookies))
	} else if len(cookies) == 1 {
		b.cookie = cookies[0]
	}
	return resp, string(body)
}

func (b *browser) login(user string) {
	b.t.Helper()
	b.header.Set(session.CSRFHeader, b.csrf)
	resp, body := b.do("POST", "/login?user="+user, nil)
	if resp.StatusCode != http.StatusOK || b.cookie == nil {
		b.t.Fatalf("login: %s %s", resp.Status, body)
	}
	b.csrf = body
	b.header.Del(session.CSRFHeader)
}

func (b *browser) want(method, path string, form url.Values, status int) (*http.Response, string) {
	b.t.Helper()
	resp, body := b.do(method, path, form)
	if resp.StatusCode != status {
		b.t.Fatalf("%s %s = %s %s, want %d", method, path, resp.Status, body, status)
	}
	return resp, body
}

// TestCookie: ASVS 3.3 and NIST 5.1.1: the attributes of the cookie, and that it
// is no timeout and has no personal data.
func TestCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	resp, _ := b.want("POST", "/login?user=alice", nil, http.StatusOK)
	c := b.cookie
	if c.Name != "__Host-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie = %s", c.Raw)
	}
	if c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("the cookie outlives the browser's session: %s", c.Raw)
	}
	if len(c.Name)+len(c.Value) > 4096 || strings.Contains(c.Value, "alice") {
		t.Errorf("cookie = %s", c.Raw)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	if resp.Header.Get("Vary") != "Cookie" {
		t.Errorf("Vary = %q", resp.Header.Get("Vary"))
	}
	if _, body := b.want("GET", "/me", nil, http.StatusOK); strings.TrimSpace(body) != "alice" {
		t.Errorf("GET /me = %q", body)
	}
}

func TestCookieConfig(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{Name: "app", SameSite: http.SameSiteStrictMode, AllowInsecureCookie: true})
	b := s.browser(t)
	b.login("alice")
	if c := b.cookie; c.Name != "app" || c.Secure || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie = %s", c.Raw)
	}
	for field, cfg := range map[string]session.HTTPConfig{
		"Name": {Name: "a b"}, "Name ": {Name: "a;"}, "SameSite": {SameSite: http.SameSiteNoneMode},
		"Timeout": {Timeout: -1}, "RenewEvery": {RenewEvery: -1},
	} {
		h, err := session.NewHTTP(s.Manager, cfg)
		assert.Nil(t, h)
		assert.ErrorContains(t, err, "session: HTTPConfig."+field)
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	b.want("GET", "/me", nil, http.StatusUnauthorized)
	if _, body := b.want("GET", "/public", nil, http.StatusOK); body != "false" {
		t.Fatal("there is a session without a cookie")
	}
	b.cookie = &http.Cookie{Name: "__Host-session", Value: "nonsense"}
	resp, _ := b.want("GET", "/public", nil, http.StatusOK)
	if cookies := resp.Cookies(); len(cookies) > 0 {
		t.Fatal("an answer to an old request takes away what may be a newer cookie")
	}
	b.login("alice")
	b.header.Add("Cookie", "__Host-session=planted")
	b.want("GET", "/me", nil, http.StatusUnauthorized) // two cookies of the name
}

// TestLoginReplaces: 7.2.4: a login ends the session that the request came with,
// and gives a new token.
func TestLoginReplaces(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	b.login("alice")
	planted := *b.cookie
	b.login("bob")
	if b.cookie.Value == planted.Value {
		t.Fatal("the token is the same")
	}
	if _, body := b.want("GET", "/me", nil, http.StatusOK); strings.TrimSpace(body) != "bob" {
		t.Fatalf("GET /me = %q", body)
	}
	b.cookie = &planted
	b.want("GET", "/me", nil, http.StatusConflict) // only late, for all that is known
	s.clock.Advance(10 * time.Second)
	b.want("GET", "/me", nil, http.StatusUnauthorized)
}

// TestLoginThatFails: the session before it has ended and none has come in its place, so
// the browser is nobody's, and not a moment too late.
func TestLoginThatFails(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"session.create", "session.revoke"} {
		log := &brokenLog{}
		s := &site{setup: newSetup(t, session.Config{Recorder: log})}
		s.http = newHTTP(t, s.Manager, session.HTTPConfig{})
		s.serve(t)
		b := s.browser(t)
		b.login("alice")
		before := *b.cookie
		log.actions = []string{fails}
		b.header.Set(session.CSRFHeader, b.csrf)
		b.want("POST", "/login?user=alice", nil, http.StatusInternalServerError)
		require.Negative(t, b.cookie.MaxAge, fails)
		b.cookie = &before
		b.want("POST", "/login?user=alice", nil, http.StatusConflict) // it is late, and ends nothing
		require.Equal(t, &before, b.cookie)
		b.cookie = nil
		if fails == "session.create" { // and so does one without a session before
			b.want("POST", "/login?user=alice", nil, http.StatusInternalServerError)
			require.Nil(t, b.cookie)
		}
		log.actions = nil
		b.login("alice")
		b.want("GET", "/me", nil, http.StatusOK)
	}
}

func TestHTTPStepUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	b.login("alice")
	before := *b.cookie
	b.header.Set(session.CSRFHeader, b.csrf)
	b.want("POST", "/step-up", nil, http.StatusOK)
	b.want("GET", "/me", nil, http.StatusOK)
	b.want("POST", "/me", nil, http.StatusForbidden) // the CSRF token of before
	b.cookie = &before
	b.want("GET", "/me", nil, http.StatusConflict)
	s.clock.Advance(10 * time.Second)
	b.want("GET", "/me", nil, http.StatusUnauthorized)
}

// TestLogout: 7.4.1, and what the OWASP cheat sheet asks of the answer, but for all
// cookies: Auth0's at a custom domain of the same site is needed by its logout.
func TestLogout(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	b.login("alice")
	before := *b.cookie
	resp, _ := b.want("POST", "/logout", url.Values{session.CSRFField: {b.csrf}}, http.StatusOK)
	if got := resp.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data = %q", got)
	}
	if b.cookie.MaxAge >= 0 || b.cookie.Value != "" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("cookie = %s", b.cookie.Raw)
	}
	b.cookie = &before
	b.want("GET", "/me", nil, http.StatusUnauthorized)
}

// TestLogoutFromElsewhere: a form on another site brings no cookie (SameSite), so
// there is no session to protect, and the answer must not take the cookie away.
func TestLogoutFromElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	b := s.browser(t)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	resp, _ := b.want("POST", "/logout", url.Values{}, http.StatusOK)
	assert.Empty(t, resp.Cookies())
	assert.Empty(t, resp.Header.Get("Clear-Site-Data"))

	b = s.browser(t)
	b.cookie = &http.Cookie{Name: "__Host-session", Value: "of a session that has ended"}
	resp, _ = b.want("POST", "/logout", url.Values{}, http.StatusOK)
	require.Len(t, resp.Cookies(), 1)
	assert.Negative(t, resp.Cookies()[0].MaxAge)
	assert.NotEmpty(t, resp.Header.Get("Clear-Site-Data"))
}

func TestHTTPRenew(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{RenewEvery: 10 * time.Minute})
	b := s.browser(t)
	b.login("alice")
	old := *b.cookie
	s.clock.Advance(9 * time.Minute)
	b.want("GET", "/me", nil, http.StatusOK)
	if b.cookie.Value != old.Value {
		t.Fatal("renewed too early")
	}
	s.clock.Advance(time.Minute)
	b.want("POST", "/me", url.Values{session.CSRFField: {b.csrf}}, http.StatusOK)
	if b.cookie.Value == old.Value {
		t.Fatal("not renewed")
	}
	parallel := s.browser(t)
	parallel.cookie = &old
	resp, _ := parallel.want("GET", "/me", nil, http.StatusOK) // in its grace
	if len(resp.Cookies()) > 0 {
		t.Fatal("a parallel request overwrites the new cookie")
	}
	s.clock.Advance(10 * time.Second)
	parallel.want("GET", "/me", nil, http.StatusConflict)
	s.clock.Advance(10 * time.Second)
	parallel.want("GET", "/me", nil, http.StatusUnauthorized)
	b.want("POST", "/me", url.Values{session.CSRFField: {b.csrf}}, http.StatusOK) // the pages' CSRF token lives on
}

// TestOrigin: events of a request know who, for which organization, and from where.
func TestOrigin(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{ClientIP: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.9") }})
	b := s.browser(t)
	b.header.Set("User-Agent", "Firefox")
	b.login("alice")
	b.want("POST", "/logout", url.Values{session.CSRFField: {b.csrf}}, http.StatusOK)
	for _, e := range s.log.Events() {
		if e.Actor != (audit.Ref{Kind: "user", ID: "alice"}) || e.Organization != "org_1" || e.IP != "192.0.2.9" || e.UserAgent != "Firefox" {
			t.Errorf("%s: actor %v, organization %q, IP %q, user agent %q", e.Action, e.Actor, e.Organization, e.IP, e.UserAgent)
		}
	}
}

// TestClientIP: without a named header a client's address is not known.
func TestClientIP(t *testing.T) {
	t.Parallel()
	behind, err := session.Behind("X-Forwarded-For", netip.MustParsePrefix("127.0.0.0/8"))
	require.NoError(t, err)
	for want, read := range map[string]func(*http.Request) netip.Addr{"": nil, "127.0.0.1": session.Direct, "192.0.2.1": behind} {
		s := newSite(t, session.HTTPConfig{ClientIP: read})
		b := s.browser(t)
		b.header.Set("X-Forwarded-For", "6.6.6.6, 192.0.2.1")
		b.login("alice")
		list, err := s.List(t.Context(), "alice")
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, want, list[0].Device.IP)
		assert.Equal(t, want, s.log.Events()[0].IP)
	}
	_, err = session.Behind("X-Forwarded-For")
	assert.ErrorContains(t, err, "session: Behind: trusted is empty")
}

// TestDevices: 7.5.2: users see where they are signed in.
func TestDevices(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{ClientIP: session.Direct})
	b := s.browser(t)
	b.header.Set("User-Agent", "Firefox\t "+strings.Repeat("x", 600))
	b.login("alice")
	list, err := s.List(t.Context(), "alice")
	if err != nil || len(list) != 1 || list[0].Device.IP != "127.0.0.1" || len(list[0].Device.UserAgent) != 512 ||
		!strings.HasPrefix(list[0].Device.UserAgent, "Firefox") || list[0].LastSeen.IsZero() {
		t.Fatalf("List = %+v, %v", list, err)
	}
	b.want("GET", "/me", nil, http.StatusOK)
	if err := s.RevokeID(t.Context(), "alice", list[0].ID); err != nil {
		t.Fatal(err)
	}
	b.want("GET", "/me", nil, http.StatusUnauthorized)
}

// TestWriterIsPassedThrough: streaming and hijacking work behind the middleware.
func TestWriterIsPassedThrough(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	server := httptest.NewServer(s.http.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/flush" {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "hijacked\n")
	})))
	defer server.Close()
	resp, err := http.Get(server.URL + "/flush")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hijacked\n" {
		t.Fatalf("%q, %v", line, err)
	}
}
