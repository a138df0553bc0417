package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// cutoff notes what it is told.
type cutoff struct {
	told []string
	err  error
}

func (c *cutoff) RevokeSession(_ context.Context, sid string) error {
	c.told = append(c.told, "session "+sid)
	return c.err
}

func (c *cutoff) RevokeAccess(_ context.Context, userID string) error {
	c.told = append(c.told, "access "+userID)
	return c.err
}

// TestCutoff is told at once of whatever ends, by whomever.
func TestCutoff(t *testing.T) {
	t.Parallel()
	c, p := &cutoff{}, newProvider(t)
	m := newSetup(t, session.Config{Cutoff: c, MaxPerUser: 2})
	h := receiver(t, m.Manager, p, session.LogoutConfig{OtherProvider: true})
	login := func(sid string) session.Token {
		m.clock.Advance(time.Second)
		return m.login(t, session.Login{UserID: "auth0|1", SID: sid})
	}
	told := func(want ...string) {
		t.Helper()
		assert.Equal(t, want, c.told)
		c.told = nil
	}
	require.NoError(t, m.Revoke(t.Context(), login("s1")))
	told("session s1")
	login("s2")
	kept := login("s3")
	login("s4") // evicts s2
	told("session s2")
	m.clock.Advance(11 * time.Minute) // so that what has ended before is not told again
	require.NoError(t, m.RevokeOthers(t.Context(), kept))
	told("session s4")
	require.NoError(t, m.RevokeUser(t.Context(), "auth0|1"))
	told("access auth0|1")
	m.clock.Advance(time.Second)
	w := postToken(h, sign(t, "logout+jwt", p.claims(map[string]any{"sid": "s9", "iat": m.clock.Now().Unix(), "exp": m.clock.Now().Unix() + 120})))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	told("session s9")

	c.err = errors.New("away")
	token := login("s5")
	assert.ErrorIs(t, m.Revoke(t.Context(), token), session.ErrUnavailable)
	wantInvalid(t, m.Manager, token, session.ErrRevoked)
	c.err, c.told = nil, nil
	require.NoError(t, m.RevokeSID(t.Context(), "s5"))
	told("session s5")
}

// outbox is one that can be away.
type outbox struct {
	*session.Memory
	err error
}

func (o *outbox) Enqueue(ctx context.Context, j driver.Job) error {
	if o.err != nil {
		return o.err
	}
	return o.Memory.Enqueue(ctx, j)
}

// TestToldAgain: a Revoke verb that ended the session and could not tell of it tells
// when it is called again, in another process too, and not of what has come back.
func TestToldAgain(t *testing.T) {
	t.Parallel()
	type state struct {
		token, kept session.Token
		id          string
	}
	for name, verb := range map[string]func(m *session.Manager, s state) error{
		"Revoke":       func(m *session.Manager, s state) error { return m.Revoke(t.Context(), s.token) },
		"RevokeID":     func(m *session.Manager, s state) error { return m.RevokeID(t.Context(), "u", s.id) },
		"RevokeOthers": func(m *session.Manager, s state) error { return m.RevokeOthers(t.Context(), s.kept) },
		"RevokeUser":   func(m *session.Manager, _ state) error { return m.RevokeUser(t.Context(), "u") },
		"RevokeSID":    func(m *session.Manager, _ state) error { return m.RevokeSID(t.Context(), "s1") },
	} {
		for _, what := range []string{"cutoff", "outbox"} {
			log := &audit.Memory{}
			m := newSetup(t, session.Config{})
			c, box := &cutoff{}, &outbox{Memory: m.store}
			cfg := session.Config{Cutoff: c, Outbox: box, Revoker: c, Recorder: log}
			other := m.again(t, cfg)
			m.Manager = m.again(t, cfg)
			var s state
			s.kept = m.login(t, session.Login{UserID: "u", SID: "kept"})
			m.clock.Advance(time.Second)
			s.token = m.login(t, session.Login{UserID: "u", SID: "s1"})
			current, err := m.Validate(t.Context(), s.token)
			require.NoError(t, err)
			s.id = current.ID

			away := errors.New("away")
			if what == "cutoff" {
				c.err = away
			} else {
				box.err = away
			}
			require.ErrorIs(t, verb(m.Manager, s), session.ErrUnavailable, "%s, %s", name, what)
			wantInvalid(t, m.Manager, s.token, session.ErrRevoked)
			c.err, box.err, c.told = nil, nil, nil
			m.clock.Advance(5 * time.Minute)
			require.NoError(t, verb(other, s), name)
			want := "session s1"
			if name == "RevokeUser" {
				want = "access u"
			}
			assert.Contains(t, c.told, want, name)
			m.clock.Advance(time.Minute)
			jobs, err := m.store.Take(t.Context(), m.clock.Now(), m.clock.Now(), 10)
			require.NoError(t, err)
			require.NotEmpty(t, jobs, name)
			assert.Contains(t, []string{"session " + jobs[0].SID, "access " + jobs[0].UserID}, want, name)
			revoked := 0
			for _, e := range log.Events() {
				if e.Action == "session.revoke" && e.Metadata["session"] == s.id {
					revoked++
				}
			}
			assert.Equal(t, 1, revoked, "%s: it has ended once", name)
		}
	}
}

// TestNotToldOfWhatMadeRoom: the login is refused and leaves no session behind that
// nobody has the token of; RevokeOthers tells of what it has displaced.
func TestNotToldOfWhatMadeRoom(t *testing.T) {
	t.Parallel()
	c := &cutoff{}
	m := newSetup(t, session.Config{Cutoff: c, MaxPerUser: 1})
	m.login(t, session.Login{UserID: "u", SID: "s1"})
	c.err = errors.New("away")
	_, _, err := m.Create(t.Context(), session.Login{UserID: "u", SID: "s2", AuthTime: m.clock.Now()})
	require.ErrorIs(t, err, session.ErrUnavailable)
	list, err := m.List(t.Context(), "u")
	require.NoError(t, err)
	assert.Empty(t, list)
	c.err, c.told = nil, nil
	require.NoError(t, m.RevokeOthers(t.Context(), m.login(t, session.Login{UserID: "u", SID: "s3"})))
	assert.Contains(t, c.told, "session s1")
}

// TestSupersededIsToldFirst: no verb finds a session again that a login has
// superseded, so it lives until Config.Cutoff knows, and the next login tells again.
func TestSupersededIsToldFirst(t *testing.T) {
	t.Parallel()
	c := &cutoff{err: errors.New("away")}
	s := &site{setup: newSetup(t, session.Config{Cutoff: c})}
	s.http = newHTTP(t, s.Manager, session.HTTPConfig{})
	old := s.login(t, session.Login{UserID: "u", SID: "s1"})
	login := func(with session.Token, sid string) (fresh session.Token, err error) {
		w := s.call(t, with, func(w http.ResponseWriter, r *http.Request) {
			_, err = s.http.Login(w, r, session.Login{UserID: "u", SID: sid, AuthTime: s.clock.Now()})
		})
		for _, cookie := range w.Result().Cookies() {
			fresh = session.Token(cookie.Value)
		}
		return fresh, err
	}
	_, err := login(old, "s2")
	require.ErrorIs(t, err, session.ErrUnavailable)
	wantValid(t, s.Manager, old)

	c.err, c.told = nil, nil
	fresh, err := login(old, "s2")
	require.NoError(t, err, "at once, not only when the request is late no more")
	assert.Contains(t, c.told, "session s1")
	s.clock.Advance(supersededFor)
	wantInvalid(t, s.Manager, old, session.ErrRevoked)

	c.told = nil
	again, err := login(fresh, "s2")
	require.NoError(t, err)
	assert.Empty(t, c.told, "the new session is of the same one at Auth0")
	renewed, err := s.Renew(t.Context(), again)
	require.NoError(t, err)
	_, err = login(again, "s3")
	require.ErrorIs(t, err, session.ErrSuperseded)
	assert.Empty(t, c.told, "nothing has ended")
	wantValid(t, s.Manager, renewed)
}

// TestLogoutTellsAgain: a browser that signs out keeps the cookie of the dead session
// until Config.Cutoff and Config.Outbox know, since nothing else names it to them.
func TestLogoutTellsAgain(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for _, what := range []string{"cutoff", "outbox"} {
		s := &site{setup: newSetup(t, session.Config{})}
		c, box := &cutoff{}, &outbox{Memory: s.store}
		s.Manager = s.again(t, session.Config{Cutoff: c, Outbox: box, Revoker: c})
		s.http = newHTTP(t, s.Manager, session.HTTPConfig{})
		token := s.login(t, session.Login{UserID: "u", SID: "s1"})
		if c.err = away; what == "outbox" {
			c.err, box.err = nil, away
		}
		logout := func(times int) *httptest.ResponseRecorder {
			return s.call(t, token, func(w http.ResponseWriter, r *http.Request) {
				for range times {
					err := s.http.Logout(w, r)
					if c.err != nil || box.err != nil {
						assert.ErrorIs(t, err, session.ErrUnavailable, what)
						_, err = s.http.UserID(r)
						assert.ErrorIs(t, err, session.ErrRevoked, what)
					} else {
						assert.NoError(t, err, what)
					}
				}
			})
		}
		w := logout(2)
		assert.Empty(t, w.Result().Cookies(), what)
		assert.NotEmpty(t, w.Header().Get("Clear-Site-Data"), what)
		wantInvalid(t, s.Manager, token, session.ErrRevoked)
		c.err, box.err, c.told = nil, nil, nil
		w = logout(1)
		require.Len(t, w.Result().Cookies(), 1, what)
		assert.Negative(t, w.Result().Cookies()[0].MaxAge, what)
		assert.Contains(t, c.told, "session s1", what)
		s.clock.Advance(time.Minute)
		jobs, err := s.store.Take(t.Context(), s.clock.Now(), s.clock.Now(), 10)
		require.NoError(t, err)
		require.NotEmpty(t, jobs, what)
		assert.Equal(t, "s1", jobs[0].SID, what)
	}
}

// supersededFor is how long a replaced token is taken for a late one.
const supersededFor = 10 * time.Second

// TestNotToldOfWhatHasComeBack: the user has signed in again and got the same sid, so
// telling of the session before would end that one's access.
func TestNotToldOfWhatHasComeBack(t *testing.T) {
	t.Parallel()
	c := &cutoff{err: errors.New("away")}
	m := newSetup(t, session.Config{Cutoff: c})
	old := m.login(t, session.Login{UserID: "u", SID: "s1"})
	require.ErrorIs(t, m.Revoke(t.Context(), old), session.ErrUnavailable)
	c.err, c.told = nil, nil
	m.clock.Advance(time.Second)
	fresh := m.login(t, session.Login{UserID: "u", SID: "s1"})
	require.NoError(t, m.Revoke(t.Context(), old))
	assert.Empty(t, c.told)
	wantValid(t, m.Manager, fresh)
	m.clock.Advance(11 * time.Minute)
	require.NoError(t, m.Revoke(t.Context(), fresh))
	c.told = nil
	m.clock.Advance(11 * time.Minute)
	require.NoError(t, m.Revoke(t.Context(), fresh))
	assert.Empty(t, c.told, "after ten minutes")
}

// TestLogoutTokenIsSpentLast: a token of which half could be done is taken again.
func TestLogoutTokenIsSpentLast(t *testing.T) {
	t.Parallel()
	c, p := &cutoff{err: errors.New("away")}, newProvider(t)
	m := newSetup(t, session.Config{Cutoff: c})
	h := receiver(t, m.Manager, p, session.LogoutConfig{OtherProvider: true})
	token := m.login(t, session.Login{UserID: "auth0|1", SID: "sid1"})
	logout := sign(t, "logout+jwt", p.claims(nil))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader("logout_token="+logout))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	c.err = nil
	require.Equal(t, http.StatusOK, postToken(h, logout).Code, "the provider tries again")
	require.Equal(t, http.StatusBadRequest, postToken(h, logout).Code, "and now it is spent")
	wantInvalid(t, m.Manager, token, session.ErrRevoked)
}

// TestReplayedLogoutTokenEndsNothing: it is refused before it does anything, since the
// user may have signed in again meanwhile and got the same sid.
func TestReplayedLogoutTokenEndsNothing(t *testing.T) {
	t.Parallel()
	c, p := &cutoff{}, newProvider(t)
	m := newSetup(t, session.Config{Cutoff: c})
	h := receiver(t, m.Manager, p, session.LogoutConfig{OtherProvider: true})
	before := m.login(t, session.Login{UserID: "auth0|1", SID: "sid1"})
	logout := sign(t, "logout+jwt", p.claims(nil))
	require.Equal(t, http.StatusOK, postToken(h, logout).Code)
	wantInvalid(t, m.Manager, before, session.ErrRevoked)
	m.clock.Advance(time.Second)
	after := m.login(t, session.Login{UserID: "auth0|1", SID: "sid1"})
	c.told = nil
	w := postToken(h, logout)
	require.Equal(t, http.StatusBadRequest, w.Code)
	assert.Contains(t, w.Body.String(), "replayed")
	wantValid(t, m.Manager, after)
	assert.Empty(t, c.told)
}

// TestLogoutOfUnnamed: sessions that were created without a SID end with any of
// their user's; one with another SID stays.
func TestLogoutOfUnnamed(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	m := newSetup(t, session.Config{})
	h := receiver(t, m.Manager, p, session.LogoutConfig{OtherProvider: true})
	unnamed, named := m.login(t, session.Login{UserID: "auth0|1"}), m.login(t, session.Login{UserID: "auth0|1", SID: "other"})
	w := postToken(h, sign(t, "logout+jwt", p.claims(nil)))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	wantInvalid(t, m.Manager, unnamed, session.ErrRevoked)
	wantValid(t, m.Manager, named)
	for _, id := range []string{"a\x00b", "\x00"} {
		w := postToken(h, sign(t, "logout+jwt", p.claims(map[string]any{"sid": id})))
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Contains(t, w.Body.String(), "subject")
	}
}

// TestLogoutWithAReplacedToken ends the session: who signs out is signed out.
func TestLogoutWithAReplacedToken(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	for _, after := range []time.Duration{0, 5 * time.Second, 30 * time.Minute} {
		old := m.login(t, session.Login{UserID: "u"})
		stepped, err := m.StepUp(t.Context(), old, m.clock.Now(), "otp")
		require.NoError(t, err)
		m.clock.Advance(after)
		require.NoError(t, m.Revoke(t.Context(), old))
		wantInvalid(t, m.Manager, stepped, session.ErrRevoked)
	}
}

// TestLoginInTheSecondOfARevocation: auth_time has whole seconds.
func TestLoginInTheSecondOfARevocation(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	m.clock.Advance(500 * time.Millisecond)
	require.NoError(t, m.RevokeUser(t.Context(), "u"))
	m.clock.Advance(200 * time.Millisecond)
	second := m.clock.Now().Truncate(time.Second)
	create := func(l session.Login) error {
		l.UserID = "u"
		_, _, err := m.Create(t.Context(), l)
		return err
	}
	assert.NoError(t, create(session.Login{AuthTime: second}))
	assert.NoError(t, create(session.Login{IssuedAt: second}), "the bound of an unknown time")
	assert.ErrorIs(t, create(session.Login{AuthTime: second.Add(-time.Second)}), session.ErrRevoked)
	assert.ErrorIs(t, create(session.Login{IssuedAt: second.Add(-time.Second)}), session.ErrRevoked)
	assert.ErrorIs(t, create(session.Login{}), session.ErrRevoked)
}
