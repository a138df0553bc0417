package guardian_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/session"
)

// methods is somebody who has used each method at a time.
type methods map[string]time.Time

func (m methods) Subject() string                         { return "auth0|1" }
func (m methods) AuthenticatedBy(method string) time.Time { return m[method] }

func TestRequire(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		ago := func(d time.Duration) time.Time { return now.Add(-d) }
		const five = 5 * time.Minute
		for name, c := range map[string]struct {
			who    methods
			level  guardian.Level
			maxAge time.Duration
			passes bool
		}{
			"fresh":                     {methods{"mfa": ago(4 * time.Minute)}, guardian.MultiFactor, five, true},
			"too old":                   {methods{"mfa": ago(five)}, guardian.MultiFactor, five, false},
			"a fresh password only":     {methods{"pwd": now, "mfa": ago(time.Hour)}, guardian.MultiFactor, five, false},
			"no second factor":          {methods{"pwd": now, "otp": now}, guardian.MultiFactor, five, false},
			"never":                     {methods{}, guardian.MultiFactor, five, false},
			"in the future":             {methods{"mfa": ago(-time.Hour)}, guardian.MultiFactor, five, false},
			"a clock ahead":             {methods{"mfa": ago(-30 * time.Second)}, guardian.MultiFactor, five, true},
			"no age":                    {methods{"mfa": now}, guardian.MultiFactor, 0, false},
			"a negative age":            {methods{"mfa": now}, guardian.MultiFactor, -time.Hour, false},
			"no age, a clock ahead":     {methods{"mfa": ago(-30 * time.Second)}, guardian.MultiFactor, 0, false},
			"no level":                  {methods{"mfa": now, "pop": now, "uv": now}, 0, five, false},
			"an unknown level":          {methods{"mfa": now, "pop": now, "uv": now}, 9, five, false},
			"a code is no passkey":      {methods{"mfa": now, "otp": now, "pop": ago(time.Hour)}, guardian.PhishingResistant, five, false},
			"a passkey":                 {methods{"pop": now}, guardian.PhishingResistant, five, true},
			"who held the passkey":      {methods{"pop": now, "mfa": now}, guardian.UserVerified, five, false},
			"verified":                  {methods{"uv": now}, guardian.UserVerified, five, true},
			"verified is multi-factor":  {methods{"uv": now}, guardian.MultiFactor, five, true},
			"verified resists phishing": {methods{"uv": now}, guardian.PhishingResistant, five, true},
		} {
			var asked bool
			challenge := func(w http.ResponseWriter, r *http.Request) {
				level, maxAge := guardian.Needed(r.Context())
				asked = level == c.level && maxAge == c.maxAge
				w.WriteHeader(http.StatusTeapot)
			}
			next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
			r := httptest.NewRequest("POST", "/transfer", nil)
			r = r.WithContext(guardian.NewContext(r.Context(), c.who))
			w := httptest.NewRecorder()
			guardian.Require(c.level, c.maxAge, challenge)(next).ServeHTTP(w, r)
			assert.Equal(t, c.passes, w.Code == http.StatusOK, name)
			assert.Equal(t, !c.passes, asked, name)
			if !c.passes {
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
			}
		}
		w := httptest.NewRecorder()
		guardian.RequireMFA(five, nil)(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("POST", "/transfer", nil))
		assert.Equal(t, http.StatusInternalServerError, w.Code, "nobody says who the user is")
		assert.Contains(t, w.Body.String(), "session.HTTP.Require")
	})
}

func manager(t *testing.T, cfg session.Config) *session.Manager {
	t.Helper()
	m, err := session.New(session.NewMemory(), cfg)
	require.NoError(t, err)
	return m
}

// A session that is served while its store cannot be asked proves nothing.
func TestStaleSessionProvesNothing(t *testing.T) {
	t.Parallel()
	m := manager(t, session.Config{})
	token, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|1", AMR: []string{"pwd", "mfa"}, AuthTime: time.Now()})
	require.NoError(t, err)
	current, err := m.Validate(t.Context(), token)
	require.NoError(t, err)
	serve := func() int {
		r := httptest.NewRequest("GET", "/report", nil)
		w := httptest.NewRecorder()
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		guardian.RequireMFA(time.Minute, nil)(next).ServeHTTP(w, r.WithContext(guardian.NewContext(r.Context(), current)))
		return w.Code
	}
	assert.Equal(t, http.StatusOK, serve())
	current.Stale = true
	assert.Equal(t, http.StatusUnauthorized, serve())
	_, err = guardian.Proven(current)
	assert.ErrorIs(t, err, guardian.ErrStepUp)
}

// A password typed again must not make the second factor of an hour ago fresh, and
// a factor keeps the time at which it was proved.
func TestStepUpKeepsTheTimeOfTheFactor(t *testing.T) {
	t.Parallel()
	m := manager(t, session.Config{})
	token, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|1", AMR: []string{"pwd", "mfa"}, AuthTime: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	for _, step := range []struct {
		method string
		age    time.Duration
		want   time.Duration
	}{{"pwd", 0, time.Hour}, {"mfa", 9*time.Minute + 30*time.Second, 9*time.Minute + 30*time.Second}} {
		token, err = m.StepUp(t.Context(), token, time.Now().Add(-step.age), step.method)
		require.NoError(t, err)
		current, err := m.Validate(t.Context(), token)
		require.NoError(t, err)
		proof, err := guardian.Proven(current)
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now().Add(-step.want), proof.Time, time.Minute, step.method)
		for maxAge, passes := range map[time.Duration]bool{step.want + time.Minute: true, step.want - time.Minute/2: false} {
			r := httptest.NewRequest("GET", "/", nil)
			w := httptest.NewRecorder()
			next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
			guardian.RequireMFA(maxAge, nil)(next).ServeHTTP(w, r.WithContext(guardian.NewContext(r.Context(), current)))
			assert.Equal(t, passes, w.Code == http.StatusOK, "%s, %s", step.method, maxAge)
		}
	}
}

func TestProven(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]guardian.Authenticated{
		"nobody": nil, "a password": methods{"pwd": time.Now()}, "no time": methods{"mfa": time.Time{}},
	} {
		v, err := guardian.Proven(a)
		assert.ErrorIs(t, err, guardian.ErrStepUp, name)
		assert.Nil(t, v, name)
	}
	v, err := guardian.Proven(methods{"mfa": time.Now()})
	require.NoError(t, err)
	assert.Equal(t, "auth0|1", v.UserID)
}
