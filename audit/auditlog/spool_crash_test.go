package auditlog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// What a crash leaves between making a file and naming it goes, unless it is of this moment,
// of another log, or has something in it.
func TestSpoolFilesWithoutAName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSpooling(t, auditlog.Config{})
		l.store.off.Store(true)
		l.record(t, "e1")
		own := spoolOf(t, l.dir)
		require.Len(t, own, 1)
		left := func(name, text string, age time.Duration) string {
			require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
			require.NoError(t, os.Chtimes(name, time.Time{}, time.Now().Add(-age)))
			return name
		}
		at := strings.TrimSuffix(own[0], ".spool")
		left(at+"X.spool.new", "", time.Hour)
		kept := []string{left(at+"Y.spool.new", "", time.Second), left(at+"Z.spool.new", "text", time.Hour), left(l.dir+"/other-1.spool.new", "", time.Hour)}
		time.Sleep(5 * time.Second)
		there := spoolOf(t, l.dir)
		for _, name := range append(kept, own...) {
			assert.Contains(t, there, name)
		}
		assert.Len(t, there, 4)
		time.Sleep(2 * time.Minute)
		assert.Len(t, spoolOf(t, l.dir), 3, "the one of this moment has become old")
		l.store.off.Store(false)
	})
}

// A file of another process that the store does not take holds up nobody else.
func TestSpoolFileThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newSpooling(t, auditlog.Config{})
		first.store.off.Store(true)
		first.record(t, "poison")
		first.stop()
		first.store.appends = func(b driver.Batch) error {
			if slices.ContainsFunc(b.Events, func(e driver.Event) bool { return e.ID == "poison" }) {
				return errDown
			}
			return nil
		}
		second := newLogWith(t, first.store, first.seal, auditlog.Config{Spool: first.dir})
		inRun(t, second)
		require.NoError(t, audit.Record(t.Context(), second, spoolEvent("e1")))
		first.store.off.Store(false)
		time.Sleep(10 * time.Second)
		ids, _ := ordered(t, first.store.Store)
		assert.Equal(t, []string{"e1"}, ids)
		assert.Len(t, spoolOf(t, first.dir), 1)
		status, err := second.Status(t.Context())
		require.NoError(t, err)
		assert.Zero(t, status.Spooled)
	})
}

// A process that lacks a key keeps what it cannot read: with the key, and its old name, the
// file is drained like any other.
func TestSpoolFileOfAnotherKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, dir := newSeal(t), t.TempDir()
		store := &outage{Store: auditlog.NewMemoryStore()}
		front := old
		front.Keys = [][]byte{[]byte("another key of thirty-two bytes!"), old.Keys[0]}
		put(t, newLogWith(t, store, old, auditlog.Config{}), event("e0")) // the log's own key is the old one
		first := newLogWith(t, store, front, auditlog.Config{Spool: dir})
		stop := inRun(t, first)
		store.off.Store(true)
		require.NoError(t, audit.Record(t.Context(), first, spoolEvent("e1")))
		require.NoError(t, audit.Record(t.Context(), first, spoolEvent("e2")))
		stop()
		store.off.Store(false)

		inRun(t, newLogWith(t, store, old, auditlog.Config{Spool: dir}))
		time.Sleep(10 * time.Second)
		ids, drains := ordered(t, store.Store)
		assert.Equal(t, []string{"e0"}, ids)
		require.Len(t, drains, 1)
		assert.Equal(t, "audit.spool_gap", drains[0]["action"])
		assert.Equal(t, "2", drains[0]["unreadable"])
		files := spoolOf(t, dir)
		require.Len(t, files, 1)
		name, damaged := strings.CutSuffix(files[0], ".damaged")
		require.True(t, damaged)

		other := t.TempDir() // where no process without the key looks
		require.NoError(t, os.Rename(files[0], filepath.Join(other, filepath.Base(name))))
		inRun(t, newLogWith(t, store, front, auditlog.Config{Spool: other}))
		time.Sleep(10 * time.Second)
		ids, _ = ordered(t, store.Store)
		assert.Equal(t, []string{"e0", "e1", "e2"}, ids)
		assert.Empty(t, spoolOf(t, other))
	})
}
