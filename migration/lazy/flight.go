package lazy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/once"
	"github.com/auth0kit/auth0kit/management/resource"
)

// flight is what overlapping logins of one user share: the look whether it is at
// Auth0, and its creation. Nobody shares a proof.
type flight struct {
	there  once.Call[bool]
	create once.Call[*resource.User]

	began   time.Time
	looked  time.Time // zero until the look is over
	knocked time.Time // zero until somebody has proved the password
	created time.Time // zero until the creation has succeeded
}

// boarding is how long after a flight began others may join it, at most. Who
// comes later looks again: by then the password at Auth0 may be another.
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
		f.there.Detach, f.create.Detach = createTimeout, createTimeout
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

// answered notes that the look is over, and proved that somebody has proved the
// password: a creation is under way.
func (s *flights) answered(f *flight) { s.note(&f.looked) }
func (s *flights) proved(f *flight)   { s.note(&f.knocked) }

func (s *flights) note(at *time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*at = time.Now()
}

// serves reports whether the answer of a look is one for a login that began at
// that time: it was under way then, or led to a creation. With an answer that is kept
// from a refused login, the next refusal would need no question and come sooner than
// a stranger's.
func (s *flights) serves(f *flight, began time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.looked.IsZero() || began.Before(f.looked) || !f.knocked.IsZero()
}

// landed notes that f has created its user.
func (s *flights) landed(f *flight) { s.note(&f.created) }

// share makes a call of a flight, or waits for whoever makes it. It goes on when
// its caller's context ends, because others wait for it. A failure is shared by
// those who waited for it; who comes after it makes the call again.
func share[V any](ctx context.Context, c *once.Call[V], serves func() bool, f func(context.Context) (V, error)) (V, error) {
	v, err := c.Do(ctx, func(last once.Outcome[V]) bool { return last.Err == nil && serves() }, f)
	if _, died := errors.AsType[*once.ExitError](err); died {
		err = fmt.Errorf("lazy: %w", err)
	}
	return v, err
}
