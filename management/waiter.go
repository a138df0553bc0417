package management

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// waiter is one caller of acquire.
type waiter struct {
	ctx     context.Context
	limit   time.Duration // Negative: as long as ctx lets it.
	start   time.Time
	expired <-chan time.Time
}

// enter waits for the turn at b. It is false when the route has moved, or after
// a while if it is not known to be b's.
func (w *waiter) enter(b *bucket, moved <-chan struct{}, known bool) (bool, error) {
	select {
	case b.turn <- struct{}{}:
		return true, nil
	default:
	}
	var patience <-chan time.Time
	if !known {
		timer := time.NewTimer(probeEvery)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case b.turn <- struct{}{}:
		return true, nil
	case <-moved:
		return false, nil
	case <-patience:
		return false, nil
	case <-w.expired:
		return false, noRoom(0)
	case <-w.ctx.Done():
		return false, w.ended()
	}
}

// wait sleeps for delay, or until the bucket has changed. It fails at once when
// delay is more than the caller would wait.
func (w *waiter) wait(delay time.Duration, changed <-chan struct{}) error {
	if w.limit >= 0 && delay > w.limit-time.Since(w.start) {
		return noRoom(delay)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-changed:
		return nil
	case <-w.ctx.Done():
		return w.ended()
	}
}

// ended is for a context that has ended: by its deadline it was too short for
// the rate limit, canceled it says nothing about that.
func (w *waiter) ended() error {
	err := error(silent{w.ctx.Err(), "waiting for room in the bucket: " + describe(w.ctx.Err())})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", resource.ErrRateLimited, err)
	}
	return &resource.Error{Err: err}
}

// noRoom is the refusal without asking Auth0.
func noRoom(after time.Duration) error {
	return &resource.Error{RetryAfter: after, Err: fmt.Errorf("%w: no room in the bucket within Config.MaxWait", resource.ErrRateLimited)}
}
