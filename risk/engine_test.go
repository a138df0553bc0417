package risk_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/risk"
)

// enforcer notes what was asked of it.
type enforcer struct {
	mu    sync.Mutex
	calls []string
	err   error
}

func (e *enforcer) RequireMFA(context.Context, risk.Decision) error       { return e.call("mfa") }
func (e *enforcer) SendVerification(context.Context, risk.Decision) error { return e.call("mail") }

func (e *enforcer) call(what string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, what)
	return e.err
}

var (
	start    = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	oslo     = anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"}
	saoPaulo = anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573, Zone: "America/Sao_Paulo"}
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:138.0) Gecko/20100101 Firefox/138.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func login(at time.Time, ip string, place anomaly.Place, device, agent string) risk.Login {
	return risk.Login{Email: "ada@example.com", Attempt: anomaly.Attempt{
		UserID: "auth0|ada", Time: at, IP: netip.MustParseAddr(ip), Place: &place, DeviceID: device, UserAgent: agent,
	}}
}

func home(at time.Time) risk.Login  { return login(at, "81.2.69.10", oslo, "laptop", firefox) }
func theft(at time.Time) risk.Login { return login(at, "177.1.1.1", saoPaulo, "other", safari) }

type world struct {
	*risk.Engine
	detector *anomaly.Detector
	enforcer *enforcer
	log      *audit.Memory
	now      time.Time // the day after a month of mornings at home
}

func newWorld(t testing.TB, cfg risk.Config) world {
	t.Helper()
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := world{detector: d, enforcer: &enforcer{}, log: audit.NewMemory()}
	cfg.Recorder, cfg.Enforcer = w.log, w.enforcer
	if w.Engine, err = risk.New(d, cfg); err != nil {
		t.Fatal(err)
	}
	for day := range 30 {
		w.now = start.Add(time.Duration(day) * 24 * time.Hour)
		if err := d.Learn(t.Context(), home(w.now).Attempt, anomaly.Proved); err != nil {
			t.Fatal(err)
		}
	}
	w.now = w.now.Add(24 * time.Hour)
	return w
}

func (w world) evaluate(t testing.TB, l risk.Login) risk.Decision {
	t.Helper()
	d, err := w.Evaluate(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func odds(d risk.Decision, factor string) float64 {
	for _, s := range d.Factors {
		if s.Name == factor {
			return s.LogOdds
		}
	}
	return 0
}

func TestLoginAsAlways(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	d := w.evaluate(t, home(w.now))
	if d.Action != risk.Allow || d.Level != risk.Low || d.Score >= 20 {
		t.Fatalf("%s", d.Explain())
	}
	if err := w.Apply(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(w.enforcer.calls) != 0 || !slices.Equal(w.log.Actions(), []string{"risk.apply"}) {
		t.Errorf("enforced %v, recorded %v", w.enforcer.calls, w.log.Actions())
	}
	e := w.log.Events()[0]
	if e.Outcome != audit.Success || e.Reason != "allow" || e.Target.ID != "auth0|ada" || e.IP != "81.2.69.10" {
		t.Errorf("recorded %+v", e)
	}
}

func TestStolenPasswordIsDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	d := w.evaluate(t, theft(w.now.Add(-14*time.Hour)))
	if d.Action != risk.Deny || d.Level != risk.Critical {
		t.Fatalf("%s", d.Explain())
	}
	if err := w.Apply(t.Context(), d); !errors.Is(err, risk.ErrDenied) {
		t.Errorf("Apply: %v", err)
	}
	if err := w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed); !errors.Is(err, risk.ErrNoDecision) {
		t.Errorf("a step-up undid a denial: %v", err)
	}
	if got := w.evaluate(t, theft(w.now.Add(-13*time.Hour))); got.Action != risk.Deny {
		t.Errorf("the second attempt: %s", got.Explain())
	}
}

func TestTravelAloneIsNotDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	d := w.evaluate(t, login(w.now.Add(-23*time.Hour), "177.1.1.1", saoPaulo, "laptop", firefox))
	if odds(d, "impossible_travel") <= 0 {
		t.Fatalf("no travel found: %s", d.Explain())
	}
	if d.Action == risk.Deny {
		t.Errorf("%s", d.Explain())
	}
}

// TestStolenCookie: the known device, minutes later, on another continent.
func TestStolenCookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	last := w.now.Add(-24 * time.Hour)
	for after, want := range map[time.Duration]risk.Action{
		20 * time.Minute: risk.PromptVerification,
		14 * time.Hour:   risk.Allow, // a flight
	} {
		d := w.evaluate(t, login(last.Add(after), "177.1.1.1", saoPaulo, "laptop", firefox))
		if d.Action != want || strings.Contains(d.Explain(), "nobody travels so fast") != (want != risk.Allow) {
			t.Errorf("after %v: %s", after, d.Explain())
		}
	}
	vpn := saoPaulo
	vpn.Anonymous = true
	if d := w.evaluate(t, login(last.Add(20*time.Minute), "177.1.1.1", vpn, "laptop", firefox)); d.Action != risk.Allow {
		t.Errorf("through a VPN: %s", d.Explain())
	}
}

func TestChallengeThenProof(t *testing.T) {
	t.Parallel()
	// A friend's device on a trip: enough for a challenge.
	trip := func(w world) risk.Login {
		l := theft(w.now.Add(72 * time.Hour))
		l.UserAgent = firefox
		return l
	}
	w := newWorld(t, risk.Config{Bands: risk.Bands{Prompt: 20, MFA: 50, Deny: 100}})
	d := w.evaluate(t, trip(w))
	if d.Action != risk.MFARequired {
		t.Fatalf("%s", d.Explain())
	}
	if err := w.Apply(t.Context(), d); !errors.Is(err, risk.ErrChallenged) {
		t.Fatalf("Apply: %v", err)
	}
	if !slices.Equal(w.enforcer.calls, []string{"mfa"}) {
		t.Fatalf("enforced %v", w.enforcer.calls)
	}
	if err := w.Complete(t.Context(), "auth0|ada", d.ID, risk.Allowed); err == nil {
		t.Error("a challenged login was completed as allowed")
	}
	if err := w.Complete(t.Context(), "auth0|bob", d.ID, risk.StepUpPassed); !errors.Is(err, risk.ErrNoDecision) {
		t.Errorf("another user's: %v", err)
	}
	if err := w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed); err != nil {
		t.Fatal(err)
	}
	again := w.evaluate(t, trip(w))
	if again.Score >= d.Score || odds(again, "new_device") > odds(d, "new_device")/2 {
		t.Errorf("nothing was learnt, or not the device: score %d, then %s", d.Score, again.Explain())
	}
	if err := w.Complete(t.Context(), "auth0|ada", d.ID, risk.StepUpPassed); !errors.Is(err, risk.ErrNoDecision) {
		t.Errorf("the second time: %v", err)
	}
	if after := w.evaluate(t, trip(w)); after.Score != again.Score {
		t.Errorf("it was learnt again: %d, then %d", again.Score, after.Score)
	}
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{Bands: risk.Bands{Prompt: 1, MFA: 99, Deny: 100}})
	d := w.evaluate(t, theft(w.now))
	d.Action = risk.PromptVerification
	if err := w.Apply(t.Context(), d); !errors.Is(err, risk.ErrChallenged) || !slices.Equal(w.enforcer.calls, []string{"mail"}) {
		t.Errorf("Apply: %v, enforced %v", err, w.enforcer.calls)
	}
}

func TestUnansweredChallengesTeachNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{Bands: risk.Bands{Prompt: 20, MFA: 50, Deny: 100}})
	at := w.now.Add(-14 * time.Hour)
	before := w.evaluate(t, theft(at))
	for i := range 100 {
		d := w.evaluate(t, theft(at.Add(time.Duration(i)*time.Second)))
		if err := w.Apply(t.Context(), d); errors.Is(err, risk.ErrChallenged) {
			err := w.Complete(t.Context(), d.Login.UserID, d.ID, []risk.Outcome{risk.Abandoned, risk.Refused}[i%2])
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if after := w.evaluate(t, theft(at)); after.Score < before.Score {
		t.Errorf("the score fell from %d to %d", before.Score, after.Score)
	}
}

func TestDecisionsThatNobodyMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for _, d := range []risk.Decision{{}, {Action: "ALLOW"}, {Action: "yes", Login: home(w.now)}} {
		if err := w.Apply(t.Context(), d); !errors.Is(err, risk.ErrDenied) {
			t.Errorf("%q: %v", d.Action, err)
		}
	}
}

func TestFailedChallengeStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	w.enforcer.err = errors.New("no mail today")
	err := w.Apply(t.Context(), risk.Decision{Action: risk.MFARequired, Login: home(w.now)})
	if err == nil || errors.Is(err, risk.ErrChallenged) {
		t.Errorf("Apply: %v", err)
	}
}

type failingRecorder struct{}

func (failingRecorder) Record(context.Context, audit.Event) error { return errors.New("disk full") }

func TestWithoutAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	e, err := risk.New(w.detector, risk.Config{Enforcer: w.enforcer, Recorder: failingRecorder{}})
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[risk.Action]error{risk.Allow: audit.ErrNotRecorded, risk.Deny: risk.ErrDenied} {
		err := e.Apply(t.Context(), risk.Decision{Action: action, Login: home(w.now)})
		if !errors.Is(err, want) || !errors.Is(err, audit.ErrNotRecorded) {
			t.Errorf("%s: %v", action, err)
		}
	}
}

func TestShadow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{Shadow: true})
	d := w.evaluate(t, theft(w.now.Add(-14*time.Hour)))
	if d.Action != risk.Deny {
		t.Fatal(d.Explain())
	}
	if err := w.Apply(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	e := w.log.Events()[0]
	if e.Reason != "deny" || e.Metadata["shadow"] != "true" || len(w.enforcer.calls) != 0 {
		t.Errorf("recorded %+v, enforced %v", e, w.enforcer.calls)
	}
	if again := w.evaluate(t, theft(w.now.Add(-14*time.Hour))); again.Score < d.Score {
		t.Errorf("an unproved login was learnt: %d, then %d", d.Score, again.Score)
	}
	if _, err := risk.New(w.detector, risk.Config{Shadow: true}); err != nil {
		t.Error(err)
	}
}

func TestFirstLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	l := theft(w.now)
	l.UserID = "auth0|new"
	d := w.evaluate(t, l)
	if !d.First || d.Action == risk.Deny || !strings.Contains(d.Explain(), "initial_login") {
		t.Errorf("%s", d.Explain())
	}
}

type brokenStore struct{ anomaly.Store }

func (brokenStore) Load(context.Context, anomaly.Key, []byte) ([]byte, uint64, error) {
	return nil, 0, errors.New("store is down")
}

type brokenCounters struct{}

func (brokenCounters) Add(context.Context, []risk.Count) ([]risk.Tally, error) {
	return nil, errors.New("counters are down")
}

func TestMissingFactors(t *testing.T) {
	t.Parallel()
	down, err := anomaly.New(brokenStore{anomaly.NewMemory(0)}, keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for action, score := range map[risk.Action]int{"": 50, risk.Deny: 80, risk.PromptVerification: 20, risk.Allow: 19} {
		e, err := risk.New(down, risk.Config{OnMissing: action, Counters: brokenCounters{}, Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Evaluate(t.Context(), home(start))
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Missing) != 5 || d.Score < score && score != 19 || action == risk.Deny && d.Action != risk.Deny {
			t.Errorf("%q: %s", action, d.Explain())
		}
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 30 {
				l := home(w.now.Add(time.Duration(j) * time.Minute))
				l.UserID = fmt.Sprint("auth0|", i)
				if j%3 == 0 {
					if err := w.Failed(t.Context(), l); err != nil {
						t.Error(err)
					}
				}
				d, err := w.Evaluate(t.Context(), l)
				if err != nil {
					t.Error(err)
				}
				if err := w.Apply(t.Context(), d); err != nil && !errors.Is(err, risk.ErrChallenged) && !errors.Is(err, risk.ErrDenied) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkEvaluate(b *testing.B) {
	w := newWorld(b, risk.Config{})
	l := home(w.now)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Evaluate(ctx, l); err != nil {
			b.Fatal(err)
		}
	}
}
