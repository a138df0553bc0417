package risktest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// service is an Engine over the decisions under test, in which a first login and a
// new device need a second factor.
type service struct {
	*risk.Engine
	profiles *anomaly.Detector
}

func newService(t *testing.T, d risk.Decisions) service {
	t.Helper()
	keys := [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
	profiles, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := risk.New(profiles, risk.Config{
		Decisions: d, Keys: keys, OnFirst: risk.MFARequired,
		OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}, Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return service{e, profiles}
}

func login(user, device string) risk.Login {
	return risk.Login{Attempt: anomaly.Attempt{UserID: user, Time: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), IP: netip.MustParseAddr("81.1.1.1"), DeviceID: device}}
}

// challenge starts one and returns its id.
func (s service) challenge(t *testing.T, user, device string) string {
	t.Helper()
	d, err := s.Evaluate(t.Context(), login(user, device))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), d); !errors.Is(err, risk.ErrChallenged) {
		t.Fatalf("Apply: %v", err)
	}
	return d.ID
}

// completed ends a challenge at once from so many sides, and returns how many got
// through.
func (s service) completed(t *testing.T, sides int, user, id string) int {
	t.Helper()
	var won atomic.Int32
	var wg sync.WaitGroup
	for range sides {
		wg.Go(func() {
			switch err := s.Complete(t.Context(), user, id, risk.StepUpPassed); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, risk.ErrNoDecision):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return int(won.Load())
}

// earlier is how many logins of a user were learned.
func (s service) earlier(t *testing.T, user string) float32 {
	t.Helper()
	a, err := s.profiles.Assess(t.Context(), login(user, "laptop").Attempt)
	if err != nil {
		t.Fatal(err)
	}
	return a.Earlier
}

// nothing fails unless nothing is kept about a user.
func (s service) nothing(t *testing.T, d risk.Decisions, user string) {
	t.Helper()
	if n := s.earlier(t, user); n != 0 {
		t.Errorf("%v logins are known of a user who was forgotten", n)
	}
	kept, err := d.List(t.Context(), user)
	if err != nil || len(kept) != 0 {
		t.Errorf("%d decisions are kept about a user who was forgotten, %v", len(kept), err)
	}
}

func completesOnce(t *testing.T, d risk.Decisions) {
	s := newService(t, d)
	id := s.challenge(t, "u", "laptop")
	if won := s.completed(t, 16, "u", id); won != 1 {
		t.Errorf("%d of 16 got through", won)
	}
	if n := s.earlier(t, "u"); n != 1 {
		t.Errorf("%v logins were learned", n)
	}
}

func completesLate(t *testing.T, d risk.Decisions) {
	s := newService(t, d)
	id := s.challenge(t, "u", "laptop")
	if err := s.Forget(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	for _, o := range []risk.Outcome{risk.StepUpPassed, risk.Refused, risk.Abandoned} {
		if err := s.Complete(t.Context(), "u", id, o); !errors.Is(err, risk.ErrNoDecision) {
			t.Errorf("%s: %v", o, err)
		}
	}
	s.nothing(t, d, "u")
}

// overtaken are decisions of a user who is forgotten after each Take.
type overtaken struct {
	risk.Decisions
	forget func()
}

func (o *overtaken) Take(ctx context.Context, userID, id, outcome string, now time.Time) ([]byte, error) {
	sealed, err := o.Decisions.Take(ctx, userID, id, outcome, now)
	o.forget()
	return sealed, err
}

func completesOvertaken(t *testing.T, d risk.Decisions) {
	o := &overtaken{Decisions: d}
	s := newService(t, o)
	o.forget = func() {
		if err := s.Forget(t.Context(), "u"); err != nil {
			t.Error(err)
		}
	}
	if won := s.completed(t, 1, "u", s.challenge(t, "u", "laptop")); won != 0 {
		t.Error("who was forgotten got through")
	}
	s.nothing(t, d, "u")
}

func completesAtOnce(t *testing.T, d risk.Decisions) {
	s := newService(t, d)
	for i := range 20 {
		user := fmt.Sprint("user ", i)
		id := s.challenge(t, user, "laptop")
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Forget(t.Context(), user); err != nil {
				t.Error(err)
			}
		})
		if won := s.completed(t, 2, user, id); won > 1 {
			t.Error("both got through")
		}
		wg.Wait()
		s.nothing(t, d, user)
	}
}

// completesOld: later records, which may push an older one out of what is listed or
// kept, take nothing away from the user.
func completesOld(t *testing.T, d risk.Decisions) {
	s := newService(t, d)
	if won := s.completed(t, 1, "u", s.challenge(t, "u", "laptop")); won != 1 {
		t.Fatal("the first login did not get through")
	}
	id := s.challenge(t, "u", "phone")
	later := time.Now().Add(time.Second).Truncate(time.Millisecond)
	for i := range risk.MaxRecords {
		r := risk.Record{ID: fmt.Sprint("later ", i), At: later, Until: later, Sealed: []byte("sealed")}
		if err := d.Put(t.Context(), "u", r); err != nil {
			t.Fatal(err)
		}
	}
	if n, won := s.earlier(t, "u"), s.completed(t, 1, "u", id); s.earlier(t, "u") != n+float32(won) {
		t.Errorf("%v logins are known, after %v and %d", s.earlier(t, "u"), n, won)
	}
}
