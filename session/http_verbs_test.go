package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// call runs f behind Load, with the cookie of token and the CSRF token of its session.
func (s *site) call(t *testing.T, token session.Token, f http.HandlerFunc) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "https://app.example/x", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
	if current, err := s.Validate(t.Context(), token); err == nil {
		r.Header.Set(session.CSRFHeader, current.CSRFToken())
	}
	w := httptest.NewRecorder()
	s.http.Load(f).ServeHTTP(w, r)
	return w
}

// TestContextAfterVerbs: a page that is rendered after Login, StepUp and Logout
// shows the new state, and its CSRF token works.
func TestContextAfterVerbs(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	var csrf string
	w := s.call(t, "", func(w http.ResponseWriter, r *http.Request) {
		_, err := s.http.UserID(r)
		assert.ErrorIs(t, err, session.ErrNone)
		_, token := s.http.CSRF(r)
		assert.Empty(t, token)
		_, err = s.http.Login(w, r, session.Login{UserID: "ada", OrgID: "org_1", AMR: []string{"pwd"}, AuthTime: s.clock.Now()})
		assert.NoError(t, err)
		current, ok := session.FromContext(r.Context())
		assert.True(t, ok)
		assert.Equal(t, "org_1", current.OrgID)
		assert.NoError(t, s.http.StepUp(w, r, s.clock.Now(), "otp"))
		who, ok := authn.FromContext(r.Context())
		assert.True(t, ok)
		assert.Equal(t, "ada", who.Subject())
		assert.Equal(t, s.clock.Now(), who.AuthenticatedBy("otp"), "the middleware's context has the new factor")
		id, err := s.http.UserID(r)
		assert.NoError(t, err)
		assert.Equal(t, "ada", id)
		_, csrf = s.http.CSRF(r)
	})
	require.Len(t, w.Result().Cookies(), 1)
	token := session.Token(w.Result().Cookies()[0].Value)

	b := s.browser(t)
	b.cookie = w.Result().Cookies()[0]
	b.want("POST", "/me", url.Values{session.CSRFField: {csrf}}, http.StatusOK)

	s.call(t, token, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, s.http.Logout(w, r))
		_, ok := session.FromContext(r.Context())
		assert.False(t, ok)
		who, _ := authn.FromContext(r.Context())
		assert.Empty(t, who.Subject())
	})
}

// TestHTTPSessions: "my sessions" without the token: list, end one, all others, all.
func TestHTTPSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	login := func() session.Token {
		s.clock.Advance(time.Second)
		return s.login(t, session.Login{UserID: "ada"})
	}
	own, other, third := login(), login(), login()
	w := s.call(t, own, func(w http.ResponseWriter, r *http.Request) {
		list, err := s.http.Sessions(r)
		assert.NoError(t, err)
		assert.Len(t, list, 3)
		assert.NoError(t, s.http.RevokeID(w, r, list[1].ID))
		assert.ErrorIs(t, s.http.RevokeID(w, r, strings.Repeat("A", 26)), session.ErrNone)
		assert.NoError(t, s.http.RevokeOthers(w, r))
	})
	assert.Empty(t, w.Result().Cookies(), "its own session lives")
	wantInvalid(t, s.Manager, other, session.ErrRevoked)
	wantInvalid(t, s.Manager, third, session.ErrRevoked)

	w = s.call(t, own, func(w http.ResponseWriter, r *http.Request) {
		current, _ := session.FromContext(r.Context())
		assert.NoError(t, s.http.RevokeID(w, r, current.ID))
		assert.ErrorIs(t, s.http.RevokeOthers(w, r), session.ErrNone)
	})
	require.Len(t, w.Result().Cookies(), 1)
	assert.Negative(t, w.Result().Cookies()[0].MaxAge, "its own session is signed out")

	own, other = login(), login()
	w = s.call(t, own, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, s.http.RevokeUser(w, r))
		_, ok := session.FromContext(r.Context())
		assert.False(t, ok)
	})
	require.Len(t, w.Result().Cookies(), 1)
	wantInvalid(t, s.Manager, own, session.ErrRevoked)
	wantInvalid(t, s.Manager, other, session.ErrRevoked)

	s.call(t, "", func(w http.ResponseWriter, r *http.Request) {
		for _, err := range []error{
			s.http.RevokeID(w, r, "x"), s.http.RevokeOthers(w, r), s.http.RevokeUser(w, r),
			s.http.Update(r, func(p []byte) ([]byte, error) { return p, nil }),
		} {
			assert.ErrorIs(t, err, session.ErrNone)
		}
	})
}

// TestLoginPath: people are sent to the login, programs get 401, and nobody is sent
// to another site.
func TestLoginPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{LoginPath: "/auth/login"})
	assert.Equal(t, "/auth/login", s.http.LoginPath())
	for name, c := range map[string]struct {
		method, target string
		header         [2]string
		want           string
	}{
		"a page":              {"GET", "/a/b?c=1&d=%2F", [2]string{"Sec-Fetch-Mode", "navigate"}, "/auth/login?to=%2Fa%2Fb%3Fc%3D1%26d%3D%252F"},
		"an old browser":      {"GET", "/a", [2]string{"Accept", "text/html,*/*;q=0.8"}, "/auth/login?to=%2Fa"},
		"a form":              {"POST", "/a", [2]string{"Sec-Fetch-Mode", "navigate"}, "/auth/login"},
		"a script":            {"GET", "/a", [2]string{"Sec-Fetch-Mode", "cors"}, ""},
		"a program":           {"GET", "/a", [2]string{"Accept", "*/*"}, ""},
		"another site's name": {"GET", "//evil.example/x", [2]string{"Sec-Fetch-Mode", "navigate"}, "/auth/login?to=%2Fevil.example%2Fx"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, "https://app.example"+c.target, nil)
		r.Header.Set(c.header[0], c.header[1])
		w := httptest.NewRecorder()
		s.http.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		assert.Equal(t, c.want, w.Header().Get("Location"), name)
		if c.want == "" {
			assert.Equal(t, http.StatusUnauthorized, w.Code, name)
		} else {
			assert.Equal(t, http.StatusSeeOther, w.Code, name)
		}
	}
	for _, path := range []string{"auth", "//evil.example", "https://evil.example/", "/a?b", `/\evil.example`} {
		_, err := session.NewHTTP(s.Manager, session.HTTPConfig{LoginPath: path})
		assert.Error(t, err, path)
	}
}

// TestRender: a renderer gives the body and nothing else.
func TestRender(t *testing.T) {
	t.Parallel()
	var got []session.Refusal
	s := newSite(t, session.HTTPConfig{Render: func(_ *http.Request, x session.Refusal) (string, []byte) {
		got = append(got, x)
		return "application/problem+json", fmt.Appendf(nil, `{"reason":%q}`, x.Reason)
	}})
	w := httptest.NewRecorder()
	s.http.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	assert.Equal(t, `{"reason":"no_session"}`, w.Body.String())
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))

	w = httptest.NewRecorder()
	s.http.Refuse(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), session.Refusal{Err: errors.New("odd")})
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	require.Len(t, got, 2)
	assert.Equal(t, "failed", got[1].Reason)
}

// TestNewContext: handlers are tested without a Manager.
func TestNewContext(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Millisecond)
	ctx := session.NewContext(t.Context(), session.Login{UserID: "ada", AMR: []string{"mfa"}, AuthTime: at, Payload: []byte("p")})
	s, ok := session.FromContext(ctx)
	require.True(t, ok)
	assert.Equal(t, "ada", s.Subject())
	assert.Equal(t, "p", string(s.Payload))
	assert.Equal(t, at, s.AuthenticatedBy("mfa"))
	who, ok := authn.FromContext(ctx)
	require.True(t, ok)
	assert.Equal(t, at, who.AuthenticatedBy("mfa"))
}

// upload is a form with the parts in that order.
func upload(t *testing.T, parts ...[2]string) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		if p[0] == "file" {
			f, err := w.CreateFormFile("file", "a.bin")
			require.NoError(t, err)
			_, err = io.WriteString(f, p[1])
			require.NoError(t, err)
			continue
		}
		require.NoError(t, w.WriteField(p[0], p[1]))
	}
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

// TestMultipart: forms with files carry the token, files of any size reach the
// handler as they were sent, and a token that is not found is said.
func TestMultipart(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	token := s.login(t, session.Login{UserID: "ada"})
	csrf := wantValid(t, s.Manager, token).CSRFToken()
	big := strings.Repeat("x", 3<<20)
	for name, c := range map[string]struct {
		parts [][2]string
		code  int
		hint  string
	}{
		"before a big file":     {[][2]string{{"a", "1"}, {session.CSRFField, csrf}, {"file", big}}, 200, ""},
		"after a small file":    {[][2]string{{"file", "small"}, {session.CSRFField, csrf}}, 200, ""},
		"after a big file":      {[][2]string{{"file", big}, {session.CSRFField, csrf}}, 403, "first MiB"},
		"none":                  {[][2]string{{"a", "1"}}, 403, "no valid csrf_token"},
		"another one":           {[][2]string{{session.CSRFField, "wrong"}}, 403, "no valid csrf_token"},
		"an endless one":        {[][2]string{{session.CSRFField, big}}, 403, "no valid csrf_token"},
		"a form that is no end": {[][2]string{}, 403, "no valid csrf_token"},
	} {
		body, contentType := upload(t, c.parts...)
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
		w := httptest.NewRecorder()
		s.http.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			assert.NoError(t, err, name)
			assert.True(t, bytes.Equal(body, got), "%s: the handler gets another body", name)
		})).ServeHTTP(w, r)
		assert.Equal(t, c.code, w.Code, name)
		assert.Contains(t, w.Body.String(), c.hint, name)
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader("a="+big))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
	w := httptest.NewRecorder()
	s.http.Require(http.NotFoundHandler()).ServeHTTP(w, r)
	assert.Equal(t, http.StatusForbidden, w.Code)
	assert.Contains(t, w.Body.String(), "first MiB")
}

// TestUpgrade: a WebSocket of another site is not opened with the user's cookie.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	token := s.login(t, session.Login{UserID: "ada"})
	for origin, want := range map[string]int{"https://app.example": 204, "https://evil.example": 403, "": 204} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "https://app.example/ws", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		s.http.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "GET", r.Method)
			w.WriteHeader(204)
		})).ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, origin)
	}
}

// TestBadLoginEndsNothing: a login that cannot be leaves the session before it alone,
// and one that is refused at the limit says so.
func TestBadLoginEndsNothing(t *testing.T) {
	t.Parallel()
	s := &site{setup: newSetup(t, session.Config{MaxPerUser: 1, AtLimit: session.Reject})}
	s.http = newHTTP(t, s.Manager, session.HTTPConfig{})
	own := s.login(t, session.Login{UserID: "ada"})
	for _, bad := range []session.Login{
		{}, {UserID: "ada", SID: "a\x00b"}, {UserID: "ada", Payload: []byte("no key seals it")},
		{UserID: "ada", AuthTime: s.clock.Now().Add(time.Hour)}, {UserID: "ada", NotAfter: s.clock.Now()},
	} {
		w := s.call(t, own, func(w http.ResponseWriter, r *http.Request) {
			_, err := s.http.Login(w, r, bad)
			assert.Error(t, err)
		})
		assert.Empty(t, w.Result().Cookies())
		wantValid(t, s.Manager, own)
	}
	w := s.call(t, "", func(w http.ResponseWriter, r *http.Request) {
		_, err := s.http.Login(w, r, session.Login{UserID: "ada", AuthTime: s.clock.Now()})
		assert.ErrorIs(t, err, session.ErrLimit)
		s.http.Refuse(w, r, session.Refusal{Err: err})
	})
	assert.Equal(t, http.StatusForbidden, w.Code)
}

// TestLoadInLoad: the inner one has no opinion of its own.
func TestLoadInLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{ClientIP: func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") }})
	w := s.call(t, s.login(t, session.Login{UserID: "ada"}), func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, s.http.Logout(w, r))
		s.http.Load(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, ok := session.FromContext(r.Context())
			assert.False(t, ok)
			assert.Equal(t, netip.MustParseAddr("192.0.2.1"), s.http.ClientIP(r))
		})).ServeHTTP(w, r)
	})
	assert.Equal(t, []string{"Cookie"}, w.Header().Values("Vary"))
}

// TestLoadInLoadOfAnother: who has a session in the area for users has none in the one
// for staff, which has a Manager and a cookie of its own, inside the first or not.
func TestLoadInLoadOfAnother(t *testing.T) {
	t.Parallel()
	users, staff := newSite(t, session.HTTPConfig{}), newSite(t, session.HTTPConfig{Name: "staff"})
	same := newHTTP(t, users.Manager, session.HTTPConfig{LoginPath: "/login"})
	ada, boss := users.login(t, session.Login{UserID: "ada"}), staff.login(t, session.Login{UserID: "boss"})
	nobody := func(http.ResponseWriter, *http.Request) { t.Error("a user is staff") }
	w := users.call(t, ada, func(w http.ResponseWriter, r *http.Request) {
		_, err := staff.http.UserID(r)
		assert.ErrorIs(t, err, session.ErrNone)
		staff.http.Require(http.HandlerFunc(nobody)).ServeHTTP(w, r)
		id, err := same.UserID(r)
		assert.NoError(t, err)
		assert.Equal(t, "ada", id)
	})
	assert.Equal(t, http.StatusUnauthorized, w.Code)

	w = users.call(t, ada, func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Method = "GET"
		r.AddCookie(&http.Cookie{Name: "__Host-staff", Value: string(boss)})
		staff.http.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			current, _ := session.FromContext(r.Context())
			assert.Equal(t, "boss", current.UserID)
			id, err := users.http.UserID(r)
			assert.NoError(t, err)
			assert.Equal(t, "ada", id)
			assert.NoError(t, users.http.Logout(w, r))
			_, ok := session.FromContext(r.Context())
			assert.True(t, ok)
		})).ServeHTTP(w, r)
	})
	assert.Equal(t, http.StatusOK, w.Code)
	wantInvalid(t, users.Manager, ada, session.ErrRevoked)
	wantValid(t, staff.Manager, boss)
}

// TestUnknownAuthTime: a login of which nobody says when the user authenticated is
// never fresh, and a revocation that concerns it refuses it.
func TestUnknownAuthTime(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	create := func(l session.Login) (*session.Session, error) {
		l.UserID, l.AMR = "ada", []string{"pwd", "mfa"}
		_, s, err := m.Create(t.Context(), l)
		return s, err
	}
	s, err := create(session.Login{})
	require.NoError(t, err)
	assert.ErrorIs(t, m.Fresh(s, time.Hour), session.ErrNotFresh)
	assert.ErrorIs(t, m.Fresh(s, 10000*time.Hour, "mfa"), session.ErrNotFresh)
	assert.ErrorIs(t, m.Fresh(s, 1<<63-1, "mfa"), session.ErrNotFresh)
	assert.Zero(t, s.AuthenticatedBy("mfa"))
	require.NoError(t, m.RevokeUser(t.Context(), "ada"))
	_, err = create(session.Login{})
	assert.ErrorIs(t, err, session.ErrRevoked)
	m.clock.Advance(time.Minute)
	s, err = create(session.Login{AuthTime: m.clock.Now()})
	require.NoError(t, err)
	assert.NoError(t, m.Fresh(s, time.Minute, "mfa"))
}

// TestStepUpTakesTheTimeOfTheFactor: nine and a half minutes old at the callback is
// not fresh for ten minutes more.
func TestStepUpTakesTheTimeOfTheFactor(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "ada", AMR: []string{"pwd"}})
	at := m.clock.Now()
	m.clock.Advance(9*time.Minute + 30*time.Second)
	token, err := m.StepUp(t.Context(), token, at, "mfa")
	require.NoError(t, err)
	s := wantValid(t, m.Manager, token)
	assert.Equal(t, at, s.AuthenticatedBy("mfa"))
	m.clock.Advance(31 * time.Second)
	assert.ErrorIs(t, m.Fresh(s, 10*time.Minute, "mfa"), session.ErrNotFresh)
	for _, bad := range []time.Time{{}, m.clock.Now().Add(2 * time.Minute)} {
		_, err := m.StepUp(t.Context(), token, bad, "mfa")
		assert.ErrorContains(t, err, "session: StepUp needs the time")
	}
	wantValid(t, m.Manager, token)
	younger, err := m.StepUp(t.Context(), token, m.clock.Now(), "mfa")
	require.NoError(t, err)
	again, err := m.StepUp(t.Context(), younger, at, "mfa") // an older proof makes nothing older
	require.NoError(t, err)
	assert.Equal(t, m.clock.Now(), wantValid(t, m.Manager, again).AuthenticatedBy("mfa"))
}

var _ interface {
	Subject() string
	AuthenticatedBy(string) time.Time
} = (*session.Session)(nil)

// TestUseTokens: of parallel requests one renews, the others wait, and the payload
// of the application is its own.
func TestUseTokens(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{Keys: [][]byte{newKey}})
	token := m.login(t, session.Login{UserID: "ada", Payload: []byte("p"), Tokens: []byte("old")})
	fresh := func(tokens []byte) bool { return string(tokens) == "new" }
	calls := make(chan string, 100)
	renew := func(_ context.Context, tokens []byte) ([]byte, error) {
		calls <- string(tokens)
		time.Sleep(10 * time.Millisecond)
		return []byte("new"), nil
	}
	results := make(chan error, 64)
	for range 64 {
		go func() {
			tokens, err := m.UseTokens(t.Context(), token, fresh, renew)
			if err == nil && string(tokens) != "new" {
				err = fmt.Errorf("tokens = %q", tokens)
			}
			results <- err
		}()
	}
	for range 64 {
		require.NoError(t, <-results)
	}
	require.Len(t, calls, 1)
	assert.Equal(t, "old", <-calls)
	require.NoError(t, m.Update(t.Context(), token, func(p []byte) ([]byte, error) { return append(p, 'q'), nil }))
	assert.Equal(t, "pq", string(wantValid(t, m.Manager, token).Payload))
	tokens, err := m.UseTokens(t.Context(), token, fresh, renew)
	require.NoError(t, err)
	assert.Equal(t, "new", string(tokens), "Update leaves them")

	failed := errors.New("failed")
	_, err = m.UseTokens(t.Context(), token, func([]byte) bool { return false }, func(context.Context, []byte) ([]byte, error) {
		return nil, failed
	})
	assert.ErrorIs(t, err, failed)
	tokens, err = m.UseTokens(t.Context(), token, fresh, renew)
	require.NoError(t, err)
	assert.Equal(t, "new", string(tokens), "a failure ends the lease and keeps what was there")
	require.NoError(t, m.Revoke(t.Context(), token))
	_, err = m.UseTokens(t.Context(), token, fresh, renew)
	assert.ErrorIs(t, err, session.ErrRevoked)
}

// looks notes whether a store was asked for an answer that is not out of a cache.
type looks struct {
	driver.Store
	fresh []bool
}

func (l *looks) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	l.fresh = append(l.fresh, t.Fresh)
	return l.Store.Load(ctx, k, t)
}

// TestChangesAreNotJudgedByACache: a request that may change something is not let in,
// nor is its second factor believed, by what a store's cache has.
func TestChangesAreNotJudgedByACache(t *testing.T) {
	t.Parallel()
	store := &looks{Store: session.NewMemory()}
	m, err := session.New(store, session.Config{})
	require.NoError(t, err)
	h, err := session.NewHTTP(m, session.HTTPConfig{})
	require.NoError(t, err)
	token, _, err := m.Create(t.Context(), session.Login{UserID: "ada"})
	require.NoError(t, err)
	for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://app.example/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
		h.Load(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	}
	assert.Equal(t, []bool{false, false, true, true}, store.fresh)
}

// TestOnRefuse: what the middleware refuses is told with its reason, once each.
func TestOnRefuse(t *testing.T) {
	t.Parallel()
	var told []session.Refusal
	s := newSite(t, session.HTTPConfig{LoginPath: "/auth/login", OnRefuse: func(ctx context.Context, x session.Refusal) {
		assert.Same(t, t.Context(), ctx)
		told = append(told, x)
	}})
	refuse := func(x session.Refusal) {
		s.http.Refuse(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), x)
	}
	refuse(session.Refusal{Err: session.ErrRevoked})
	refuse(session.Refusal{Status: http.StatusForbidden, Reason: "forged"})
	refuse(session.Refusal{Err: errors.New("odd")})
	require.Len(t, told, 3)
	assert.Equal(t, []string{"revoked", "forged", "failed"}, []string{told[0].Reason, told[1].Reason, told[2].Reason})
	assert.Equal(t, []int{401, 403, 500}, []int{told[0].Status, told[1].Status, told[2].Status})
}
