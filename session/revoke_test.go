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

	"github.com/auth0kit/auth0kit/session"
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
	require.NoError(t, m.RevokeOthers(t.Context(), kept))
	told("session s4")
	require.NoError(t, m.RevokeUser(t.Context(), "auth0|1"))
	told("access auth0|1")
	m.clock.Advance(time.Second)
	w := postToken(h, sign(t, "logout+jwt", p.claims(map[string]any{"sid": "s9", "iat": m.clock.Now().Unix()})))
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
