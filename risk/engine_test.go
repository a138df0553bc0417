package risk_test

import (
	"context"
	"encoding/json"
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
	"github.com/auth0kit/auth0kit/risk/risktest"
)

func TestMemoryCounters(t *testing.T) {
	t.Parallel()
	risktest.Run(t, func(*testing.T) risktest.Harness {
		return risktest.Harness{Counters: risk.NewMemoryCounters(0), Other: risk.NewMemoryCounters(0)}
	})
}

func TestMemoryCountersAreBounded(t *testing.T) {
	t.Parallel()
	c := risk.NewMemoryCounters(1000)
	at := time.Now()
	count := func(key, member string) risk.Tally {
		got, err := c.Add(t.Context(), []risk.Count{{Key: key, Member: member, Window: time.Hour, At: at}})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	count("old", "m")
	for i := range 20_000 {
		count(fmt.Sprint("flood ", i), "m")
		count("kept", "m")
	}
	if got := count("kept", ""); got.Events != 20_000 {
		t.Errorf("a key in use has %+v", got)
	}
	if got := count("old", ""); got.Events != 0 {
		t.Errorf("a key from long ago has %+v", got)
	}
}

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
	d, err := anomaly.New(anomaly.NewMemory(0), anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := world{detector: d, enforcer: &enforcer{}, log: audit.NewMemory()}
	cfg.Recorder = w.log
	if w.Engine, err = risk.New(d, w.enforcer, cfg); err != nil {
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
	if err := w.Complete(t.Context(), d, risk.StepUpPassed); !errors.Is(err, risk.ErrDenied) {
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
	if err := w.Complete(t.Context(), d, risk.Allowed); !errors.Is(err, risk.ErrDenied) {
		t.Errorf("a challenged login was completed as allowed: %v", err)
	}
	// The decision waits in a session.
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var later risk.Decision
	if err := json.Unmarshal(text, &later); err != nil {
		t.Fatal(err)
	}
	if err := w.Complete(t.Context(), later, risk.StepUpPassed); err != nil {
		t.Fatal(err)
	}
	if again := w.evaluate(t, trip(w)); again.Score >= d.Score {
		t.Errorf("nothing was learnt: score %d, then %d", d.Score, again.Score)
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
	for i := range 1000 {
		d := before
		d.Login = theft(at.Add(time.Duration(i) * time.Second))
		if err := w.Complete(t.Context(), d, []risk.Outcome{risk.Abandoned, risk.Refused}[i%2]); err != nil {
			t.Fatal(err)
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
	e, err := risk.New(w.detector, w.enforcer, risk.Config{Recorder: failingRecorder{}})
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
	if _, err := risk.New(w.detector, nil, risk.Config{Shadow: true}); err != nil {
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

func (brokenStore) Load(context.Context, string, []byte) ([]byte, uint64, error) {
	return nil, 0, errors.New("store is down")
}

type brokenCounters struct{}

func (brokenCounters) Add(context.Context, []risk.Count) ([]risk.Tally, error) {
	return nil, errors.New("counters are down")
}

func TestMissingFactors(t *testing.T) {
	t.Parallel()
	down, err := anomaly.New(brokenStore{anomaly.NewMemory(0)}, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for action, score := range map[risk.Action]int{"": 50, risk.Deny: 80, risk.PromptVerification: 20, risk.Allow: 19} {
		e, err := risk.New(down, &enforcer{}, risk.Config{OnMissing: action, Counters: brokenCounters{}})
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

type factor struct {
	name   string
	odds   float64
	detail string
	err    error
}

func (f factor) Name() string { return f.name }
func (f factor) Assess(context.Context, risk.Login) (float64, string, error) {
	return f.odds, f.detail, f.err
}

func TestCustomFactors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{Factors: []risk.Factor{
		factor{"much", 1000, "told", nil}, factor{"little", -1000, "", nil}, factor{"broken", 1, "", errors.New("x")},
	}})
	d := w.evaluate(t, home(w.now))
	if odds(d, "much") != risk.MaxFactor || odds(d, "little") != -risk.MaxFactor || !slices.Equal(d.Missing, []string{"broken"}) {
		t.Errorf("%s", d.Explain())
	}
	for _, f := range [][]risk.Factor{{nil}, {factor{}}, {factor{name: "new_device"}}, {factor{name: "a"}, factor{name: "a"}}} {
		if _, err := risk.New(w.detector, w.enforcer, risk.Config{Factors: f}); err == nil {
			t.Errorf("%v was accepted", f)
		}
	}
}

func TestStuffingFromOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 40 {
		l := theft(w.now.Add(time.Duration(i) * time.Second))
		l.UserID = fmt.Sprint("guess ", i)
		if err := w.Failed(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	l := home(w.now.Add(time.Minute))
	if got := odds(w.evaluate(t, l), "suspicious_activity"); got != 0 {
		t.Errorf("another address: %v", got)
	}
	l.IP = netip.MustParseAddr("177.1.1.1")
	d := w.evaluate(t, l)
	if got := odds(d, "suspicious_activity"); got < 2 || !strings.Contains(d.Explain(), "users failing from the address") {
		t.Errorf("%s", d.Explain())
	}
	l.Time = l.Time.Add(3 * time.Hour)
	if got := odds(w.evaluate(t, l), "suspicious_activity"); got != 0 {
		t.Errorf("three hours later: %v", got)
	}
}

// TestNobodyLocksAUserOut: wrong passwords of others add little to a login that
// is as always.
func TestNobodyLocksAUserOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 1000 {
		l := theft(w.now.Add(time.Duration(i) * time.Second))
		if err := w.Failed(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	d := w.evaluate(t, home(w.now.Add(20*time.Minute)))
	if got := odds(d, "suspicious_activity"); got <= 0 || d.Action != risk.Allow {
		t.Errorf("%s", d.Explain())
	}
}

func TestVelocity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for i := range 100 {
		l := theft(w.now)
		l.UserID = fmt.Sprint("user ", i)
		w.evaluate(t, l)
	}
	if got := odds(w.evaluate(t, theft(w.now)), "suspicious_activity"); got <= 0 {
		t.Error("a hundred users from one address add nothing")
	}
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	in := `{"confidence":"low","version":"1","assessments":{
		"NewDevice":{"confidence":"low","code":"no_match","details":{"device":"unknown"}},
		"ImpossibleTravel":{"confidence":"low","code":"assessment_not_available"},
		"UntrustedIP":{"confidence":"high","code":"not_found_on_deny_list"}}}`
	got, err := risk.ParseAuth0([]byte(in))
	if err != nil || len(got) != 2 || got["NewDevice"] != "low" || got["UntrustedIP"] != "high" {
		t.Fatalf("%v, %v", got, err)
	}
	w := newWorld(t, risk.Config{})
	l := home(w.now)
	l.Auth0 = got
	if d := w.evaluate(t, l); odds(d, "auth0") != 0.8 {
		t.Errorf("%s", d.Explain())
	}
	l.Auth0 = map[string]string{"A": "low", "B": "low", "C": "low", "D": "LOW"}
	if d := w.evaluate(t, l); odds(d, "auth0") != 1.5 {
		t.Errorf("%s", d.Explain())
	}
	for _, none := range []string{"null", "{}"} {
		if got, err := risk.ParseAuth0([]byte(none)); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", none, got, err)
		}
	}
	if _, err := risk.ParseAuth0([]byte("<html>")); err == nil {
		t.Error("HTML was accepted")
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	prefixes := func(list ...string) (out []netip.Prefix) {
		for _, p := range list {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	f, err := risk.Networks("tor", 1, prefixes("10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32", "192.0.2.8/31", "::/128"))
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]float64{
		"10.0.0.0": 1, "10.255.255.255": 1, "10.1.2.3": 1, "9.255.255.255": 0, "11.0.0.0": 0, "192.0.2.7": 1, "192.0.2.6": 0,
		"192.0.2.9": 1, "192.0.2.10": 0, "2001:db8:ffff::1": 1, "2001:db9::": 0, "::ffff:10.2.3.4": 1, "::": 1, "::1": 0, "255.255.255.255": 0,
	} {
		got, _, err := f.Assess(t.Context(), risk.Login{Attempt: anomaly.Attempt{IP: netip.MustParseAddr(ip)}})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", ip, got, err, want)
		}
	}
	if got, _, err := f.Assess(t.Context(), risk.Login{}); err != nil || got != 0 {
		t.Errorf("no address: %v, %v", got, err)
	}
	if _, err := risk.Networks("tor", 2, nil); err == nil {
		t.Error("log-odds of 2 were accepted")
	}
	if _, err := risk.Networks("tor", 1, []netip.Prefix{{}}); err == nil {
		t.Error("an invalid prefix was accepted")
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	bad := home(w.now)
	bad.UserID = ""
	d, err := w.Evaluate(t.Context(), bad)
	if !errors.Is(err, anomaly.ErrInvalid) || d.Action != "" {
		t.Errorf("no user: %v, %v", d, err)
	}
	if err := w.Apply(t.Context(), d); !errors.Is(err, risk.ErrDenied) {
		t.Errorf("Apply after an error: %v", err)
	}
	for _, l := range []risk.Login{{}, bad} {
		if err := w.Failed(t.Context(), l); err == nil {
			t.Errorf("Failed accepted %v", l)
		}
	}
	long := home(w.now)
	long.UserID = strings.Repeat("x", 1<<20)
	if err := w.Failed(t.Context(), long); err != nil {
		t.Errorf("a tried name of 1 MB: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := w.Evaluate(ctx, home(w.now)); !errors.Is(err, context.Canceled) || d.Action != "" {
		t.Errorf("cancelled: %v, %v", d, err)
	}
	if err := w.Complete(t.Context(), risk.Decision{Login: home(w.now), Action: risk.Allow}, 9); err == nil {
		t.Error("outcome 9 was accepted")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	for name, cfg := range map[string]risk.Config{
		"bands": {Bands: risk.Bands{Prompt: 50, MFA: 20, Deny: 80}}, "high bands": {Bands: risk.Bands{Prompt: 1, MFA: 2, Deny: 101}},
		"OnMissing": {OnMissing: "mfa"}, "model": {Model: &anomaly.Model{}},
	} {
		if _, err := risk.New(w.detector, w.enforcer, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := risk.New(nil, w.enforcer, risk.Config{}); err == nil {
		t.Error("no assessor was accepted")
	}
	if _, err := risk.New(w.detector, nil, risk.Config{}); err == nil {
		t.Error("no enforcer was accepted")
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	history := func(yield func(risk.Past, error) bool) {
		for day := range 20 {
			l := home(start.Add(time.Duration(day) * 24 * time.Hour))
			l.UserID = "auth0|bob"
			if !yield(risk.Past{Login: l, Outcome: risk.Allowed}, nil) {
				return
			}
		}
		wrong, stolen := theft(w.now), theft(w.now)
		wrong.UserID, stolen.UserID = "auth0|bob", "auth0|bob"
		yield(risk.Past{Login: wrong, Outcome: risk.Refused}, nil)
		yield(risk.Past{Login: stolen, Outcome: risk.Abandoned}, nil)
	}
	r, err := w.Replay(t.Context(), history)
	if err != nil {
		t.Fatal(err)
	}
	if r.Logins != 21 || r.Refused != 1 || r.First != 1 || r.Actions[risk.Allow] != 20 {
		t.Errorf("%+v", r)
	}
	if got := r.Share(risk.Allow); got < 0.95 || got > 0.96 {
		t.Errorf("share %v", got)
	}
	if cut := r.Cut(0.05); cut < 1 || cut > 100 || r.Cut(1) != 0 {
		t.Errorf("cut %d, %d", cut, r.Cut(1))
	}
	if len(w.log.Actions()) != 0 || len(w.enforcer.calls) != 0 {
		t.Errorf("replay recorded %v and enforced %v", w.log.Actions(), w.enforcer.calls)
	}
	failing := func(yield func(risk.Past, error) bool) { yield(risk.Past{}, errors.New("cut off")) }
	if _, err := w.Replay(t.Context(), failing); err == nil {
		t.Error("a broken history was accepted")
	}
}

func TestNothingPersonalInTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, risk.Config{})
	d := w.evaluate(t, theft(w.now))
	text := fmt.Sprintf("%v %+v %s %#v %s", d, d, d, d, d.Explain()) + d.LogValue().String() + d.Login.LogValue().String()
	for _, secret := range []string{"ada@example.com", "177.1.1.1", "Mozilla", "other"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
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
				if err := w.Apply(t.Context(), d); err != nil && !errors.Is(err, risk.ErrChallenged) {
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
