package risk_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// Case and a missing Email do not keep failures apart from the account.
func TestNamesOfFailuresMeet(t *testing.T) {
	t.Parallel()
	for _, f := range []risk.Login{
		{Email: "ADA@example.com", Attempt: anomaly.Attempt{UserID: "ADA@example.com"}},
		{Email: "ada@example.com", Attempt: anomaly.Attempt{UserID: "ADA@example.com"}},
		{Attempt: anomaly.Attempt{UserID: "ADA@example.com"}},
		{Email: "ADA@example.com", Attempt: anomaly.Attempt{UserID: "nobody"}},
	} {
		w := newWorld(t, risk.Config{})
		f.Time = w.now
		for range 8 {
			require.NoError(t, w.Failed(t.Context(), f))
		}
		assert.Contains(t, w.evaluate(t, home(w.now)).Explain(), "8 failures under the email address", "%q %q", f.UserID, f.Email)
	}
}

// What failed elsewhere reaches the score of a user: under their address, with the
// device id and with the user agent that the login shows.
func TestFailuresReachTheScore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failed func(i int, l *risk.Login) // what the i-th failure had
		says   string
	}{
		"email": {func(_ int, l *risk.Login) { l.UserID, l.DeviceID, l.UserAgent = "ADA@example.com", "", "" }, "under the email address"},
		"device": {func(i int, l *risk.Login) {
			l.UserID, l.Email, l.UserAgent = fmt.Sprint("guess ", i), "", ""
		}, "with the device id"},
		"agent": {func(i int, l *risk.Login) {
			l.UserID, l.Email, l.DeviceID = fmt.Sprint("guess ", i), "", ""
		}, "with the user agent"},
		"address": {func(i int, l *risk.Login) {
			l.UserID, l.Email, l.DeviceID, l.UserAgent, l.IP = fmt.Sprint("guess ", i), "", "", "", home(start).IP
		}, "failing from the address"},
	} {
		w := newWorld(t, risk.Config{})
		l := home(w.now)
		before := odds(w.evaluate(t, l), "suspicious_activity")
		for i := range 60 {
			f := home(w.now)
			f.IP = theft(w.now).IP
			f.Place = nil
			c.failed(i, &f)
			require.NoError(t, w.Failed(t.Context(), f))
		}
		d := w.evaluate(t, l)
		assert.Greater(t, odds(d, "suspicious_activity"), before+0.3, name)
		assert.Contains(t, d.Explain(), c.says, name)
	}
}

// frozen is a store of which a copy answers: what it is given is lost.
type frozen struct{ anomaly.Store }

func (frozen) Save(context.Context, anomaly.Key, []byte, uint64) error {
	return errors.New("read-only copy")
}

type frozenCounters struct{ risk.Counters }

func (f frozenCounters) Add(ctx context.Context, items []risk.Count) ([]risk.Tally, error) {
	for i := range items {
		if items[i].Member != "" {
			return nil, errors.New("read-only copy")
		}
	}
	return f.Counters.Add(ctx, items)
}

type frozenDecisions struct{ risk.Decisions }

func (frozenDecisions) Put(context.Context, string, risk.Record) error {
	return errors.New("read-only copy")
}

func (frozenDecisions) Take(context.Context, string, string, string, time.Time) ([]byte, error) {
	return nil, errors.New("read-only copy")
}

// A copy of a store that takes no writes lowers no score and lets nobody in who would
// not be, whichever store it is, and bounds challenges all the same.
func TestReadOnlyCopiesLowerNoScore(t *testing.T) {
	t.Parallel()
	for name, freeze := range map[string]func(*risk.Config, *anomaly.Store){
		"profiles":  func(_ *risk.Config, s *anomaly.Store) { *s = frozen{*s} },
		"counters":  func(c *risk.Config, _ *anomaly.Store) { c.Counters = frozenCounters{c.Counters} },
		"decisions": func(c *risk.Config, _ *anomaly.Store) { c.Decisions = frozenDecisions{c.Decisions} },
	} {
		var store anomaly.Store = anomaly.NewMemory(0)
		w := &enforcer{}
		now := start.AddDate(0, 0, 30)
		cfg := risk.Config{
			Counters: risk.NewMemoryCounters(0), Decisions: risk.NewMemoryDecisions(0), Keys: keys, Enforcer: w,
			Bands: risk.Bands{Prompt: 20, MFA: 50, Deny: 100}, Now: func() time.Time { return now },
		}
		live := engineOver(t, store, cfg)
		for day := range 30 {
			require.NoError(t, live.detector.Learn(t.Context(), home(start.AddDate(0, 0, day)).Attempt, anomaly.Proved))
		}
		for range 8 {
			require.NoError(t, live.Failed(t.Context(), theft(now)))
		}
		before := live.evaluate(t, theft(now))
		freeze(&cfg, &store)
		copied := engineOver(t, store, cfg)
		for range 200 {
			d := copied.evaluate(t, theft(now))
			require.GreaterOrEqual(t, d.Score, min(before.Score, 50), "%s: %s", name, d.Explain())
			require.Error(t, copied.Apply(t.Context(), d), name)
			_ = copied.Complete(t.Context(), "auth0|ada", d.ID, risk.Refused)
			now = now.Add(time.Minute)
		}
		assert.LessOrEqual(t, len(w.calls), 10, "%s: pushes", name)
	}
}

func engineOver(t *testing.T, store anomaly.Store, cfg risk.Config) world {
	t.Helper()
	d, err := anomaly.New(store, keys, anomaly.Config{})
	require.NoError(t, err)
	e, err := risk.New(d, cfg)
	require.NoError(t, err)
	return world{Engine: e, detector: d}
}

// late is a store of decisions that calls then after each Take.
type late struct {
	risk.Decisions
	then func()
}

func (l *late) Take(ctx context.Context, userID, id, outcome string, now time.Time) ([]byte, error) {
	sealed, err := l.Decisions.Take(ctx, userID, id, outcome, now)
	l.then()
	return sealed, err
}

// A Complete that Forget overtakes leaves nothing behind.
func TestForgetOvertakesComplete(t *testing.T) {
	t.Parallel()
	var w world
	decisions := &late{risk.NewMemoryDecisions(0), func() { assert.NoError(t, w.Forget(t.Context(), "auth0|ada")) }}
	w = newWorld(t, risk.Config{OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}, Decisions: decisions, Keys: keys})
	l := home(w.now)
	l.DeviceID = "phone"
	d := w.evaluate(t, l)
	require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	require.ErrorIs(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed), risk.ErrNoDecision)
	assert.True(t, w.evaluate(t, home(w.now)).First, "a profile came back")
}

// An attacker who is denied again and again does not push out the challenge that the
// user is answering.
func TestDenialsPushNoChallengeOut(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := challenged(t, risk.Config{Now: func() time.Time { return now }, OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}})
	l := home(now)
	l.DeviceID = "phone"
	d := w.evaluate(t, l)
	require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	for range 100 {
		now = now.Add(time.Second)
		require.Error(t, w.Apply(t.Context(), w.evaluate(t, theft(now))))
	}
	require.NoError(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed))
	history, err := w.History(t.Context(), "auth0|ada")
	require.NoError(t, err)
	assert.Greater(t, len(history), 20, "support sees the attack")
}

// Stuffing with one try per address and account leaves a trace: the agent and the
// tenant's failures.
func TestStuffingFromManyAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 3000 {
		f := theft(w.now.Add(time.Duration(i) * 200 * time.Millisecond))
		f.UserID, f.Email, f.DeviceID, f.Place = fmt.Sprint("guess ", i), "", "", nil
		f.IP = netip.AddrFrom4([4]byte{177, byte(i >> 8), byte(i), 9})
		require.NoError(t, w.Failed(t.Context(), f))
	}
	at := w.now.Add(10 * time.Minute)
	l := theft(at)
	l.IP = netip.MustParseAddr("177.200.1.1")
	assert.InDelta(t, 2.5, odds(w.evaluate(t, l), "suspicious_activity"), .1)
	assert.Equal(t, risk.Allow, w.evaluate(t, home(at)).Action, "the user's usual login goes on")
}
