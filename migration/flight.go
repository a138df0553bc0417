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

	began time.Time
	users int
}

// boarding is how long after a flight began others may join it. Who comes later
// looks anew: by then the password at Auth0 may be another.
const boarding = 10 * time.Second

// flights are the logins in progress, by key; its size is that of the logins.
type flights struct {
	mu   sync.Mutex
	open map[string]*flight
}

// join returns the user's flight. leave must be called once.
func (s *flights) join(key string) (f *flight, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.open[key]
	if f == nil || time.Since(f.began) > boarding {
		f = &flight{began: time.Now()}
		if s.open == nil {
			s.open = make(map[string]*flight)
		}
		s.open[key] = f
	}
	f.users++
	return f, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f.users--; f.users == 0 && s.open[key] == f {
			delete(s.open, key)
		}
	}
}

// shared is a call that is made once and whose result all callers get.
type shared[T any] struct {
	mu   sync.Mutex
	done chan struct{}
	v    T
	err  error
}

// do makes the call, or waits for whoever makes it. The call goes on when its
// caller's context ends, because others wait for it.
func (s *shared[T]) do(ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	s.mu.Lock()
	if s.done == nil {
		s.done = make(chan struct{})
		go s.run(context.WithoutCancel(ctx), call)
	}
	s.mu.Unlock()
	select {
	case <-s.done:
		return s.v, s.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

func (s *shared[T]) run(ctx context.Context, call func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	defer close(s.done)
	s.v, s.err = call(ctx)
}
