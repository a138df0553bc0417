package session_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// auth0 is a Revoker that notes what it is told, and fails while it shall.
type auth0 struct {
	mu     sync.Mutex
	told   []string
	at     []time.Time
	fail   error
	before func(what string)
}

func (a *auth0) tell(what string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Now())
	if a.before != nil {
		a.before(what)
	}
	if a.fail != nil {
		return a.fail
	}
	a.told = append(a.told, what)
	return nil
}

func (a *auth0) RevokeSession(_ context.Context, sid string) error { return a.tell("session " + sid) }
func (a *auth0) RevokeAccess(_ context.Context, id string) error   { return a.tell("access " + id) }

func (a *auth0) fails(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = err
}

func (a *auth0) tries() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.at)
}

func (a *auth0) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.told)
}

func newManager(t *testing.T, store *session.Memory, cfg session.Config) *session.Manager {
	t.Helper()
	m, err := session.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// running runs m until the returned function is called.
func running(t *testing.T, m *session.Manager) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
	}
}

func mustLogin(t *testing.T, m *session.Manager, l session.Login) session.Token {
	t.Helper()
	l.AuthTime = time.Now()
	token, _, err := m.Create(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestAuth0Follows: 7.1.3: each verb ends the sessions at Auth0 that it should,
// after the local ones.
func TestAuth0Follows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, a := session.NewMemory(), &auth0{}
		m := newManager(t, store, session.Config{Revoker: a, Outbox: store, MaxPerUser: 3})
		a.before = func(what string) {
			if list, err := m.List(t.Context(), "u"); what == "session s1" && (err != nil || len(list) > 0) {
				t.Errorf("Auth0 is told of %s before the session is dead here", what)
			}
		}
		defer running(t, m)()
		verbs := []func() error{
			func() error { return m.Revoke(t.Context(), mustLogin(t, m, session.Login{UserID: "u", SID: "s1"})) },
			func() error { return m.Revoke(t.Context(), mustLogin(t, m, session.Login{UserID: "u"})) },
			func() error { return m.RevokeSID(t.Context(), "s2") },
			func() error { return m.RevokeUser(t.Context(), "u") },
			func() error {
				time.Sleep(11 * time.Minute) // so that what has ended before is not told again
				kept := mustLogin(t, m, session.Login{UserID: "u", SID: "s3"})
				mustLogin(t, m, session.Login{UserID: "u", SID: "s3"}) // the same session at Auth0
				mustLogin(t, m, session.Login{UserID: "u", SID: "s4"})
				return m.RevokeOthers(t.Context(), kept)
			},
			func() error {
				list, err := m.List(t.Context(), "u")
				if err != nil {
					return err
				}
				return m.RevokeID(t.Context(), "u", list[0].ID)
			},
			func() error {
				for _, sid := range []string{"s5", "s6", "s7", "s8", "s8", "s8"} { // evicts s5, s6 and s7
					mustLogin(t, m, session.Login{UserID: "u", SID: sid})
					time.Sleep(time.Millisecond)
				}
				mustLogin(t, m, session.Login{UserID: "u", SID: "s8"}) // evicts s8, and is s8
				return nil
			},
			func() error { return m.RevokeEveryone(t.Context()) },
		}
		for i, verb := range verbs {
			if err := verb(); err != nil {
				t.Fatalf("verb %d: %v", i, err)
			}
			time.Sleep(5 * time.Second)
		}
		want := []string{"access u", "session s1", "session s2", "session s3", "session s4", "session s5", "session s6", "session s7"}
		got := a.all()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("Auth0 was told %q, want %q", got, want)
		}
	})
}

// TestAuth0IsToldAgain: what fails is told again, later each time, also by the
// process after a restart, and given up after a day.
func TestAuth0IsToldAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, a, log := session.NewMemory(), &auth0{fail: errors.New("503")}, audit.NewMemory()
		cfg := session.Config{Revoker: a, Outbox: store, Recorder: log}
		m := newManager(t, store, cfg)
		if err := m.Revoke(t.Context(), mustLogin(t, m, session.Login{UserID: "u", SID: "s1"})); err != nil {
			t.Fatal(err)
		}
		stop := running(t, m)
		time.Sleep(10 * time.Minute)
		stop()
		at := a.tries()
		if n := len(at); n < 7 || n > 14 {
			t.Fatalf("%d tries in 10 minutes", n)
		}
		if first, last := at[1].Sub(at[0]), at[len(at)-1].Sub(at[len(at)-2]); last < 10*first {
			t.Fatalf("tries are %v apart at first and %v at last", first, last)
		}
		a.fails(nil)
		stop = running(t, newManager(t, store, cfg)) // the next process
		time.Sleep(6 * time.Minute)
		if got := a.all(); !slices.Equal(got, []string{"session s1"}) {
			t.Fatalf("Auth0 was told %q", got)
		}

		a.fails(errors.New("503"))
		if err := m.RevokeUser(t.Context(), "u"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		a.fails(nil)
		time.Sleep(time.Hour)
		stop()
		if got := a.all(); len(got) != 1 {
			t.Fatalf("Auth0 was told %q after a day", got)
		}
		last := log.Events()[len(log.Events())-1]
		if last.Action != "session.auth0_revoke" || last.Reason != "gave_up" {
			t.Fatalf("the last event is %+v", last)
		}
	})
}

// notFound is Auth0's answer for a session that has ended there already.
type notFound struct{}

func (notFound) Error() string  { return "404" }
func (notFound) NotFound() bool { return true }

func TestAuth0HasNothingLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, a := session.NewMemory(), &auth0{fail: notFound{}}
		m := newManager(t, store, session.Config{Revoker: a, Outbox: store})
		defer running(t, m)()
		if err := m.RevokeSID(t.Context(), "s1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n := len(a.tries()); n != 1 {
			t.Fatalf("Auth0 was told %d times of a session that is gone there", n)
		}
	})
}

// failingOutbox cannot keep a job.
type failingOutbox struct{ driver.Outbox }

func (failingOutbox) Enqueue(context.Context, driver.Job) error { return errors.New("disk full") }

func TestRevokedThoughAuth0CannotBeTold(t *testing.T) {
	t.Parallel()
	store := session.NewMemory()
	m := newManager(t, store, session.Config{Revoker: &auth0{}, Outbox: failingOutbox{store}})
	token := mustLogin(t, m, session.Login{UserID: "u", SID: "s1"})
	wantErr(t, "Revoke", m.Revoke(t.Context(), token), session.ErrUnavailable)
	wantInvalid(t, m, token, session.ErrRevoked)
}

func TestRunSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := session.NewMemory()
		m := newManager(t, store, session.Config{})
		defer running(t, m)()
		token := mustLogin(t, m, session.Login{UserID: "u"})
		time.Sleep(time.Hour + 2*time.Minute)
		wantInvalid(t, m, token, session.ErrNone)
	})
}
