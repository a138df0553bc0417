package migration

import (
	"context"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// flight is what overlapping logins of one user share: the look whether it is at
// Auth0, and its creation. Nobody shares a proof.
type flight struct {
	there  shared[bool]
	create shared[*resource.User]

	began   time.Time
	created time.Time // zero until the creation has succeeded
}

// boarding is how long after a flight began others may join it, at most. Who
// comes later looks anew: by then the password at Auth0 may be another.
const boarding = 10 * time.Second

// flights are the logins of the last seconds, by key.
type flights struct {
	mu   sync.Mutex
	open map[string]*flight
}

// join returns the user's flight for a login that began at that time. It is that
// of the others if the login overlaps with them: if it began before their
// creation had succeeded.
func (s *flights) join(key string, began time.Time) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	f := s.open[key]
	if f == nil || time.Since(f.began) > boarding || !f.created.IsZero() && began.After(f.created) {
		f = &flight{began: time.Now()}
		if s.open == nil {
			s.open = make(map[string]*flight)
		}
		s.open[key] = f
	}
	return f
}

// sweep drops some of the flights that nobody can join any more: each login adds
// one at most and looks at more, so their number follows that of the logins.
func (s *flights) sweep() {
	looked := 0
	for key, f := range s.open {
		if time.Since(f.began) > boarding {
			delete(s.open, key)
		}
		if looked++; looked == 4 {
			return
		}
	}
}

// landed notes that f has created its user.
func (s *flights) landed(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.created = time.Now()
}

// shared is a call that is made once and whose result all callers get. A failure
// is shared by those who waited for it; who comes after it makes the call again.
type shared[T any] struct {
	mu   sync.Mutex
	last *call[T]
}

type call[T any] struct {
	done chan struct{}
	v    T
	err  error
}

// do makes the call, or waits for whoever makes it. The call goes on when its
// caller's context ends, because others wait for it.
func (s *shared[T]) do(ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	c := s.join(ctx, f)
	select {
	case <-c.done:
		return c.v, c.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

func (s *shared[T]) join(ctx context.Context, f func(context.Context) (T, error)) *call[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || s.last.failed() {
		s.last = &call[T]{done: make(chan struct{})}
		go s.last.run(context.WithoutCancel(ctx), f)
	}
	return s.last
}

// failed reports whether the call is over and has failed.
func (c *call[T]) failed() bool {
	select {
	case <-c.done:
		return c.err != nil
	default:
		return false
	}
}

func (c *call[T]) run(ctx context.Context, f func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	defer close(c.done)
	c.v, c.err = f(ctx)
}
