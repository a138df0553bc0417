package auditlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// outage is a store that answers nothing, or hangs, while it is off.
type outage struct {
	driver.Store
	off, hangs atomic.Bool
	appends    func(driver.Batch) error // Nil for what the store does.
}

func (o *outage) answers(ctx context.Context) error {
	if o.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if o.off.Load() {
		return errDown
	}
	return nil
}

func (o *outage) Append(ctx context.Context, b driver.Batch) error {
	if err := o.answers(ctx); err != nil {
		return err
	}
	if o.appends != nil {
		if err := o.appends(b); err != nil {
			return err
		}
	}
	return o.Store.Append(ctx, b)
}

func (o *outage) Get(ctx context.Context, kind string, keys ...string) ([]driver.Record, error) {
	if err := o.answers(ctx); err != nil {
		return nil, err
	}
	return o.Store.Get(ctx, kind, keys...)
}

func (o *outage) Find(ctx context.Context, ids []string) ([]driver.Row, error) {
	if err := o.answers(ctx); err != nil {
		return nil, err
	}
	return o.Store.Find(ctx, ids)
}

func (o *outage) Acquire(ctx context.Context, holder string, ttl time.Duration) (driver.Lease, error) {
	if err := o.answers(ctx); err != nil {
		return driver.Lease{}, err
	}
	return o.Store.Acquire(ctx, holder, ttl)
}

func (o *outage) Backlog(ctx context.Context) (int, time.Time, error) {
	if err := o.answers(ctx); err != nil {
		return 0, time.Time{}, err
	}
	return o.Store.Backlog(ctx)
}

// spooling is a log with a spool, over a store that can be off.
type spooling struct {
	*auditlog.Log
	dir   string
	seal  auditlog.Seal
	store *outage
	stop  func() // Ends Run, as a process ends.
}

// newSpooling returns one in Run. Cfg needs no Spool.
func newSpooling(t *testing.T, cfg auditlog.Config) *spooling {
	t.Helper()
	s := &spooling{dir: t.TempDir(), seal: newSeal(t), store: &outage{Store: auditlog.NewMemoryStore()}}
	cfg.Spool = s.dir
	s.Log = newLogWith(t, s.store, s.seal, cfg)
	s.stop = inRun(t, s.Log)
	return s
}

// record spools or stores events.
func (s *spooling) record(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, audit.Record(t.Context(), s, spoolEvent(id)))
	}
}

// again runs another process on the directory, whose store answers.
func (s *spooling) again(t *testing.T) {
	t.Helper()
	inRun(t, newLogWith(t, s.store.Store, s.seal, auditlog.Config{Spool: s.dir}))
	time.Sleep(5 * time.Second)
}

// inRun starts Run and returns what ends it, at the end of the test for the last time.
func inRun(t *testing.T, l *auditlog.Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { _ = l.Run(ctx); close(done) }()
	synctest.Wait()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// spoolEvent is an event with personal data.
func spoolEvent(id string) audit.Event {
	e := event(id)
	e.Actor, e.Target = audit.Ref{Kind: "user", ID: "auth0|ann"}, audit.Ref{Kind: "user", ID: "auth0|ann"}
	e.IP, e.Personal = "192.0.2.44", map[string]string{"email": "ann@example.com"}
	return e
}

// ordered returns the ids of the recorded events in the order of the log, and the
// metadata of what the spool recorded.
func ordered(t *testing.T, s driver.Store) (ids []string, drains []map[string]string) {
	t.Helper()
	rows, err := s.Sealed(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	for _, r := range rows {
		if r.Type == "session" {
			ids = append(ids, r.ID)
		}
		if strings.HasPrefix(r.Action, "audit.spool_") {
			var leaf struct{ Metadata map[string]string }
			require.NoError(t, json.Unmarshal(r.Leaf, &leaf))
			leaf.Metadata["action"] = r.Action
			drains = append(drains, leaf.Metadata)
		}
	}
	return ids, drains
}

func verified(t *testing.T, l *auditlog.Log) {
	t.Helper()
	signed, err := l.Checkpoint(t.Context())
	require.NoError(t, err)
	_, err = l.Verify(t.Context(), signed)
	require.NoError(t, err)
}

func spoolOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.spool*"))
	require.NoError(t, err)
	return files
}

// Sixteen writers never hear that the store was down, also when it hangs, and nothing
// is lost, doubled or out of a writer's order.
func TestSpoolWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSpooling(t, auditlog.Config{})
		const each = 60
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for n := range each {
					if err := audit.Record(t.Context(), l, spoolEvent(fmt.Sprintf("%02d-%03d", w, n))); err != nil {
						t.Error(err)
					}
					time.Sleep(rand.N(time.Second))
				}
			})
		}
		for range 3 {
			time.Sleep(3 * time.Second)
			l.store.off.Store(true)
			time.Sleep(3 * time.Second)
			l.store.off.Store(false)
			time.Sleep(2 * time.Second)
			l.store.hangs.Store(true)
			time.Sleep(4 * time.Second)
			l.store.hangs.Store(false)
		}
		wg.Wait()
		time.Sleep(time.Minute)
		s, err := l.Status(t.Context())
		require.NoError(t, err)
		assert.Zero(t, s.Spooled)
		assert.Zero(t, s.Unsealed)
		ids, drains := ordered(t, l.store)
		assert.NotEmpty(t, drains)
		assert.Len(t, ids, 16*each)
		byWriter := map[string][]string{}
		for _, id := range ids {
			byWriter[id[:2]] = append(byWriter[id[:2]], id)
		}
		for w, its := range byWriter {
			assert.True(t, slices.IsSorted(its), w)
			assert.Len(t, slices.Compact(its), each, w)
		}
		for _, d := range drains {
			assert.Equal(t, "audit.spool_drain", d["action"])
			assert.Equal(t, "0", d["refused"]+strings.TrimLeft(d["unreadable"], "0"))
		}
		assert.Empty(t, spoolOf(t, l.dir))
		verified(t, l.Log)
	})
}

// What is in the file cannot be read there, keeps its times, and is known to Status.
func TestSpoolKeepsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSpooling(t, auditlog.Config{})
		l.stop()
		l.store.off.Store(true)
		require.ErrorIs(t, audit.Record(t.Context(), l, spoolEvent("early")), errDown, "nobody would drain it")
		assert.Empty(t, spoolOf(t, l.dir))
		inRun(t, l.Log)
		l.record(t, "a")
		at := time.Now()
		time.Sleep(time.Hour)
		s, err := l.Status(t.Context())
		require.ErrorIs(t, err, errDown)
		assert.Equal(t, 1, s.Spooled)
		files := spoolOf(t, l.dir)
		require.Len(t, files, 1)
		text, err := os.ReadFile(files[0])
		require.NoError(t, err)
		info, err := os.Stat(files[0])
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode())
		for _, secret := range []string{"ann", "192.0.2.44", "session"} {
			assert.NotContains(t, string(text), secret)
		}
		bad := spoolEvent("bad")
		bad.Action = "x"
		require.Error(t, l.Record(t.Context(), bad))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, audit.Record(ctx, l, spoolEvent("canceled")), context.Canceled)

		l.store.off.Store(false)
		time.Sleep(5 * time.Second)
		rows, err := l.store.Find(t.Context(), []string{"a"})
		require.NoError(t, err)
		require.Len(t, rows, 1)
		assert.True(t, rows[0].Sealed)
		assert.WithinDuration(t, at, rows[0].LoggedAt, time.Millisecond)
		for e, err := range l.Query(t.Context(), auditlog.Filter{Type: "session"}) {
			require.NoError(t, err)
			assert.Equal(t, "auth0|ann", e.Actor.ID)
			assert.Equal(t, "ann@example.com", e.Personal["email"])
		}
	})
}

// A full spool refuses with the store's error; what it has taken is not lost, and the
// log tells how many are missing.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSpooling(t, auditlog.Config{SpoolBytes: 3000})
		l.store.off.Store(true)
		var taken []string
		for i := range 10 {
			id := fmt.Sprint("e", i)
			if err := audit.Record(t.Context(), l, spoolEvent(id)); err == nil {
				taken = append(taken, id)
			} else {
				require.ErrorIs(t, err, errDown)
				require.ErrorContains(t, err, "SpoolBytes")
			}
		}
		assert.NotEmpty(t, taken)
		assert.Less(t, len(taken), 10)
		l.store.off.Store(false)
		time.Sleep(5 * time.Second)
		ids, drains := ordered(t, l.store)
		assert.Equal(t, taken, ids)
		assert.Equal(t, []map[string]string{{
			"action": "audit.spool_gap", "events": fmt.Sprint(len(taken)), "refused": fmt.Sprint(10 - len(taken)), "unreadable": "0",
		}}, drains)
		l.record(t, "after")
		verified(t, l.Log)
	})
}

// The store goes down again in the middle, with its answer lost: nothing comes twice.
func TestSpoolDrainIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSpooling(t, auditlog.Config{})
		l.store.off.Store(true)
		var want []string
		for i := range 2500 {
			want = append(want, fmt.Sprintf("e%04d", i))
		}
		l.record(t, want...)
		var parts atomic.Int64
		l.store.appends = func(b driver.Batch) error {
			if len(b.Events) > 0 && b.Events[0].Type == "session" && parts.Add(1) == 2 {
				l.store.off.Store(true)
				_ = l.store.Store.Append(t.Context(), b) // it is stored, and nobody hears of it
				return errDown
			}
			return nil
		}
		l.store.off.Store(false)
		time.Sleep(5 * time.Second)
		assert.EqualValues(t, 2, parts.Load())
		l.stop() // and the process ends
		l.again(t)
		ids, drains := ordered(t, l.store)
		assert.Equal(t, want, ids)
		assert.Equal(t, []map[string]string{{"action": "audit.spool_drain", "events": "2500", "refused": "0", "unreadable": "0"}}, drains)
		assert.Empty(t, spoolOf(t, l.dir))
		l.store.off.Store(false)
		verified(t, l.Log)
	})
}

// A line that a crash has cut is left out and told; one that somebody has edited, moved
// or removed is told, and the file is kept.
func TestSpoolTornAndEdited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit       func(lines []string) []string
		want       string
		unreadable string
		kept       bool
	}{
		"torn":    {func(l []string) []string { l[3] = l[3][:40]; return l }, "e0 e1 e2", "1", false},
		"edited":  {func(l []string) []string { l[1] = "x" + l[1]; return l }, "e0 e2 e3", "1", true},
		"removed": {func(l []string) []string { return slices.Delete(l, 1, 3) }, "e0 e3", "2", false},
		"doubled": {func(l []string) []string { return append(l, l[0]) }, "e0 e1 e2 e3", "0", false},
		"zeros":   {func(l []string) []string { return append(l, strings.Repeat("\x00", 4096)) }, "e0 e1 e2 e3", "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newSpooling(t, auditlog.Config{})
				l.store.off.Store(true)
				l.record(t, "e0", "e1", "e2", "e3")
				l.stop()
				path := spoolOf(t, l.dir)[0]
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				lines := slices.Collect(strings.Lines(string(text)))
				require.NoError(t, os.WriteFile(path, []byte(strings.Join(c.edit(lines), "")), 0o600))
				l.again(t)
				ids, drains := ordered(t, l.store)
				assert.Equal(t, c.want, strings.Join(ids, " "))
				require.Len(t, drains, 1)
				assert.Equal(t, c.unreadable, drains[0]["unreadable"])
				assert.Equal(t, c.unreadable != "0", drains[0]["action"] == "audit.spool_gap")
				assert.Equal(t, c.kept, len(spoolOf(t, l.dir)) == 1)
			})
		})
	}
}

// Somebody who can write to the directory removes or cuts a file that is in use, or leaves one
// that is no spool: what a living process has taken comes, what is gone is told, and the spool is
// left again.
func TestSpoolInForeignHands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do         func(path string) error
		want       string
		unreadable string
		left       int
	}{
		"removed": {os.Remove, "e0 e1 after", "0", 0},
		"cut":     {func(path string) error { return os.Truncate(path, 0) }, "after", "2", 0},
		"a line without end": {func(path string) error {
			name := strings.Split(path, "-")[0] + "-0" + strings.Repeat("x", 9) + ".spool"
			return os.WriteFile(name, bytes.Repeat([]byte("A"), 9<<20), 0o600)
		}, "e0 e1 after", "0 3", 1}, // one for each 4 MiB
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newSpooling(t, auditlog.Config{})
				l.store.off.Store(true)
				l.record(t, "e0", "e1")
				require.NoError(t, c.do(spoolOf(t, l.dir)[0]))
				l.store.off.Store(false)
				time.Sleep(time.Minute)
				l.record(t, "after")
				time.Sleep(time.Minute)
				ids, drains := ordered(t, l.store)
				assert.Equal(t, c.want, strings.Join(ids, " "))
				var unreadable []string
				for _, d := range drains {
					unreadable = append(unreadable, d["unreadable"])
				}
				slices.Sort(unreadable)
				assert.Equal(t, c.unreadable, strings.Join(unreadable, " "))
				s, err := l.Status(t.Context())
				require.NoError(t, err)
				assert.Zero(t, s.Spooled)
				assert.Len(t, spoolOf(t, l.dir), c.left)
			})
		})
	}
}

// A person who is forgotten while their events are in the spool is forgotten in them.
func TestSpoolForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newSpooling(t, auditlog.Config{})
		l.record(t, "before")
		l.store.off.Store(true)
		l.record(t, "spooled")
		l.stop()
		other := newLogWith(t, l.store.Store, l.seal, auditlog.Config{})
		require.NoError(t, other.Forget(t.Context(), "auth0|ann"))
		l.again(t)
		seen := 0
		for e, err := range other.Query(t.Context(), auditlog.Filter{Type: "session"}) {
			require.NoError(t, err)
			text, err := json.Marshal(e)
			require.NoError(t, err)
			assert.NotContains(t, string(text), "ann")
			assert.True(t, e.Forgotten)
			seen++
		}
		assert.Equal(t, 2, seen)
	})
}

// Processes share a directory, and so do logs: each leaves alone what is not its own.
func TestSpoolFilesAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newSpooling(t, auditlog.Config{})
		dir, memory := first.dir, first.store.Store
		second := newLogWith(t, first.store, first.seal, auditlog.Config{Spool: dir})
		inRun(t, second)
		first.store.off.Store(true)
		first.record(t, "a")
		require.NoError(t, audit.Record(t.Context(), second, spoolEvent("b")))
		require.Len(t, spoolOf(t, dir), 2)

		other := first.seal
		other.Name = "example.com/other"
		otherStore := auditlog.NewMemoryStore()
		inRun(t, newLogWith(t, otherStore, other, auditlog.Config{Spool: dir}))
		first.again(t)
		require.Len(t, spoolOf(t, dir), 2, "their processes live")
		first.stop()
		time.Sleep(10 * time.Second)
		ids, _ := ordered(t, memory)
		assert.Equal(t, []string{"a"}, ids, "the first process has ended")
		first.store.off.Store(false)
		time.Sleep(10 * time.Second)
		ids, _ = ordered(t, memory)
		assert.Equal(t, []string{"a", "b"}, ids)
		ids, _ = ordered(t, otherStore)
		assert.Empty(t, ids)
		assert.Empty(t, spoolOf(t, dir))
	})
}

// A file that is made this moment is not taken for one whose process is gone.
func TestSpoolFileIsLockedFromTheBeginning(t *testing.T) {
	t.Parallel()
	gone, err := auditlog.RaceSpool(t.TempDir(), 300)
	require.NoError(t, err)
	assert.Zero(t, gone)
}

// What the clock did while the store was down is in the log as well.
func TestSpoolAndTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Int64
		l := newSpooling(t, auditlog.Config{Now: func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }})
		l.store.off.Store(true)
		l.record(t, "a")
		back.Store(int64(time.Hour))
		l.record(t, "b")
		l.store.off.Store(false)
		time.Sleep(5 * time.Second)
		rows, err := l.store.Query(t.Context(), driver.Filter{Action: "audit.clock_back"}, 9)
		require.NoError(t, err)
		assert.Len(t, rows, 1)
	})
}

func TestSpoolSettings(t *testing.T) {
	t.Parallel()
	seal := newSeal(t)
	required := auditlog.Sink{Name: "siem", Policy: auditlog.Required, Deliver: newReceiver().deliver}
	for name, cfg := range map[string]auditlog.Config{
		"bytes alone": {SpoolBytes: 1}, "negative": {Spool: t.TempDir(), SpoolBytes: -1},
		"with a Required sink": {Spool: t.TempDir(), Sinks: []auditlog.Sink{required}},
	} {
		_, err := auditlog.New(auditlog.NewMemoryStore(), seal, cfg)
		require.Error(t, err, name)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	l := newLogWith(t, auditlog.NewMemoryStore(), seal, auditlog.Config{Spool: file})
	require.ErrorContains(t, l.Run(t.Context()), "Config.Spool", "a directory that does not serve ends Run at once")
}

// The store is another's: no spool takes that for an outage.
func TestSpoolTakesNoWrongStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, dir := auditlog.NewMemoryStore(), t.TempDir()
		require.NoError(t, audit.Record(t.Context(), newLog(t, store, auditlog.Config{}), event("a")))
		l := newLog(t, &outage{Store: store}, auditlog.Config{Spool: dir})
		ended := make(chan error, 1)
		go func() { ended <- l.Run(t.Context()) }()
		require.ErrorIs(t, audit.Record(t.Context(), l, event("b")), auditlog.ErrOtherLog)
		require.ErrorIs(t, <-ended, auditlog.ErrOtherLog)
		assert.Empty(t, spoolOf(t, dir))
	})
}
