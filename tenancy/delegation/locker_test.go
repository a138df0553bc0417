package delegation

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoryLocker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &memoryLocker{queue: make(map[string]*turn)}
		held, unlock, err := l.Lock(t.Context(), "org_1")
		require.NoError(t, err)
		_, unlockOther, err := l.Lock(t.Context(), "org_2")
		require.NoError(t, err, "another organization")

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err = l.Lock(short, "org_1")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		var wait sync.WaitGroup
		inside := 0 // The lock guards it; the race detector looks.
		for range 8 {
			wait.Go(func() {
				_, unlock, err := l.Lock(t.Context(), "org_1")
				assert.NoError(t, err)
				inside++
				time.Sleep(time.Second)
				unlock()
			})
		}
		require.NoError(t, held.Err())
		unlock()
		require.Error(t, held.Err())
		unlockOther()
		wait.Wait()
		require.Equal(t, 8, inside)
		require.Empty(t, l.queue, "nothing is kept of organizations that nobody locks")
	})
}

// lossy is a Locker that loses its lock at once.
type lossy struct{}

func (lossy) Lock(ctx context.Context, _ string) (context.Context, func(), error) {
	held, lose := context.WithCancelCause(ctx)
	lose(ErrLockLost)
	return held, func() {}, nil
}

// closed is a Locker that cannot be reached.
type closed struct{}

func (closed) Lock(context.Context, string) (context.Context, func(), error) {
	return nil, nil, errors.New("no database")
}

func TestLockIsLost(t *testing.T) {
	t.Parallel()
	a := &Admin{s: &Service{cfg: Config{Locker: lossy{}}}}
	err := a.locked(t.Context(), "org_1", func(ctx context.Context) error { return ctx.Err() })
	require.ErrorIs(t, err, ErrLockLost)
	require.NoError(t, a.locked(t.Context(), "org_1", func(context.Context) error { return nil }), "what was done was done")

	a.s.cfg.Locker = closed{}
	err = a.locked(t.Context(), "org_1", func(context.Context) error { panic("without the lock") })
	require.ErrorContains(t, err, "no database")
}
