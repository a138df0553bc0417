package migration

import (
	"context"
	"sync"
)

// parallel calls f for 0 to n-1, at most limit at a time, and returns the first
// error, which ends the context of the others.
func parallel(ctx context.Context, limit, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for i := range n {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			once.Do(func() { first = ctx.Err() })
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(ctx, i); err != nil {
				once.Do(func() { first = err })
				cancel(err)
			}
		})
	}
	wg.Wait()
	return first
}

// together calls all of fs at once, as parallel does.
func together(ctx context.Context, fs ...func(context.Context) error) error {
	return parallel(ctx, len(fs), len(fs), func(ctx context.Context, i int) error { return fs[i](ctx) })
}
