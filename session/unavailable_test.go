package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// TestUnavailable: an error of the store that is no answer is no yes.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	m, err := session.New(brokenStore{broken}, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	good := newSetup(t, session.Config{}).login(t, session.Login{UserID: "u"})
	_, _, create := m.Create(t.Context(), session.Login{UserID: "u"})
	_, validate := m.Validate(t.Context(), good)
	_, renew := m.Renew(t.Context(), good)
	_, list := m.List(t.Context(), "u")
	for verb, err := range map[string]error{
		"Create": create, "Validate": validate, "Renew": renew, "List": list,
		"Revoke": m.Revoke(t.Context(), good), "RevokeUser": m.RevokeUser(t.Context(), "u"),
		"RevokeOthers": m.RevokeOthers(t.Context(), good), "RevokeEveryone": m.RevokeEveryone(t.Context()),
	} {
		if !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, broken) {
			t.Errorf("%s = %v, want ErrUnavailable and why", verb, err)
		}
	}
}

type brokenStore struct{ err error }

func (s brokenStore) Create(context.Context, driver.Record, driver.Limit) ([]driver.Ended, error) {
	return nil, s.err
}
func (s brokenStore) Load(context.Context, driver.Key, driver.Touch) (driver.Record, error) {
	return driver.Record{}, s.err
}
func (s brokenStore) Replace(context.Context, driver.Key, driver.Record, driver.Grace) error {
	return s.err
}
func (s brokenStore) Delete(context.Context, driver.Selector) ([]driver.Ended, error) {
	return nil, s.err
}
func (s brokenStore) Forget(context.Context, string) error { return s.err }
func (s brokenStore) List(context.Context, string, time.Time) ([]driver.Record, error) {
	return nil, s.err
}

// TestStaleReads: reads may go on for a while without the store, if asked for.
func TestStaleReads(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	flaky := &flakyStore{Store: m.store}
	stale, err := session.New(flaky, session.Config{Now: m.clock.Now, AllowStaleReads: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	token, other := m.login(t, session.Login{UserID: "u"}), m.login(t, session.Login{UserID: "u"})
	wantValid(t, stale, token)
	wantValid(t, stale, other)
	flaky.down = true
	wantInvalid(t, stale, token, session.ErrUnavailable) // no read
	read := session.Reading(t.Context())
	s, err := stale.Validate(read, token)
	if err != nil || !s.Stale || s.UserID != "u" {
		t.Fatalf("Validate = %+v, %v", s, err)
	}
	wantErr(t, "Fresh", stale.Fresh(s, time.Hour), session.ErrNotFresh)
	wantErr(t, "Revoke", stale.RevokeID(t.Context(), "u", s.ID), session.ErrUnavailable)
	_, err = stale.Validate(read, token)
	wantErr(t, "Validate after a Revoke that did not get through", err, session.ErrUnavailable)
	m.clock.Advance(time.Minute + time.Millisecond)
	_, err = stale.Validate(read, other)
	wantErr(t, "Validate after AllowStaleReads", err, session.ErrUnavailable)
}

type flakyStore struct {
	driver.Store
	down bool
}

func (s *flakyStore) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	if s.down {
		return driver.Record{}, errors.New("no route to host")
	}
	return s.Store.Load(ctx, k, t)
}

func (s *flakyStore) Delete(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	if s.down {
		return nil, errors.New("no route to host")
	}
	return s.Store.Delete(ctx, sel)
}

// TestStaleSessionProvesNothing: while the store does not answer, another process may
// have ended the session, so that what it knows of factors is not to be relied on:
// by the session, by the Manager and by who reads the context.
func TestStaleSessionProvesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	flaky := &flakyStore{Store: s.store}
	m, err := session.New(flaky, session.Config{Now: s.clock.Now, AllowStaleReads: time.Minute})
	require.NoError(t, err)
	token, _, err := m.Create(t.Context(), session.Login{UserID: "ada", AuthTime: s.clock.Now(), AMR: []string{"pwd", "mfa"}})
	require.NoError(t, err)
	h := newHTTP(t, m, session.HTTPConfig{})
	for _, stale := range []bool{false, true} {
		flaky.down = stale
		handled := false
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
		h.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			handled = true
			now, _ := session.FromContext(r.Context())
			at, amr := now.Authentication()
			known, ok := authn.FromContext(r.Context())
			assert.True(t, ok)
			assert.Equal(t, "ada", known.Subject())
			assert.Equal(t, stale, now.Stale)
			assert.Equal(t, stale, at.IsZero())
			assert.Len(t, amr, 2)
			for _, method := range []string{"pwd", "mfa"} {
				assert.Equal(t, stale, now.AuthenticatedBy(method).IsZero())
				assert.Equal(t, stale, known.AuthenticatedBy(method).IsZero())
			}
			assert.Equal(t, stale, errors.Is(m.Fresh(now, time.Hour), session.ErrNotFresh))
			assert.Equal(t, stale, errors.Is(m.Fresh(now, time.Hour, "mfa"), session.ErrNotFresh))
		})).ServeHTTP(httptest.NewRecorder(), r)
		assert.True(t, handled)
	}
}

// TestStoreDown: fails closed, keeps the cookie, and says 503, not 401.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.HTTPConfig{})
	flaky := &flakyStore{Store: s.store}
	m, err := session.New(flaky, session.Config{Now: s.clock.Now, AllowStaleReads: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s.http = newHTTP(t, m, session.HTTPConfig{})
	s.serve(t)
	b, late := s.browser(t), s.browser(t)
	b.login("alice")
	late.login("bob")
	b.want("GET", "/me", nil, http.StatusOK)
	flaky.down = true
	b.want("GET", "/me", nil, http.StatusOK) // AllowStaleReads
	resp, _ := b.want("POST", "/me", url.Values{session.CSRFField: {b.csrf}}, http.StatusServiceUnavailable)
	if len(resp.Cookies()) > 0 || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("headers = %v", resp.Header)
	}
	late.want("GET", "/me", nil, http.StatusServiceUnavailable) // was never valid in this process
	if _, body := late.want("GET", "/public", nil, http.StatusOK); body != "false" {
		t.Fatal("an unknown session is one")
	}
	flaky.down = false
	b.want("GET", "/me", nil, http.StatusOK)
}

// TestLogoutWhileTheStoreIsDown: the cookie goes, and the error says the rest.
func TestLogoutWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	m, err := session.New(brokenStore{errors.New("down")}, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHTTP(t, m, session.HTTPConfig{})
	token := newSetup(t, session.Config{}).login(t, session.Login{UserID: "u"})
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), "POST", "/logout", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
	wantErr(t, "Logout", h.Logout(w, r), session.ErrUnavailable)
	if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
		t.Fatalf("cookies = %v", c)
	}
}

// TestStaleReadsForget: a Validate that was under way while the session was
// revoked leaves nothing that an outage could bring back.
func TestStaleReadsForget(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	held := &heldStore{flakyStore: flakyStore{Store: m.store}, loaded: make(chan struct{}), release: make(chan struct{})}
	stale, err := session.New(held, session.Config{Now: m.clock.Now, AllowStaleReads: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	token := m.login(t, session.Login{UserID: "u"})
	done := make(chan error)
	go func() { _, err := stale.Validate(t.Context(), token); done <- err }()
	<-held.loaded
	if err := stale.RevokeUser(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	close(held.release)
	if err := <-done; err != nil {
		t.Fatal(err) // it was answered before
	}
	held.down = true
	_, err = stale.Validate(session.Reading(t.Context()), token)
	wantErr(t, "Validate during an outage", err, session.ErrUnavailable)
}

// heldStore answers the first Load and holds the answer back.
type heldStore struct {
	flakyStore
	once            sync.Once
	loaded, release chan struct{}
}

func (s *heldStore) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	r, err := s.flakyStore.Load(ctx, k, t)
	s.once.Do(func() { close(s.loaded); <-s.release })
	return r, err
}
