package once

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errOdd = errors.New("odd")

// after returns value and err after a second, or the error of its context.
func after(calls *atomic.Int32, value int, err error) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		calls.Add(1)
		select {
		case <-time.After(time.Second):
			return value, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func succeeded(last Outcome[int]) bool { return last.Err == nil }

func TestAllWhoWaitShareOneCall(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errOdd} {
		synctest.Test(t, func(t *testing.T) {
			var c Call[int]
			var calls atomic.Int32
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					got, gotErr := c.Do(t.Context(), nil, after(&calls, 7, err))
					assert.Equal(t, 7, got)
					assert.ErrorIs(t, gotErr, err)
				})
			}
			wg.Wait()
			assert.EqualValues(t, 1, calls.Load())
		})
	}
}

func TestOutcomesServeAsLongAsTheyAreAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Call[int]
		var calls atomic.Int32
		young := func(last Outcome[int]) bool { return time.Since(last.At) < time.Minute }
		ask := func(serves func(Outcome[int]) bool, err error) error {
			_, got := c.Do(t.Context(), serves, after(&calls, 7, err))
			return got
		}
		require.ErrorIs(t, ask(young, errOdd), errOdd) // Before the first call nothing serves.
		require.ErrorIs(t, ask(young, nil), errOdd)    // A failure that is remembered,
		require.NoError(t, ask(succeeded, nil))        // and one that is not.
		require.NoError(t, ask(succeeded, errOdd))
		require.EqualValues(t, 2, calls.Load())
		time.Sleep(time.Minute)
		require.ErrorIs(t, ask(young, errOdd), errOdd)
		require.EqualValues(t, 3, calls.Load())
		c.Forget(func(last Outcome[int]) bool { return last.Err == nil })
		require.ErrorIs(t, c.Last().Err, errOdd)
		c.Forget(func(last Outcome[int]) bool { return last.Err != nil })
		require.Zero(t, c.Last())
	})
}

func TestWaiterLeavesWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Call[int]
		var calls atomic.Int32
		first, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Do(first, nil, after(&calls, 7, nil))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		caused, leave := context.WithCancelCause(t.Context())
		wg.Go(func() {
			_, err := c.Do(caused, nil, after(&calls, 7, nil))
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorIs(t, err, errOdd)
		})
		wg.Go(func() {
			got, err := c.Do(t.Context(), nil, after(&calls, 8, nil))
			assert.NoError(t, err)
			assert.Equal(t, 7, got)
		})
		synctest.Wait()
		leave(errOdd)
		wg.Wait()
		assert.EqualValues(t, 1, calls.Load())
	})
}

func TestCallEndsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Call[int]
		ended := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Do(ctx, nil, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			time.Sleep(time.Minute) // It does not listen.
			return 7, nil
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, <-ended, context.Canceled)
		var calls atomic.Int32
		got, err := c.Do(t.Context(), nil, after(&calls, 8, nil)) // Who comes now does not wait for it,
		require.NoError(t, err)
		require.Equal(t, 8, got)
		time.Sleep(time.Hour)
		require.Equal(t, 8, c.Last().Value) // and its outcome is not remembered.
	})
}

func TestDetachedCallGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Call[int]{Detach: 10 * time.Second}
		var calls atomic.Int32
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := c.Do(ctx, nil, after(&calls, 7, nil))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Second)
		require.Equal(t, 7, c.Last().Value)

		c.Start(t.Context(), succeeded, after(&calls, 8, nil)) // It has one.
		time.Sleep(time.Second)
		require.Equal(t, 7, c.Last().Value)
		c.Start(t.Context(), nil, after(&calls, 8, nil))
		synctest.Wait()
		got, err := c.Do(t.Context(), nil, after(&calls, 9, nil))
		require.NoError(t, err)
		require.Equal(t, 8, got)

		_, err = c.Do(t.Context(), nil, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestSettleDecidesWhatIsPublished(t *testing.T) {
	t.Parallel()
	c := Call[int]{Settle: func(last, now Outcome[int]) Outcome[int] {
		if now.Err != nil && last.Value != 0 {
			return last
		}
		return now
	}}
	for _, f := range []func(context.Context) (int, error){
		func(context.Context) (int, error) { return 7, nil },
		func(context.Context) (int, error) { return 0, errOdd },
		func(context.Context) (int, error) { panic("odd") },
		func(context.Context) (int, error) { runtime.Goexit(); return 0, nil },
	} {
		got, err := c.Do(t.Context(), nil, f)
		require.NoError(t, err)
		require.Equal(t, 7, got)
	}
}

// What would end the process, or leave all waiters alone for ever, is their error.
func TestCallThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	var nothing map[string]int
	for name, tc := range map[string]struct {
		die  func()
		want string
	}{
		"panic":   {func() { panic("secret of ada@example.com") }, "the call panicked in github.com/auth0kit/auth0kit/internal/once.TestCallThatDoesNotReturn.func1, line "},
		"error":   {func() { panic(errOdd) }, " with a *errors.errorString"},
		"runtime": {func() { nothing["a"] = 1 }, ": assignment to entry in nil map"},
		"nil":     {func() { panic(nil) }, "panic called with nil argument"},
		"goexit":  {runtime.Goexit, "the call ended its goroutine (runtime.Goexit)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c Call[int]
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						got, err := c.Do(t.Context(), nil, func(context.Context) (int, error) {
							time.Sleep(time.Second)
							tc.die()
							return 7, nil
						})
						assert.Zero(t, got)
						e, ok := errors.AsType[*ExitError](err)
						if assert.True(t, ok, "%v", err) {
							assert.Contains(t, e.Error(), tc.want)
							assert.NotErrorIs(t, err, errOdd)
							assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", e, e, e, e), "secret")
						}
					})
				}
				wg.Wait()
				got, err := c.Do(t.Context(), succeeded, func(context.Context) (int, error) { return 8, nil })
				assert.NoError(t, err)
				assert.Equal(t, 8, got)
			})
		})
	}
}

// Waiters come and go while calls end, fail, panic and are forgotten.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, detach := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := Call[int]{Detach: detach}
			var running, calls atomic.Int32
			var wg sync.WaitGroup
			for n := range 200 {
				wg.Go(func() {
					time.Sleep(time.Duration(n%17) * time.Millisecond)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+n%13)*time.Millisecond)
					defer cancel()
					got, err := c.Do(ctx, succeeded, func(ctx context.Context) (int, error) {
						if detach > 0 {
							assert.EqualValues(t, 1, running.Add(1))
							defer running.Add(-1)
						}
						time.Sleep(5 * time.Millisecond)
						switch calls.Add(1) % 3 {
						case 0:
							panic("odd")
						case 1:
							return 0, errOdd
						}
						return 7, ctx.Err()
					})
					assert.Equal(t, err == nil, got == 7)
					if n%10 == 0 {
						c.Forget(func(Outcome[int]) bool { return true })
					}
				})
			}
			wg.Wait()
			time.Sleep(time.Minute) // What nobody waits for ends before the bubble does.
			assert.Zero(t, running.Load())
		})
	}
}
