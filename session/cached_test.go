package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// cache answers with what it has read first, unless the answer must be fresh.
type cache struct {
	*session.Memory
	read  map[driver.Key]driver.Record
	asked int
}

func (c *cache) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	if r, ok := c.read[k]; ok && !t.Fresh {
		r.Cached = true
		return r, nil
	}
	c.asked++
	r, err := c.Memory.Load(ctx, k, t)
	if err == nil {
		c.read[k] = r
	}
	return r, err
}

// TestNoAuthorityOutOfACache: what the user has proven counts only for a session that
// the store has just called live, whoever asks, in a GET too.
func TestNoAuthorityOutOfACache(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	c := &cache{Memory: m.store, read: map[driver.Key]driver.Record{}}
	cfg := session.Config{Now: m.clock.Now, AllowStaleReads: time.Minute}
	here, err := session.New(c, cfg)
	require.NoError(t, err)
	token := m.login(t, session.Login{UserID: "u", SID: "s1", AMR: []string{"pwd", "mfa"}})
	validate := func() *session.Session {
		s, err := here.Validate(t.Context(), token)
		require.NoError(t, err)
		return s
	}
	validate()
	require.NoError(t, here.Fresh(validate(), time.Minute, "mfa"), "out of the cache, but alive")
	before := c.asked
	s := validate()
	assert.Equal(t, before, c.asked, "who only reads does not ask again")
	s.AuthenticatedBy("mfa")
	at, amr := s.Authentication()
	assert.Equal(t, m.clock.Now(), at)
	assert.Equal(t, []string{"pwd", "mfa"}, amr)
	assert.Equal(t, before+1, c.asked, "once for each session")

	require.NoError(t, m.RevokeUser(t.Context(), "u")) // by another process, unseen here
	s = validate()
	assert.ErrorIs(t, here.Fresh(s, time.Minute), session.ErrNotFresh)
	assert.ErrorIs(t, here.Fresh(s, time.Minute, "mfa"), session.ErrNotFresh)
	assert.Zero(t, s.AuthenticatedBy("mfa"))

	web, err := session.NewHTTP(here, session.HTTPConfig{})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
	called := false
	web.Load(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		a, ok := authn.FromContext(r.Context()) // as guardian.Require does
		require.True(t, ok)
		assert.Equal(t, "u", a.Subject())
		assert.Zero(t, a.AuthenticatedBy("mfa"))
	})).ServeHTTP(httptest.NewRecorder(), r)
	assert.True(t, called)
}
