// Package once makes one call for all who want its result at the same time.
//
// It is not built on golang.org/x/sync/singleflight: that has no way for one
// waiter to leave or for the work to end when nobody waits, and a panic under
// DoChan is raised again on a goroutine of its own, where nobody can recover it.
package once

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Call is a call that is made once for all who wait for it. Its zero value is
// ready. It is safe for concurrent use.
type Call[V any] struct {
	// Detach bounds a call that goes on when nobody waits for it any more.
	// Zero: it has no bound, and is canceled when the last one leaves.
	Detach time.Duration

	// Settle, if it is not nil, is given the outcomes of the last call and of
	// the one that has just ended, and returns the one to publish and remember.
	// It runs under a lock.
	Settle func(last, now Outcome[V]) Outcome[V]

	mu   sync.Mutex
	last Outcome[V]
	now  *flight[V] // Nil while no call is in progress.
}

// Outcome is how a call ended. Err is an *ExitError when it did not return.
type Outcome[V any] struct {
	Value V
	Err   error
	At    time.Time // Zero: no call has ended.
}

// flight is a call in progress. Call.mu guards waiters; outcome is set before
// done is closed.
type flight[V any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	outcome Outcome[V]
}

// Do waits for the call in progress. Without one it returns the last outcome if
// serves accepts that, and makes a call otherwise. Failures are thus remembered
// if serves accepts them, and for as long as it does; a nil serves accepts
// nothing. It runs under a lock, and only on the outcome of a call that has ended.
//
// f runs on a goroutine of its own, with the values of the ctx that began the
// call. When ctx ends first, Do returns its error.
func (c *Call[V]) Do(ctx context.Context, serves func(Outcome[V]) bool, f func(context.Context) (V, error)) (V, error) {
	now, last := c.join(ctx, serves, f, 1)
	if now == nil {
		return last.Value, last.Err
	}
	select {
	case <-now.done:
		return now.outcome.Value, now.outcome.Err
	case <-ctx.Done():
		c.leave(now)
		var none V
		return none, ended(ctx)
	}
}

// Start makes the call as Do does, but waits for nothing. Detach must be set.
func (c *Call[V]) Start(ctx context.Context, serves func(Outcome[V]) bool, f func(context.Context) (V, error)) {
	c.join(ctx, serves, f, 0)
}

// Last returns the last outcome.
func (c *Call[V]) Last() Outcome[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Forget drops the last outcome if match accepts it.
func (c *Call[V]) Forget(match func(Outcome[V]) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if match(c.last) {
		c.last = Outcome[V]{}
	}
}

// join returns the call in progress, or nil and the last outcome if that serves.
func (c *Call[V]) join(ctx context.Context, serves func(Outcome[V]) bool, f func(context.Context) (V, error), waiters int) (*flight[V], Outcome[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		if serves != nil && !c.last.At.IsZero() && serves(c.last) {
			return nil, c.last
		}
		ctx, cancel := c.apart(ctx)
		c.now = &flight[V]{done: make(chan struct{}), cancel: cancel}
		go c.run(ctx, c.now, f)
	}
	c.now.waiters += waiters
	return c.now, Outcome[V]{}
}

func (c *Call[V]) apart(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx = context.WithoutCancel(ctx); c.Detach > 0 {
		return context.WithTimeout(ctx, c.Detach)
	}
	return context.WithCancel(ctx)
}

func (c *Call[V]) run(ctx context.Context, now *flight[V], f func(context.Context) (V, error)) {
	o := Outcome[V]{Err: new(ExitError)}
	defer func() {
		if p := recover(); p != nil {
			o.Err = panicked(p)
		}
		o.At = time.Now()
		c.land(now, o)
	}()
	o.Value, o.Err = f(ctx)
}

// land publishes o. That of a call that was given up is not remembered.
func (c *Call[V]) land(now *flight[V], o Outcome[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer now.cancel()
	defer close(now.done)
	if c.now == now {
		if c.Settle != nil {
			o = c.Settle(c.last, o)
		}
		c.now, c.last = nil, o
	}
	now.outcome = o
}

func (c *Call[V]) leave(now *flight[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.waiters--; now.waiters > 0 || c.Detach > 0 {
		return
	}
	now.cancel()
	if c.now == now {
		c.now = nil
	}
}

// ended is the error of ctx, with its cause if that is another.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == err {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
