package auditlog_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// stalling is a store whose sequencer stops at times, longer than its lease lasts.
type stalling struct {
	driver.Store
	stalls *atomic.Int64
}

func (s stalling) Seal(ctx context.Context, l driver.Lease, ttl time.Duration, sealing driver.Sealing) error {
	if rand.N(3) == 0 {
		s.stalls.Add(1)
		time.Sleep(rand.N(90 * time.Second))
	}
	return s.Store.Seal(ctx, l, ttl, sealing)
}

func TestStalledSequencersNeverFork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var stalls atomic.Int64
		store, seal := auditlog.NewMemoryStore(), newSeal(t)
		var logs []*auditlog.Log
		for range 3 {
			l := newLogWith(t, stalling{store, &stalls}, seal, auditlog.Config{})
			logs = append(logs, l)
			go l.Run(ctx)
		}
		var kept [][]byte
		const events = 300
		for i := range events {
			require.NoError(t, audit.Record(ctx, logs[i%3], event(fmt.Sprint("e", i))))
			time.Sleep(rand.N(3 * time.Second))
			if signed, err := logs[0].Checkpoint(ctx); err == nil && i%10 == 0 {
				kept = append(kept, signed)
			}
		}
		time.Sleep(10 * time.Minute)
		status, err := logs[0].Status(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, events, status.Size)
		v, err := logs[1].Verify(ctx, kept...)
		require.NoError(t, err)
		assert.EqualValues(t, events, v.Size)
		assert.Positive(t, stalls.Load())
		stop()
	})
}

func TestStatusShowsThatNobodySeals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
		require.NoError(t, audit.Record(t.Context(), l, event("e")))
		time.Sleep(time.Minute)
		s, err := l.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, &auditlog.Status{Unsealed: 1, SealingLag: time.Minute}, s)
		_, err = l.Checkpoint(t.Context())
		require.ErrorIs(t, err, auditlog.ErrNotSealed)
		_, err = l.Prove(t.Context(), "e")
		require.ErrorIs(t, err, auditlog.ErrNotSealed)
		_, err = l.Prove(t.Context(), "nobody")
		require.ErrorIs(t, err, auditlog.ErrNotFound)
	})
}

// down is a store that does not answer at times: before it has written, or after.
type down struct {
	driver.Store
	before, after atomic.Bool
}

var errDown = errors.New("connection reset")

func (d *down) Append(ctx context.Context, b driver.Batch) error {
	if d.before.Load() {
		return errDown
	}
	if err := d.Store.Append(ctx, b); err != nil || !d.after.Load() {
		return err
	}
	return errDown
}

func (d *down) Pending(ctx context.Context, limit int) ([]driver.Block, error) {
	if d.before.Load() {
		return nil, errDown
	}
	return d.Store.Pending(ctx, limit)
}

func TestStoreDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		store := &down{Store: auditlog.NewMemoryStore()}
		l := newLog(t, store, auditlog.Config{})
		go l.Run(ctx)
		require.NoError(t, audit.Record(ctx, l, event("first")))
		time.Sleep(5 * time.Second)

		store.before.Store(true)
		require.ErrorIs(t, audit.Record(ctx, l, event("lost")), errDown)
		time.Sleep(time.Minute)
		store.before.Store(false)
		store.after.Store(true)
		require.ErrorIs(t, audit.Record(ctx, l, event("unknown")), audit.ErrNotRecorded)
		store.after.Store(false)
		require.NoError(t, audit.Record(ctx, l, event("unknown")), "again, under the same id")
		time.Sleep(5 * time.Second)

		signed, err := l.Checkpoint(ctx)
		require.NoError(t, err)
		v, err := l.Verify(ctx, signed)
		require.NoError(t, err)
		assert.EqualValues(t, 2, v.Size, "Run went on after the store was back, and nothing is there twice")
		stop()
	})
}

func TestRecordWithAnEndedContext(t *testing.T) {
	t.Parallel()
	l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, audit.Record(ctx, l, event("e")), context.Canceled)
}

func TestRefusedEventsLeaveNothing(t *testing.T) {
	t.Parallel()
	store := auditlog.NewMemoryStore()
	l := newLog(t, store, auditlog.Config{})
	good := event("e")
	good.Time = time.Now()
	for name, breakIt := range map[string]func(*audit.Event){
		"ID": func(e *audit.Event) { e.ID = "" }, "Time": func(e *audit.Event) { e.Time = time.Time{} },
		"Time before": func(e *audit.Event) { e.Time = time.Unix(-1, 0) }, "Time after": func(e *audit.Event) { e.Time = e.Time.AddDate(9000, 0, 0) },
		"Action": func(e *audit.Event) { e.Action = "x" }, "IP": func(e *audit.Event) { e.IP = "x" },
	} {
		e := good
		breakIt(&e)
		require.Error(t, l.Record(t.Context(), e), name)
	}
	rows, err := store.Query(t.Context(), driver.Filter{}, 10)
	require.NoError(t, err)
	assert.Empty(t, rows)
	subjects, err := store.List(t.Context(), "subject", "", false, 10)
	require.NoError(t, err)
	assert.Empty(t, subjects)
}

func TestClockThatGoesBack(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Now: clock})
	for _, step := range []time.Duration{0, time.Second, -time.Millisecond, -time.Hour, 0, time.Minute} {
		mu.Lock()
		now = now.Add(step)
		mu.Unlock()
		e := event(fmt.Sprint("e", step))
		e.ID = ""
		require.NoError(t, audit.Record(t.Context(), l, e))
	}
	var steps []string
	for e, err := range l.Query(t.Context(), auditlog.Filter{Action: "audit.clock_back"}) {
		require.NoError(t, err)
		if e.Metadata != nil {
			steps = append(steps, e.Metadata["by"])
		}
	}
	assert.Equal(t, []string{"1h0m0.001s"}, steps)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for {
		s, err := l.Status(t.Context())
		require.NoError(t, err)
		if s.Unsealed == 0 {
			break
		}
		time.Sleep(time.Millisecond) // Run is in another goroutine
	}
	stop()
	require.ErrorIs(t, <-done, context.Canceled)
	signed, err := l.Checkpoint(t.Context())
	require.NoError(t, err)
	_, err = l.Verify(t.Context(), signed)
	require.NoError(t, err)
}

// That the clock went back is in the log also when the store was down at that moment.
func TestClockThatGoesBackWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	var back atomic.Int64
	store := &down{Store: auditlog.NewMemoryStore()}
	l := newLog(t, store, auditlog.Config{Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }})
	put(t, l, event("a"))
	back.Store(int64(time.Hour))
	store.before.Store(true)
	require.ErrorIs(t, audit.Record(t.Context(), l, event("b")), errDown)
	store.before.Store(false)
	put(t, l, event("c"), event("d"))
	rows, err := store.Query(t.Context(), driver.Filter{Action: "audit.clock_back"}, 9)
	require.NoError(t, err)
	assert.Len(t, rows, 1)
}

// Events that are recorded at once share transactions.
func TestConcurrentRecordsShareTransactions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: auditlog.NewMemoryStore()}
		l := newLog(t, store, auditlog.Config{})
		require.NoError(t, audit.Record(t.Context(), l, event("first")))
		before := store.appends.Load()
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() { assert.NoError(t, audit.Record(t.Context(), l, event(fmt.Sprint("e", i%900)))) })
		}
		wg.Wait()
		assert.LessOrEqual(t, store.appends.Load()-before, int64(5))
		rows, err := store.Query(t.Context(), driver.Filter{Type: "session"}, 2000)
		require.NoError(t, err)
		assert.Len(t, rows, 901)
	})
}

type slow struct {
	driver.Store
	appends atomic.Int64
}

func (s *slow) Append(ctx context.Context, b driver.Batch) error {
	s.appends.Add(1)
	time.Sleep(10 * time.Millisecond)
	return s.Store.Append(ctx, b)
}
