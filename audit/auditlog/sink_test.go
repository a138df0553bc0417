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
)

// receiver takes deliveries, and does with each what the test says.
type receiver struct {
	mu     sync.Mutex
	answer func(d auditlog.Delivery) (take bool, err error)
	taken  map[string][]string // Ids, by key.
	order  []string            // Ids as they were taken first.
	points int
	all    []auditlog.Entry
}

func newReceiver() *receiver { return &receiver{taken: map[string][]string{}} }

func (r *receiver) deliver(_ context.Context, d auditlog.Delivery) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	take, err := true, error(nil)
	if r.answer != nil {
		take, err = r.answer(d)
	}
	if !take {
		return err
	}
	if d.Checkpoint != nil {
		r.points++
		return err
	}
	var ids []string
	for _, e := range d.Entries {
		ids = append(ids, e.ID)
	}
	if before, known := r.taken[d.Key]; known {
		if fmt.Sprint(before) != fmt.Sprint(ids) {
			panic("one key for two deliveries")
		}
		return err
	}
	r.taken[d.Key] = ids
	r.order = append(r.order, ids...)
	r.all = append(r.all, d.Entries...)
	return err
}

func (r *receiver) set(answer func(auditlog.Delivery) (bool, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.order...)
}

// entries are what it has, and points how many checkpoints.
func (r *receiver) entries() []auditlog.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]auditlog.Entry{}, r.all...)
}

func (r *receiver) checkpoints() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.points
}

var errNo = errors.New("secret text of the receiver")

func never(auditlog.Delivery) (bool, error) { return false, errNo }

func sinkTo(name string, p auditlog.Policy, r *receiver) auditlog.Sink {
	return auditlog.Sink{Name: name, Policy: p, Deliver: r.deliver, Filter: auditlog.Filter{Type: "session"}}
}

// A receiver that loses answers and processes that end in the middle change nothing:
// every event comes, in order, and each key once.
func TestDurableSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, s, r := auditlog.NewMemoryStore(), newSeal(t), newReceiver()
		r.set(func(auditlog.Delivery) (bool, error) {
			switch rand.N(4) {
			case 0:
				return false, errNo // not taken
			case 1:
				return true, errNo // taken, and the answer is lost
			}
			return true, nil
		})
		sink := sinkTo("siem", auditlog.Durable, r)
		sink.Checkpoints = true
		cfg := auditlog.Config{Sinks: []auditlog.Sink{sink}}
		var want []string
		for range 12 {
			ctx, stop := context.WithCancel(t.Context())
			var done sync.WaitGroup
			var logs []*auditlog.Log
			for range 2 {
				l := newLogWith(t, store, s, cfg)
				logs = append(logs, l)
				done.Go(func() { _ = l.Run(ctx) })
			}
			time.Sleep(2 * time.Second)
			for i := range rand.N(350) {
				id := fmt.Sprintf("e%05d", len(want))
				put(t, logs[i%2], event(id))
				want = append(want, id)
			}
			time.Sleep(rand.N(5 * time.Second))
			stop()
			done.Wait()
		}
		ctx, stop := context.WithCancel(t.Context())
		l := newLogWith(t, store, s, cfg)
		go l.Run(ctx)
		time.Sleep(3 * time.Hour)
		assert.Equal(t, want, r.ids())
		assert.Positive(t, r.checkpoints())
		status, err := l.Sinks(ctx)
		require.NoError(t, err)
		assert.Equal(t, auditlog.Active, status[0].State)
		assert.Zero(t, status[0].Waiting)
		assert.Empty(t, status[0].LastError)
		stop()
	})
}

func TestRequiredSink(t *testing.T) {
	t.Parallel()
	r := newReceiver()
	l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{sinkTo("archive", auditlog.Required, r)}})
	put(t, l, event("e1"))
	assert.Equal(t, []string{"e1"}, r.ids())
	r.set(never)
	err := audit.Record(t.Context(), l, event("e2"))
	require.ErrorIs(t, err, audit.ErrNotRecorded)
	assert.NotContains(t, err.Error(), errNo.Error())
	put(t, l, audit.Event{ID: "other", Type: "login", Action: "login.s"}) // which it does not want
	batch := auditlog.Batch{Source: "s", Cursor: "1", Events: []audit.Event{{ID: "i1", Time: time.Now(), Type: "session", Action: "session.x"}}}
	_, err = l.Ingest(t.Context(), batch)
	require.Error(t, err)
	r.set(nil)
	put(t, l, event("e2"))
	_, err = l.Ingest(t.Context(), batch)
	require.NoError(t, err)
	assert.Equal(t, []string{"e1", "e2", "i1"}, r.ids())
	require.ErrorIs(t, l.PauseSink(t.Context(), "archive", "r"), auditlog.ErrNoSink)
}

func TestBestEffortSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{sinkTo("metrics", auditlog.BestEffort, r)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		put(t, l, event("e1"))
		time.Sleep(5 * time.Second)
		r.set(never)
		for i := range 7 {
			put(t, l, event(fmt.Sprint("lost", i)))
		}
		time.Sleep(10 * time.Minute)
		r.set(nil)
		put(t, l, event("e2"))
		time.Sleep(10 * time.Minute)
		assert.Equal(t, []string{"e1", "e2"}, r.ids())
		var gaps int
		for e, err := range l.Query(ctx, auditlog.Filter{Action: "audit.sink_gap"}) {
			require.NoError(t, err)
			gaps++
			assert.Equal(t, audit.Failure, e.Outcome)
			assert.Equal(t, "7", e.Metadata["events"])
		}
		assert.Equal(t, 1, gaps)
		status, err := l.Sinks(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 7, status[0].Dropped)
		stop()
	})
}

// stateOf returns what the log says of its only sink.
func stateOf(t *testing.T, l *auditlog.Log) func() auditlog.SinkStatus {
	return func() auditlog.SinkStatus {
		t.Helper()
		s, err := l.Sinks(t.Context())
		require.NoError(t, err)
		return s[0]
	}
}

func TestSinkIsDisabledAndReplayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{GiveUp: time.Hour, Sinks: []auditlog.Sink{sinkTo("siem", auditlog.Durable, r)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		start := time.Now()
		put(t, l, event("e1"))
		time.Sleep(time.Minute)
		r.set(never)
		put(t, l, event("e2"))
		state := stateOf(t, l)
		time.Sleep(50 * time.Minute)
		assert.Equal(t, auditlog.Active, state().State)
		assert.Equal(t, "failed", state().LastError)
		assert.InDelta(t, 50*time.Minute, state().Lag, float64(2*time.Second))
		time.Sleep(30 * time.Minute)
		assert.Equal(t, auditlog.Disabled, state().State)
		r.set(nil)
		time.Sleep(time.Hour)
		assert.Equal(t, []string{"e1"}, r.ids(), "a disabled sink is left alone")
		require.NoError(t, l.ResumeSink(ctx, "siem", time.Time{}))
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"e1", "e2"}, r.ids())
		assert.Zero(t, state().Lag)

		require.Error(t, l.PauseSink(ctx, "siem", ""))
		require.NoError(t, l.PauseSink(ctx, "siem", "maintenance"))
		put(t, l, event("e3"))
		time.Sleep(time.Hour)
		assert.Len(t, r.ids(), 2)
		require.NoError(t, l.ResumeSink(ctx, "siem", start.Add(30*time.Second))) // a replay of e2 and what follows
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"e1", "e2", "e3"}, dedup(r.ids()))
		var actions []string
		for e, err := range l.Query(ctx, auditlog.Filter{Subject: audit.Ref{Kind: "sink", ID: "siem"}}) {
			require.NoError(t, err)
			actions = append(actions, e.Action)
		}
		assert.Equal(t, []string{"audit.sink_disable", "audit.sink_resume", "audit.sink_pause", "audit.sink_resume"}, actions[:4], "and the query itself")
		require.ErrorIs(t, l.ResumeSink(ctx, "nobody", time.Time{}), auditlog.ErrNoSink)
		stop()
	})
}

// Retention does not wait for a sink that is paused: what it removed is a gap of the sink's, once.
func TestRetentionWhileASinkIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, store, seal := newReceiver(), auditlog.NewMemoryStore(), newSeal(t)
		l := newLogWith(t, store, seal, auditlog.Config{Sinks: []auditlog.Sink{sinkTo("siem", auditlog.Durable, r)}})
		inRun(t, l)
		time.Sleep(2 * time.Second)
		put(t, l, event("before"))
		time.Sleep(5 * time.Second)
		require.NoError(t, l.PauseSink(t.Context(), "siem", "maintenance"))
		for i := range 3 {
			old := event(fmt.Sprint("old", i))
			old.Time = time.Now().AddDate(0, -3, 0)
			put(t, l, old)
		}
		put(t, l, event("after"))
		time.Sleep(5 * time.Second)
		plan, err := l.PlanExpiry(t.Context(), time.Now())
		require.NoError(t, err)
		assert.Equal(t, 3, plan.Events)
		require.NoError(t, l.Apply(t.Context(), plan))
		require.NoError(t, l.ResumeSink(t.Context(), "siem", time.Time{}))
		time.Sleep(5 * time.Minute)
		put(t, l, event("later"))
		time.Sleep(5 * time.Minute)
		assert.Equal(t, []string{"before", "after", "later"}, r.ids())
		var gaps []string
		for e, err := range l.Query(t.Context(), auditlog.Filter{Action: "audit.sink_gap"}) {
			require.NoError(t, err)
			gaps = append(gaps, e.Metadata["events"])
		}
		assert.Equal(t, []string{"3"}, gaps)
		status, err := l.Sinks(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 3, status[0].Dropped)
	})
}

// A clock that was far ahead when a sink began to fail keeps it neither from being given up nor
// its gap from the log.
func TestFailingSinkAfterTheClockWentBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy auditlog.Policy
		action string
	}{{auditlog.Durable, "audit.sink_disable"}, {auditlog.BestEffort, "audit.sink_gap"}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			var ahead atomic.Int64
			r := newReceiver()
			l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{
				GiveUp: time.Hour, Sinks: []auditlog.Sink{sinkTo("siem", c.policy, r)},
				Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
			})
			go l.Run(ctx)
			time.Sleep(2 * time.Second)
			r.set(never)
			ahead.Store(int64(1000 * time.Hour))
			put(t, l, event("e1"))
			time.Sleep(30 * time.Second)
			ahead.Store(0)
			time.Sleep(2 * time.Hour)
			var found int
			for e, err := range l.Query(ctx, auditlog.Filter{Action: c.action}) {
				require.NoError(t, err)
				assert.Equal(t, audit.Failure, e.Outcome)
				found++
			}
			assert.Equal(t, 1, found, c.action)
			stop()
		})
	}
}

func dedup(ids []string) []string {
	seen, out := map[string]bool{}, []string{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// One event that a receiver never takes does not hold up the others.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{sinkTo("siem", auditlog.Durable, r)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		r.set(func(d auditlog.Delivery) (bool, error) {
			for _, e := range d.Entries {
				if e.ID == "poison" {
					return false, fmt.Errorf("%w: 422", auditlog.ErrRejected)
				}
			}
			return true, nil
		})
		put(t, l, event("e1"), event("poison"), event("e2"))
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"e1", "e2"}, r.ids())
		status, err := l.Sinks(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 1, status[0].DeadLetters)
		n, err := l.Redeliver(ctx, "siem")
		require.NoError(t, err)
		assert.Zero(t, n)
		r.set(nil)
		n, err = l.Redeliver(ctx, "siem")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, []string{"e1", "e2", "poison"}, r.ids())
		status, err = l.Sinks(ctx)
		require.NoError(t, err)
		assert.Zero(t, status[0].DeadLetters)
		stop()
	})
}

// Only a sink that says so gets people in clear.
func TestCleartext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		clear, hidden, waited := newReceiver(), newReceiver(), newReceiver()
		open := sinkTo("clear", auditlog.Durable, clear)
		open.Cleartext = true
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{open, sinkTo("hidden", auditlog.Durable, hidden), sinkTo("waited", auditlog.Required, waited)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		put(t, l, event("e1"))
		time.Sleep(time.Minute)
		assert.Equal(t, "auth0|ann", clear.entries()[0].Actor.ID)
		assert.Equal(t, "203.0.113.7", clear.entries()[0].IP)
		for _, r := range []*receiver{hidden, waited} {
			assert.Contains(t, r.entries()[0].Actor.ID, "p_")
			assert.Empty(t, r.entries()[0].IP)
		}
		stop()
	})
}

func TestBadSinks(t *testing.T) {
	t.Parallel()
	good := sinkTo("a", auditlog.Durable, newReceiver())
	for _, all := range [][]auditlog.Sink{
		{good, good}, {{Name: "Bad", Deliver: good.Deliver}}, {{Name: "a"}}, {{Name: "stream", Deliver: good.Deliver}}, {{Name: "a/b", Deliver: good.Deliver}},
		{{Name: "a", Deliver: good.Deliver, Policy: 7}}, {{Name: "a", Deliver: good.Deliver, Checkpoints: true}},
	} {
		_, err := auditlog.New(auditlog.NewMemoryStore(), newSeal(t), auditlog.Config{Sinks: all})
		require.ErrorContains(t, err, "Sinks")
	}
}

// Retention waits for a sink that works, and not for one that is paused.
func TestExpiryWaitsForSinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{sinkTo("siem", auditlog.Durable, r)}})
		go l.Run(ctx)
		old := func(id string) audit.Event {
			e := event(id)
			e.Time = time.Now().AddDate(0, -3, 0)
			return e
		}
		time.Sleep(2 * time.Second)
		put(t, l, old("e1"))
		time.Sleep(10 * time.Second)
		r.set(never)
		put(t, l, old("e2"), old("e3"))
		time.Sleep(10 * time.Second)
		_, err := l.PlanExpiry(ctx, time.Now().Add(time.Second))
		require.ErrorContains(t, err, "future")
		x, err := l.PlanExpiry(ctx, time.Now())
		require.NoError(t, err)
		assert.Equal(t, 1, x.Events, "e1 was delivered")
		require.NoError(t, l.PauseSink(ctx, "siem", "for good"))
		time.Sleep(10 * time.Second)
		x, err = l.PlanExpiry(ctx, time.Now())
		require.NoError(t, err)
		assert.Equal(t, 3, x.Events)
		stop()
	})
}

// A receiver that hangs is given up after half a minute, and holds up no other.
func TestSlowSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		hangs := sinkTo("hangs", auditlog.Durable, r)
		hangs.Deliver = func(ctx context.Context, _ auditlog.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{hangs, sinkTo("siem", auditlog.Durable, r)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		put(t, l, event("e1"))
		time.Sleep(10 * time.Second)
		assert.Equal(t, []string{"e1"}, r.ids())
		time.Sleep(time.Minute)
		all, err := l.Sinks(ctx)
		require.NoError(t, err)
		assert.Equal(t, "timeout", all[0].LastError)
		status, err := l.Status(ctx)
		require.NoError(t, err)
		assert.Zero(t, status.Unsealed, "sealing goes on")
		stop()
	})
}
