package delegation

import (
	"context"
	"errors"
	"sync"
)

// workers is how many calls are made at once. *management.Client paces them to
// what the rate limit of the tenant leaves.
const workers = 4

// inParallel calls f for each of in and returns the results in their order. It
// starts no further calls after an error; errors are joined.
func inParallel[S, T any](ctx context.Context, in []S, f func(context.Context, S) (T, error)) ([]T, error) {
	out, errs := make([]T, len(in)), make([]error, len(in))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	places, wait := make(chan struct{}, workers), sync.WaitGroup{}
	for i := range in {
		places <- struct{}{}
		if ctx.Err() != nil {
			errs[i] = context.Cause(ctx)
			break
		}
		wait.Go(func() {
			defer func() { <-places }()
			if out[i], errs[i] = f(ctx, in[i]); errs[i] != nil {
				stop()
			}
		})
	}
	wait.Wait()
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
