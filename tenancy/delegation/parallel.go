package delegation

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// workers is how many calls are made at once. *management.Client paces them to
// what the rate limit of the tenant leaves.
const workers = 4

var errExited = errors.New("delegation: a callback has ended its goroutine")

// inParallel calls f for each of in and returns the results in their order. It
// starts no further calls after an error. A panic of f, which may be a callback's, is
// the caller's.
func inParallel[S, T any](ctx context.Context, in []S, f func(context.Context, S) (T, error)) ([]T, error) {
	out, errs := make([]T, len(in)), make([]error, len(in))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	places, wait := make(chan struct{}, workers), sync.WaitGroup{}
	var odd atomic.Pointer[any]
	for i := range in {
		places <- struct{}{}
		if ctx.Err() != nil {
			errs[i] = context.Cause(ctx)
			break
		}
		wait.Go(func() {
			defer func() { <-places }()
			defer func() {
				if p := recover(); p != nil {
					odd.Store(&p)
				}
				if errs[i] != nil {
					stop()
				}
			}()
			errs[i] = errExited // Unless f returns.
			out[i], errs[i] = f(ctx, in[i])
		})
	}
	wait.Wait()
	if p := odd.Load(); p != nil {
		panic(*p)
	}
	return out, errors.Join(first(errs)...)
}

// first leaves out the errors that only say that another one stopped the calls.
func first(errs []error) []error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return []error{err}
		}
	}
	return errs
}
