package risk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/risk"
)

// challenged is a world in which a theft is never denied for its score alone.
func challenged(t *testing.T, cfg risk.Config) world {
	t.Helper()
	cfg.Bands = risk.Bands{Prompt: 20, MFA: 50, Deny: 100}
	return newWorld(t, cfg)
}

// Two hundred attempts with the right password are not two hundred pushes, whether
// they come one after another or at once, and whatever network they come from.
func TestRefusedChallengesAreCounted(t *testing.T) {
	t.Parallel()
	for name, attempt := range map[string]func(i int, l *risk.Login){
		"the same":        func(int, *risk.Login) {},
		"other addresses": func(i int, l *risk.Login) { l.IP = netip.AddrFrom4([4]byte{177, 1, byte(i), 1}) },
	} {
		told, now := 0, start.AddDate(0, 0, 30)
		w := challenged(t, risk.Config{
			Notify: func(context.Context, risk.Decision) { told++ },
			Now:    func() time.Time { return now },
		})
		var last error
		for i := range 200 {
			now = now.Add(2 * time.Minute)
			l := theft(now)
			attempt(i, &l)
			d := w.evaluate(t, l)
			if last = w.Apply(t.Context(), d); last == risk.ErrChallenged {
				require.NoError(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.Outcome(i%2)))
			}
		}
		require.ErrorIs(t, last, risk.ErrDenied, name)
		assert.Len(t, w.enforcer.calls, 10, name)
		assert.Equal(t, 1, told, name)
		d := w.evaluate(t, home(now))
		assert.Equal(t, risk.Allow, d.Action, "%s: the user's own login: %s", name, d.Explain())
	}
}

func TestChallengesAtOnce(t *testing.T) {
	t.Parallel()
	w := challenged(t, risk.Config{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			d, err := w.Evaluate(t.Context(), theft(w.now))
			assert.NoError(t, err)
			assert.Error(t, w.Apply(t.Context(), d))
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, len(w.enforcer.calls), 3, "a minute's worth")
}

// From half of MaxRefused on a mail is not enough, and a challenge that is passed
// is taken off.
func TestRefusedChallengesEscalate(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := newWorld(t, risk.Config{Bands: risk.Bands{Prompt: 20, MFA: 99, Deny: 100}, MaxRefused: 4, Now: func() time.Time { return now }})
	for i, want := range []risk.Action{risk.PromptVerification, risk.PromptVerification, risk.MFARequired} {
		now = now.Add(2 * time.Minute)
		d := w.evaluate(t, theft(now))
		require.Equal(t, want, d.Action, "%d: %s", i, d.Explain())
		require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
		if i == 2 {
			require.NoError(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed))
		}
	}
	now = now.Add(2 * time.Minute)
	l := theft(now)
	l.DeviceID, l.UserAgent, l.IP = "yet another", "curl/8", netip.MustParseAddr("41.1.1.1")
	l.Place = &anomaly.Place{Country: "ZA", Lat: -26, Lon: 28, ASN: 3741}
	d := w.evaluate(t, l)
	assert.Contains(t, d.Explain(), "2 challenges refused or left")
}

// A login that was refused before from the same place with the same device scores
// higher.
func TestHeldIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	before := w.evaluate(t, theft(w.now))
	for range 5 {
		require.NoError(t, w.detector.Learn(t.Context(), theft(w.now).Attempt, anomaly.Untrusted))
	}
	after := w.evaluate(t, theft(w.now))
	assert.Greater(t, after.Score, before.Score)
	assert.Positive(t, odds(after, "refused_before"), after.Explain())
}

// While the counters are down challenges stay bounded.
func TestChallengesWithoutCounters(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := challenged(t, risk.Config{Counters: brokenCounters{}, Keys: keys, Now: func() time.Time { return now }})
	for range 50 {
		now = now.Add(2 * time.Minute)
		require.Error(t, w.Apply(t.Context(), w.evaluate(t, theft(now))))
	}
	assert.Len(t, w.enforcer.calls, 10)
}

func TestDecisionIsBoundedAndHasNoCookie(t *testing.T) {
	t.Parallel()
	w := challenged(t, risk.Config{})
	l := theft(w.now)
	l.DeviceID, l.UserAgent = strings.Repeat("cookie", 1000), strings.Repeat("Agent/", 1<<18)
	l.Email, l.SessionID = strings.Repeat("é", 1<<18), strings.Repeat("s", 1<<20)
	l.Auth0 = map[string]string{}
	for i := range 1000 {
		l.Auth0[fmt.Sprint(strings.Repeat("x", 1000), i)] = "low"
	}
	d := w.evaluate(t, l)
	text, err := json.Marshal(d)
	require.NoError(t, err)
	assert.Less(t, len(text), 8_000)
	assert.NotContains(t, string(text), "cookie")
	require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	history, err := w.History(t.Context(), "auth0|ada")
	require.NoError(t, err)
	require.Len(t, history, 1)
	assert.Empty(t, history[0].Login.DeviceID)
}

// A read-only copy of every store holds nothing that a client could show.
func TestCopiesOfStoresTellNothing(t *testing.T) {
	t.Parallel()
	decisions, counters := &spyDecisions{Decisions: risk.NewMemoryDecisions(0)}, &spyCounters{Counters: risk.NewMemoryCounters(0)}
	w := challenged(t, risk.Config{Decisions: decisions, Counters: counters, Keys: keys})
	l := theft(w.now)
	require.NoError(t, w.Failed(t.Context(), l))
	require.ErrorIs(t, w.Apply(t.Context(), w.evaluate(t, l)), risk.ErrChallenged)
	stored := decisions.seen.String() + counters.seen.String()
	require.NotEmpty(t, stored)
	for _, told := range []string{"other", "177.1.1", "ada@example.com", "Mozilla", "Brazil", "BR\""} {
		assert.NotContains(t, stored, told)
	}
}

type spyDecisions struct {
	risk.Decisions
	seen strings.Builder
}

func (s *spyDecisions) Put(ctx context.Context, userID string, r risk.Record) error {
	s.seen.WriteString(r.ID + string(r.Sealed) + r.Outcome)
	return s.Decisions.Put(ctx, userID, r)
}

type spyCounters struct {
	risk.Counters
	seen strings.Builder
}

func (s *spyCounters) Add(ctx context.Context, items []risk.Count) ([]risk.Tally, error) {
	for _, i := range items {
		s.seen.WriteString(i.Key + " ")
	}
	return s.Counters.Add(ctx, items)
}

func TestForget(t *testing.T) {
	t.Parallel()
	w := challenged(t, risk.Config{})
	d := w.evaluate(t, theft(w.now))
	require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	require.NoError(t, w.Forget(t.Context(), "auth0|ada"))
	require.ErrorIs(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed), risk.ErrNoDecision, "late")
	assert.True(t, w.evaluate(t, theft(w.now)).First, "nothing was made again")
	history, err := w.History(t.Context(), "auth0|ada")
	require.NoError(t, err)
	assert.Empty(t, history)
}

func TestDistrust(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	require.ErrorIs(t, w.Apply(t.Context(), w.evaluate(t, theft(w.now.Add(-14*time.Hour)))), risk.ErrDenied)
	require.NoError(t, w.Distrust(t.Context(), "auth0|ada"))
	for range 2 {
		d := w.evaluate(t, home(w.now))
		require.Equal(t, risk.MFARequired, d.Action, d.Explain())
		require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	}
	l := home(w.now)
	l.MFA = true
	require.NoError(t, w.Apply(t.Context(), w.evaluate(t, l)), "a second factor was proved with the login")
	assert.Equal(t, risk.Allow, w.evaluate(t, home(w.now)).Action)
	history, err := w.History(t.Context(), "auth0|ada")
	require.NoError(t, err)
	require.Len(t, history, 3, "the evidence stays")
	assert.Equal(t, risk.Deny, history[2].Action)
	assert.Contains(t, w.log.Actions(), "risk.distrust")
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	at := w.now.Add(-14 * time.Hour)
	w2, err := risk.New(w.detector, risk.Config{Recorder: w.log, Now: func() time.Time { return at }})
	require.NoError(t, err)
	require.NoError(t, w2.Unlock(t.Context(), "auth0|ada", "ticket 4711: passport seen", time.Hour))
	d := w.evaluate(t, theft(at))
	require.Equal(t, risk.MFARequired, d.Action, "at most: %s", d.Explain())
	assert.Equal(t, risk.Deny, w.evaluate(t, theft(at.Add(61*time.Minute))).Action)
	assert.Contains(t, w.log.Actions(), "risk.unlock")
	for _, c := range []struct {
		proof string
		d     time.Duration
	}{{"", time.Hour}, {strings.Repeat("x", 201), time.Hour}, {"seen", 0}, {"seen", 25 * time.Hour}} {
		require.Error(t, w.Unlock(t.Context(), "auth0|ada", c.proof, c.d))
	}
	deaf, err := risk.New(w.detector, risk.Config{Recorder: failingRecorder{}})
	require.NoError(t, err)
	require.ErrorIs(t, deaf.Unlock(t.Context(), "auth0|bob", "seen", time.Hour), audit.ErrNotRecorded)
}

func TestOnFirst(t *testing.T) {
	t.Parallel()
	for on, want := range map[risk.Action]risk.Action{"": risk.Allow, risk.PromptVerification: risk.PromptVerification, risk.MFARequired: risk.MFARequired, risk.Deny: risk.Deny} {
		w := newWorld(t, risk.Config{OnFirst: on})
		l := home(w.now)
		l.UserID = "auth0|new"
		assert.Equal(t, want, w.evaluate(t, l).Action, "%q", on)
		assert.Equal(t, risk.Allow, w.evaluate(t, home(w.now)).Action)
	}
	_, err := risk.New(newWorld(t, risk.Config{}).detector, risk.Config{OnFirst: "mfa"})
	require.ErrorContains(t, err, "OnFirst")
}

// Without an address nobody is allowed who is not with one.
func TestBlindnessFailsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for name, ip := range map[string]netip.Addr{"none": {}, "balancer": netip.MustParseAddr("10.0.0.1"), "loopback": netip.MustParseAddr("::1")} {
		l := home(w.now)
		l.IP, l.Place = ip, nil
		d := w.evaluate(t, l)
		assert.Equal(t, risk.MFARequired, d.Action, name)
		assert.Equal(t, []string{"address"}, d.Missing, name)
		assert.Contains(t, d.Explain(), "address              missing")
	}
	l := home(w.now)
	l.UserID, l.IP, l.Place = "auth0|behind-a-balancer", netip.MustParseAddr("10.0.0.1"), nil
	assert.Equal(t, risk.MFARequired, w.evaluate(t, l).Action, "also of a user whose address nobody has ever seen")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	now := start
	w := newWorld(t, risk.Config{Now: func() time.Time { return now }})
	for i := range 40 {
		l := home(w.now)
		if i%4 == 0 {
			l.IP, l.Place, l.DeviceID = netip.Addr{}, nil, ""
		}
		w.evaluate(t, l)
		now = now.Add(time.Minute)
	}
	h := w.Health()
	assert.Equal(t, 40, h.Logins)
	assert.InDelta(t, 0.25, h.NoAddress, 1e-9)
	assert.InDelta(t, 0.25, h.NoDevice, 1e-9)
	assert.InDelta(t, 0.25, h.Missing, 1e-9)
	require.NotEmpty(t, h.Problems())
	assert.Contains(t, h.Problems()[0], "25% of the logins of the last hour had no usable client address")
	now = now.Add(2 * time.Hour)
	assert.Zero(t, w.Health())
	assert.Empty(t, w.Health().Problems())
}

// The same logins: what shadow mode predicts is what enforcement does.
func TestShadowPredicts(t *testing.T) {
	t.Parallel()
	share := func(shadow bool) float64 {
		now := start
		d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{Now: func() time.Time { return now }})
		require.NoError(t, err)
		w := world{}
		w.Engine, err = risk.New(d, risk.Config{Shadow: shadow, Now: func() time.Time { return now }})
		require.NoError(t, err)
		asked, all := 0, 0
		for i := range 3000 { // a user who travels and changes devices
			now = start.Add(time.Duration(i) * 8 * time.Hour)
			l := home(now)
			l.UserID = fmt.Sprint("auth0|", i%40)
			trip := byte(i / 400 * 7 % 5)
			l.IP = netip.AddrFrom4([4]byte{81, trip, byte(i % 3), byte(i % 40)})
			l.Place = &anomaly.Place{Country: []string{"NO", "SE", "DE", "US", "JP"}[trip], Lat: 60 - 5*float64(trip), Lon: 10 * float64(trip), ASN: 2119 + uint32(trip)}
			l.DeviceID = fmt.Sprint("device ", i%40, i/700)
			d := w.evaluate(t, l)
			all++
			err := w.Apply(t.Context(), d)
			if d.Action != risk.Allow {
				asked++
			}
			if err != nil && d.Action != risk.Deny {
				require.NoError(t, w.Complete(t.Context(), l.UserID, d.ID, risk.StepUpPassed))
			}
		}
		return float64(asked) / float64(all)
	}
	enforced, shadow := share(false), share(true)
	t.Logf("enforced %.4f, shadow %.4f", enforced, shadow)
	assert.Greater(t, enforced, 0.01)
	assert.InEpsilon(t, enforced, shadow, 0.1)
}

// away is a store of decisions that takes none.
type away struct {
	risk.Decisions
	until *time.Time
	now   *time.Time
}

func (a away) Put(ctx context.Context, userID string, r risk.Record) error {
	if a.now.Before(*a.until) {
		return errors.New("away")
	}
	return a.Decisions.Put(ctx, userID, r)
}

// What nobody was asked is not held against the user: while the decisions are away no
// challenge starts, and afterwards the user is not denied for having tried.
func TestDecisionsAwayLockNobodyOut(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	until := now.Add(time.Hour)
	w := challenged(t, risk.Config{Decisions: away{risk.NewMemoryDecisions(0), &until, &now}, Keys: keys, Now: func() time.Time { return now }})
	for range 25 {
		now = now.Add(2 * time.Minute)
		err := w.Apply(t.Context(), w.evaluate(t, theft(now)))
		require.ErrorContains(t, err, "away")
		require.NotErrorIs(t, err, risk.ErrChallenged)
	}
	assert.Empty(t, w.enforcer.calls)
	now = until
	require.ErrorIs(t, w.Apply(t.Context(), w.evaluate(t, theft(now))), risk.ErrChallenged)
}

// However long a challenge waits, denials push none out.
func TestDenialsPushNoLongChallengeOut(t *testing.T) {
	t.Parallel()
	now := start.AddDate(0, 0, 30)
	w := challenged(t, risk.Config{Wait: 24 * time.Hour, Now: func() time.Time { return now }, OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}})
	l := home(now)
	l.DeviceID = "phone"
	d := w.evaluate(t, l)
	require.ErrorIs(t, w.Apply(t.Context(), d), risk.ErrChallenged)
	for range 400 {
		now = now.Add(3 * time.Minute)
		require.Error(t, w.Apply(t.Context(), w.evaluate(t, theft(now))))
	}
	require.NoError(t, w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed))
	_, err := risk.New(w.detector, risk.Config{MaxRefused: 26})
	require.ErrorContains(t, err, "MaxRefused")
}
