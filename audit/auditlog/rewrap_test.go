package auditlog_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// After Rewrap the old key is not needed any more, and nothing else has changed.
func TestRewrap(t *testing.T) {
	t.Parallel()
	store, n := auditlog.NewMemoryStore(), &network{}
	old := newSeal(t)
	both, fresh := old, old
	key := []byte("another key of thirty-two bytes!")
	both.Keys, fresh.Keys = [][]byte{key, old.Keys[0]}, [][]byte{key}
	l := newLogWith(t, store, old, n.config())
	for i := range 700 { // more than a page
		e := event(fmt.Sprint("e", i))
		e.Actor.ID = fmt.Sprint("auth0|", i)
		put(t, l, e)
	}
	require.NoError(t, l.Forget(t.Context(), "auth0|5"))
	made, err := trailOf(t, l, "org_a").PutStream(t.Context(), auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://a"}})
	require.NoError(t, err)

	changed, err := newLogWith(t, store, both, n.config()).Rewrap(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 699+1+1, changed, "keys, the stream, the identity")
	again, err := newLogWith(t, store, both, n.config()).Rewrap(t.Context())
	require.NoError(t, err)
	assert.Zero(t, again)
	l = newLogWith(t, store, fresh, n.config())
	seen := 0
	for e, err := range l.Query(t.Context(), auditlog.Filter{Type: "session"}) {
		require.NoError(t, err)
		if seen++; !e.Forgotten {
			assert.Equal(t, "203.0.113.7", e.IP)
		}
	}
	assert.Equal(t, 700, seen)
	require.NoError(t, trailOf(t, l, "org_a").TestStream(t.Context(), auditlog.Stream{ID: made.ID}))
	require.Error(t, audit.Record(t.Context(), newLogWith(t, store, old, n.config()), event("x")), "the old key opens nothing")
	_, err = newLogWith(t, store, old, auditlog.Config{}).Rewrap(t.Context())
	require.Error(t, err)
}

// Processes that are replaced one by one have both keys, in either order. One that lacks the
// new key says that it did not record, and neither does its spool.
func TestKeysAreReplacedInOneProcessAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, old := auditlog.NewMemoryStore(), newSeal(t)
		key := []byte("another key of thirty-two bytes!")
		behind, front := old, old
		behind.Keys, front.Keys = [][]byte{old.Keys[0], key}, [][]byte{key, old.Keys[0]}
		put(t, newLogWith(t, store, old, auditlog.Config{}), event("e0"))
		put(t, newLogWith(t, store, front, auditlog.Config{}), event("e1"), spoolEvent("e2"))
		other := event("e3")
		other.Actor.ID = "auth0|new"
		put(t, newLogWith(t, store, front, auditlog.Config{}), other)
		again := other
		again.ID = "e4"
		dir := t.TempDir()
		lacks := newLogWith(t, store, old, auditlog.Config{Spool: dir})
		inRun(t, lacks)
		require.Error(t, audit.Record(t.Context(), lacks, again))
		assert.Empty(t, spoolOf(t, dir), "nobody is told that it is recorded")
		put(t, newLogWith(t, store, behind, auditlog.Config{}), again)
		var ids []string
		for e, err := range newLogWith(t, store, behind, auditlog.Config{}).Query(t.Context(), auditlog.Filter{Type: "session"}) {
			require.NoError(t, err)
			assert.False(t, e.Forgotten)
			ids = append(ids, e.ID)
		}
		assert.ElementsMatch(t, []string{"e0", "e1", "e2", "e3", "e4"}, ids)
	})
}

// Who replaces the log's own record is found.
func TestVerifyIdentity(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`{"name":"example.com/other"}`, `{`, `{"name":"example.com/audit","signer":"x","index":"AAAA"}`} {
		store := auditlog.NewMemoryStore()
		l := newLog(t, store, auditlog.Config{})
		put(t, l, event("e1"))
		seal(t, l)
		signed, err := l.Checkpoint(t.Context())
		require.NoError(t, err)
		_, err = l.Verify(t.Context(), signed)
		require.NoError(t, err)
		require.NoError(t, store.Append(t.Context(), driver.Batch{Writes: []driver.Write{{Kind: "log", Key: "identity", Value: []byte(value), Version: driver.Any}}}))
		_, err = l.Verify(t.Context(), signed)
		tampered := &auditlog.TamperError{}
		require.ErrorAs(t, err, &tampered)
		assert.Equal(t, []string{"identity"}, tampered.Fields)
	}
	store := auditlog.NewMemoryStore()
	l := newLog(t, store, auditlog.Config{})
	put(t, l, event("e1"))
	require.NoError(t, store.Append(t.Context(), driver.Batch{Writes: []driver.Write{{Kind: "log", Key: "identity", Version: driver.Any}}}))
	_, err := l.Verify(t.Context())
	require.ErrorAs(t, err, new(*auditlog.TamperError), "removed")
}

// A receiver of clear ids can tell whom a forgetting is about.
func TestForgettingReachesCleartextSinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := newReceiver()
		sink := auditlog.Sink{Name: "siem", Policy: auditlog.Durable, Cleartext: true, Deliver: r.deliver}
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Sinks: []auditlog.Sink{sink}})
		go l.Run(ctx)
		time.Sleep(2 * time.Second)
		put(t, l, event("e1"))
		time.Sleep(10 * time.Second)
		require.NoError(t, l.Forget(ctx, "auth0|ann"))
		time.Sleep(10 * time.Second)
		got := r.entries()
		require.Len(t, got, 2)
		assert.Equal(t, "audit.forget", got[1].Action)
		assert.Equal(t, got[0].Pseudonyms["auth0|ann"], got[1].Target.ID)
		assert.NotEmpty(t, got[1].Target.ID)
		stop()
	})
}
