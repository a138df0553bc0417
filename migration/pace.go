package migration

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

// pauses are those between repeated calls.
var pauses = retry.Backoff{First: 500 * time.Millisecond, Last: time.Minute}

const (
	maxAttempts = 8 // about two minutes of an outage; a run that gives up can be started again

	shortPoll = 250 * time.Millisecond
	longPoll  = 10 * time.Second
)

// passing reports whether a call that can be repeated should be.
func passing(err error) bool {
	return errors.Is(err, resource.ErrRateLimited) || errors.Is(err, resource.ErrUnavailable) ||
		errors.Is(err, resource.ErrOutcomeUnknown)
}

// backoff is the wait before the attempt after the nth, with jitter, or what
// Auth0 asked for when that is longer.
func backoff(n int, err error) time.Duration {
	d := pauses.Pause(n)
	if e, ok := errors.AsType[*resource.Error](err); ok {
		d = max(d, e.RetryAfter)
	}
	return d
}

// patiently calls op, which can be repeated, until the tenant answers.
func patiently[T any](ctx context.Context, op func() (T, error)) (T, error) {
	for n := 1; ; n++ {
		v, err := op()
		if err == nil || n == maxAttempts || !passing(err) || ctx.Err() != nil {
			return v, err
		}
		if err := retry.Sleep(ctx, backoff(n, err)); err != nil {
			return v, err
		}
	}
}

// pace learns how long an import job takes, so that its end is seen soon after
// it comes and yet asked for rarely. It is safe for concurrent use.
type pace struct {
	mu      sync.Mutex
	average time.Duration
}

func (p *pace) learn(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.average == 0 {
		p.average = took
		return
	}
	p.average += (took - p.average) / 4
}

func (p *pace) typical() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.average
}

// first is the wait before the first look at a job: nearly all of what jobs take.
func (p *pace) first() time.Duration { return max(shortPoll, p.typical()*19/20) }

// next is the wait after a look in vain at a job that has been running for
// elapsed: an eightieth of that, so that a slot never stands empty for more than
// a small share of the time; or what Auth0 says is left, rounded up to seconds.
func next(elapsed, left time.Duration) time.Duration {
	step := min(max(shortPoll, elapsed/80), longPoll)
	return max(step, min(left-time.Second, longPoll))
}

// slot is the wait for a job slot that somebody else has had for elapsed.
func slot(elapsed time.Duration) time.Duration { return next(elapsed, 0) + rand.N(shortPoll) }
