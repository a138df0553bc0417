package actions

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"
)

// waiter runs the steps of one event, one after the other. A step that waits runs in
// a goroutine of its own, so that one that does not come back can be given up on.
type waiter struct {
	c     *Commands
	done  chan error
	timer *time.Timer
}

func newWaiter(t Trigger) *waiter {
	return &waiter{c: &Commands{trigger: t, staged: new(Result)}}
}

func (w *waiter) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// run runs a step until its time is over. The commands are not to be read after an
// error that is none of the step's.
func (w *waiter) run(ctx context.Context, s *Step, e *Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.quick {
		return s.call(ctx, e, w.c)
	}
	patience := cmp.Or(s.Timeout, defaultStepTimeout)
	if w.done == nil {
		w.done = make(chan error, 1)
	}
	if w.timer == nil {
		w.timer = time.NewTimer(patience)
	} else {
		w.timer.Reset(patience)
	}
	own := &stepContext{Context: ctx, end: time.Now().Add(patience)}
	defer own.stop()
	done, c := w.done, w.c
	go func() { done <- s.call(own, e, c) }()
	select {
	case err := <-done:
		return err
	case <-w.timer.C:
		w.done = nil // It may still be written to.
		return context.DeadlineExceeded
	case <-ctx.Done():
		w.done = nil
		return ctx.Err()
	}
}

func (s *Step) call(ctx context.Context, e *Event, c *Commands) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return s.Run(ctx, e, c)
}

// stepContext ends with a step's time. Most steps never ask for Done, and a timer for
// each would be the largest part of what a pipeline costs.
type stepContext struct {
	context.Context
	end time.Time

	mu     sync.Mutex
	timed  context.Context
	cancel context.CancelFunc
}

func (s *stepContext) Deadline() (time.Time, bool) {
	if d, ok := s.Context.Deadline(); ok && d.Before(s.end) {
		return d, true
	}
	return s.end, true
}

func (s *stepContext) Done() <-chan struct{} { return s.with().Done() }

func (s *stepContext) Err() error {
	s.mu.Lock()
	timed := s.timed
	s.mu.Unlock()
	switch {
	case timed != nil:
		return timed.Err()
	case s.Context.Err() != nil:
		return s.Context.Err()
	case !time.Now().Before(s.end):
		return context.DeadlineExceeded
	}
	return nil
}

func (s *stepContext) with() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timed == nil {
		s.timed, s.cancel = context.WithDeadline(s.Context, s.end)
	}
	return s.timed
}

// stop ends the context: a step that was given up on learns of it.
func (s *stepContext) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timed == nil {
		s.timed, s.cancel = ended, func() {}
	}
	s.cancel()
}

var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
