package auditlog_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// A receiver that rejects one event and fails at another is asked again and again: the
// event is one dead letter.
func TestDeadLetterIsCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{sinkTo("siem", auditlog.Durable, r)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		r.set(func(d auditlog.Delivery) (bool, error) {
			if d.Entries[0].ID == "poison" {
				return false, fmt.Errorf("%w: 422", auditlog.ErrRejected)
			}
			return false, errNo
		})
		put(t, l, event("poison"), event("e1"))
		time.Sleep(time.Hour)
		state := stateOf(t, l)
		assert.EqualValues(t, 1, state().DeadLetters)
		r.set(nil)
		require.NoError(t, l.ResumeSink(ctx, "siem", time.Now().Add(-2*time.Hour))) // a replay
		time.Sleep(time.Minute)
		n, err := l.Redeliver(ctx, "siem")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Zero(t, state().DeadLetters)
		stop()
	})
}

// A wrong path that answers 400 to everything takes nothing: that is not a success, and
// ends as other failures do.
func TestReceiverThatRejectsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{GiveUp: time.Hour, Sinks: []auditlog.Sink{sinkTo("siem", auditlog.Durable, r)}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		reject := func(auditlog.Delivery) (bool, error) { return false, fmt.Errorf("%w: 400", auditlog.ErrRejected) }
		r.set(reject)
		state := stateOf(t, l)
		put(t, l, event("e1"), event("e2"))
		time.Sleep(time.Minute)
		assert.Equal(t, "rejected", state().LastError)
		assert.Zero(t, state().LastSuccess)
		assert.EqualValues(t, 2, state().DeadLetters)
		r.set(nil)
		put(t, l, event("e3"))
		time.Sleep(time.Minute)
		assert.Empty(t, state().LastError)
		assert.NotZero(t, state().LastSuccess)
		r.set(reject)
		put(t, l, event("e4"))
		time.Sleep(2 * time.Hour)
		put(t, l, event("e5"))
		time.Sleep(time.Minute)
		assert.Equal(t, auditlog.Disabled, state().State)
		put(t, l, event("e6"))
		time.Sleep(time.Minute)
		assert.EqualValues(t, 4, state().DeadLetters, "what comes later waits")
		r.set(nil)
		n, err := l.Redeliver(ctx, "siem")
		require.NoError(t, err)
		assert.Equal(t, 4, n)
		require.NoError(t, l.ResumeSink(ctx, "siem", time.Time{}))
		time.Sleep(time.Minute)
		assert.ElementsMatch(t, []string{"e1", "e2", "e3", "e4", "e5", "e6"}, r.ids())
		stop()
	})
}

// An endpoint that does not take the checkpoint either has failed since then.
func TestFailingSinkWithCheckpoints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		sink := sinkTo("siem", auditlog.Durable, r)
		sink.Checkpoints = true
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{GiveUp: time.Hour, Sinks: []auditlog.Sink{sink}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		state := stateOf(t, l)
		r.set(never)
		put(t, l, event("e1"))
		time.Sleep(30 * time.Minute)
		assert.Equal(t, "failed", state().LastError)
		r.set(nil)
		time.Sleep(10 * time.Minute)
		assert.Empty(t, state().LastError)
		r.set(never)
		put(t, l, event("e2"))
		time.Sleep(50 * time.Minute)
		assert.Equal(t, auditlog.Active, state().State, "the first failure is over")
		time.Sleep(30 * time.Minute)
		assert.Equal(t, auditlog.Disabled, state().State)
		r.set(nil)
		require.NoError(t, l.ResumeSink(ctx, "siem", time.Time{}))
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"e1", "e2"}, r.ids())
		assert.Positive(t, r.checkpoints())
		stop()
	})
}
