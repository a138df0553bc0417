package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

var raceTests = map[string]func(*testing.T, Harness){
	"a revoked session stays dead":             raceResurrection,
	"a login under way does not survive":       raceLogin,
	"no update is lost":                        raceLostUpdate,
	"a fixated token dies at step-up":          raceFixation,
	"a renewed token is dead after its grace":  raceRenew,
	"a request under way revives nothing":      raceHeldRequest,
	"a user never has more than MaxPerUser":    raceLimit,
	"only one of parallel renewals gets a new": raceParallelRenew,
}

// Clock is a time that tests move by hand. It is safe for concurrent use.
type Clock struct{ ms atomic.Int64 }

// NewClock returns a clock that stands at t.
func NewClock(t time.Time) *Clock {
	c := &Clock{}
	c.ms.Store(t.UnixMilli())
	return c
}

// Now is for session.Config.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// managers are two processes on one store. Every request of theirs touches.
func managers(t *testing.T, h Harness, clock *Clock) (a, b *session.Manager) {
	t.Helper()
	cfg := session.Config{
		TouchEvery: time.Millisecond, MaxPerUser: 3, Now: clock.Now,
		Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
	}
	var err error
	if a, err = session.New(h.Store, cfg); err != nil {
		t.Fatal(err)
	}
	if b, err = session.New(h.Again, cfg); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func login(t *testing.T, m *session.Manager, l session.Login) (session.Token, *session.Session) {
	t.Helper()
	token, s, err := m.Create(t.Context(), l)
	if err != nil {
		t.Fatalf("Create = %v", err)
	}
	return token, s
}

// wantDead wants that the token opens nothing, whatever is tried.
func wantDead(t *testing.T, m *session.Manager, token session.Token, why string) {
	t.Helper()
	_, err := m.Validate(t.Context(), token)
	if !dead(err) {
		t.Fatalf("%s: Validate = %v", why, err)
	}
	err = m.Update(t.Context(), token, func(p []byte) ([]byte, error) { return p, nil })
	if !dead(err) {
		t.Fatalf("%s: Update = %v", why, err)
	}
}

func dead(err error) bool {
	return errors.Is(err, driver.ErrRevoked) || errors.Is(err, driver.ErrNone) || errors.Is(err, driver.ErrExpired)
}

// busy is what a session's parallel requests do. It returns the tokens they got.
func busy(ctx context.Context, t *testing.T, a, b *session.Manager, token session.Token) func() []session.Token {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var tokens []session.Token
	try := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil && !dead(err) && !errors.Is(err, session.ErrSuperseded) {
				t.Errorf("a parallel request: %v", err)
			}
		})
	}
	for _, m := range []*session.Manager{a, b} {
		try(func() error { _, err := m.Validate(ctx, token); return err })
		try(func() error {
			return m.Update(ctx, token, func(p []byte) ([]byte, error) { return append(p, '.'), nil })
		})
		try(func() error {
			renewed, err := m.Renew(ctx, token)
			mu.Lock()
			tokens = append(tokens, renewed)
			mu.Unlock()
			return err
		})
	}
	return func() []session.Token { wg.Wait(); return tokens }
}

func raceResurrection(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	for round := range h.Rounds {
		user, sid := fmt.Sprintf("auth0|%d", round), fmt.Sprintf("sid%d", round)
		token, s := login(t, a, session.Login{UserID: user, SID: sid, AuthTime: clock.Now(), Payload: []byte("p")})
		clock.Advance(time.Minute)
		wait := busy(t.Context(), t, a, b, token)
		var err error
		switch round % 5 {
		case 0:
			err = b.Revoke(t.Context(), token)
		case 1:
			err = b.RevokeID(t.Context(), user, s.ID)
		case 2:
			err = b.RevokeUser(t.Context(), user)
		case 3:
			err = b.RevokeSID(t.Context(), sid)
		case 4:
			err = b.RevokeEveryone(t.Context())
		}
		if err != nil {
			t.Fatalf("revoking: %v", err)
		}
		wantDead(t, b, token, "requests under way")
		for _, renewed := range append(wait(), token) {
			wantDead(t, a, renewed, "after all requests")
		}
		if list, err := a.List(t.Context(), user); err != nil || len(list) > 0 {
			t.Fatalf("round %d: List = %+v, %v", round, list, err)
		}
	}
}

// raceLogin creates while the user, the SID or everyone is revoked: whichever
// is first, the session must not survive.
func raceLogin(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	for round := range h.Rounds {
		user, sid := fmt.Sprintf("auth0|%d", round), fmt.Sprintf("sid%d", round)
		authenticated := clock.Now()
		clock.Advance(time.Second)
		var wg sync.WaitGroup
		var token session.Token
		var err error
		wg.Go(func() {
			token, _, err = a.Create(t.Context(), session.Login{UserID: user, SID: sid, AuthTime: authenticated})
		})
		revoke := []func() error{
			func() error { return b.RevokeUser(t.Context(), user) },
			func() error { return b.RevokeSID(t.Context(), sid) },
			func() error { return b.RevokeEveryone(t.Context()) },
		}[round%3]
		if err := revoke(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if err != nil && !errors.Is(err, driver.ErrRevoked) {
			t.Fatalf("Create = %v", err)
		}
		wantDead(t, a, token, fmt.Sprintf("round %d: a login that was under way", round))
		if list, err := a.List(t.Context(), user); err != nil || len(list) > 0 {
			t.Fatalf("round %d: List = %+v, %v", round, list, err)
		}
	}
}

func raceLostUpdate(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	const writers = 4
	for round := range (h.Rounds + writers - 1) / writers {
		token, _ := login(t, a, session.Login{UserID: fmt.Sprintf("auth0|%d", round)})
		clock.Advance(time.Second)
		var wg sync.WaitGroup
		for i := range writers {
			m := []*session.Manager{a, b}[i%2]
			wg.Go(func() {
				mark := []byte{byte('a' + i)}
				err := m.Update(t.Context(), token, func(p []byte) ([]byte, error) { return append(bytes.Clone(p), mark...), nil })
				if err != nil {
					t.Errorf("Update = %v", err)
				}
			})
			wg.Go(func() { // the read-only request that overwrites in other libraries
				if _, err := m.Validate(t.Context(), token); err != nil {
					t.Errorf("Validate = %v", err)
				}
			})
		}
		wg.Go(func() {
			if _, err := a.Renew(t.Context(), token); err != nil {
				t.Errorf("Renew = %v", err)
			}
		})
		wg.Wait()
		s, err := b.Validate(t.Context(), token) // in its grace
		if err != nil {
			t.Fatal(err)
		}
		for i := range writers {
			if bytes.Count(s.Payload, []byte{byte('a' + i)}) != 1 {
				t.Fatalf("round %d: the payload is %q, want each of %d letters once", round, s.Payload, writers)
			}
		}
	}
}

func raceFixation(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	for round := range h.Rounds {
		token, _ := login(t, a, session.Login{UserID: fmt.Sprintf("auth0|%d", round), AMR: []string{"pwd"}})
		clock.Advance(time.Minute)
		wait := busy(t.Context(), t, a, b, token)
		current := token
		stepped, err := b.StepUp(t.Context(), current, clock.Now(), "otp", "mfa")
		if errors.Is(err, session.ErrSuperseded) { // one of the parallel requests has renewed it
			for _, renewed := range wait() {
				if renewed != "" {
					current = renewed
				}
			}
			stepped, err = b.StepUp(t.Context(), current, clock.Now(), "otp", "mfa")
		}
		if err != nil {
			t.Fatalf("StepUp = %v", err)
		}
		wantDead(t, a, current, "the token before StepUp")
		wantDead(t, b, token, "the token before StepUp")
		for _, old := range append(wait(), token) {
			wantDead(t, a, old, "a token before StepUp")
		}
		s, err := a.Validate(t.Context(), stepped)
		if err != nil {
			t.Fatalf("the new token: %v", err)
		}
		if _, amr := s.Authentication(); fmt.Sprint(amr) != "[pwd otp mfa]" {
			t.Fatalf("amr = %v", amr)
		}
	}
}

func raceRenew(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	for round := range h.Rounds / 3 {
		token, s := login(t, a, session.Login{UserID: fmt.Sprintf("auth0|%d", round)})
		clock.Advance(time.Second)
		wait := busy(t.Context(), t, a, b, token)
		var current session.Token
		for _, renewed := range wait() {
			if renewed != "" {
				current = renewed
			}
		}
		clock.Advance(10 * time.Second)
		wantDead(t, a, token, "the renewed token after 10 s")
		got, err := b.Validate(t.Context(), current)
		if err != nil || got.ID != s.ID || !got.ExpiresAt.Equal(s.ExpiresAt) {
			t.Fatalf("the new token: %+v, %v; want the same session with the same deadline", got, err)
		}
	}
}

// raceHeldRequest is the race of scs without luck: a request has read the
// session, logout happens, and then the request writes.
func raceHeldRequest(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	for round := range 20 {
		token, _ := login(t, a, session.Login{UserID: fmt.Sprintf("auth0|%d", round)})
		err := a.Update(t.Context(), token, func(p []byte) ([]byte, error) {
			if err := b.Revoke(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			return []byte("written after logout"), nil
		})
		wantError(t, "Update", err, driver.ErrRevoked)
		wantDead(t, b, token, "logout during an update")
	}
}

func raceLimit(t *testing.T, h Harness) {
	clock := NewClock(start)
	a, b := managers(t, h, clock)
	var wg sync.WaitGroup
	for i := range 30 {
		m := []*session.Manager{a, b}[i%2]
		wg.Go(func() {
			if _, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|1"}); err != nil {
				t.Errorf("Create = %v", err)
			}
		})
	}
	wg.Wait()
	if list, err := a.List(t.Context(), "auth0|1"); err != nil || len(list) != 3 {
		t.Fatalf("%d sessions, %v; want 3", len(list), err)
	}
}

func raceParallelRenew(t *testing.T, h Harness) {
	a, b := managers(t, h, NewClock(start))
	for round := range h.Rounds / 10 {
		token, _ := login(t, a, session.Login{UserID: fmt.Sprintf("auth0|%d", round)})
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range 6 {
			m := []*session.Manager{a, b}[i%2]
			wg.Go(func() {
				switch _, err := m.Renew(t.Context(), token); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, session.ErrSuperseded):
					t.Errorf("Renew = %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of 6 renewed, want one", won.Load())
		}
	}
}
