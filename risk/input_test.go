package risk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

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
	if err := w.Complete(t.Context(), "auth0|ada", "id", 9); err == nil {
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
		if _, err := risk.New(w.detector, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := risk.New(nil, risk.Config{}); err == nil {
		t.Error("no assessor was accepted")
	}
	if _, err := risk.New(w.detector, risk.Config{Counters: risk.NewMemoryCounters(0)}); err == nil || !strings.Contains(err.Error(), "Config.Keys") {
		t.Errorf("shared counters without shared keys: %v", err)
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
