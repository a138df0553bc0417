package auditlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
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

// manyRows are sealed rows of three months. The log took some late, and correlations come again
// soon, after an hour, and after many events.
func manyRows(n int) []driver.Row {
	rows := make([]driver.Row, n)
	at := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		at = at.Add(rand.N(150 * time.Second))
		login := i / 3
		if rand.N(4) == 0 {
			login = max(0, i-rand.N(400)) / 3
		}
		r := &rows[i]
		r.ID, r.Index, r.Sealed, r.At, r.LoggedAt = fmt.Sprint("e", i), uint64(i), true, at, at
		if login%4 == 0 { // of another log
			r.At = at.Add(-time.Duration(login%400) * time.Hour)
		}
		if rand.N(4) == 0 { // by a spool
			r.LoggedAt = at.Add(-rand.N(3 * time.Hour))
		}
		r.Type, r.Action, r.Outcome, r.Reason = "login", "login.do", audit.Outcome(rand.N(3)), []string{"", "a", "b"}[rand.N(3)]
		r.Actor, r.Organization = []string{"", "user:p_" + fmt.Sprint(rand.N(50))}[rand.N(2)], []string{"", "org_a", "org_b"}[rand.N(3)]
		if r.Correlation = fmt.Sprint("c", login); rand.N(30) == 0 {
			r.Type, r.Action = "admin", "admin.do"
		}
	}
	return rows
}

// Verify can compare sums because they depend on the events alone: not on the steps, and not
// on events of months that are gone.
func TestSumsDependOnTheEventsAlone(t *testing.T) {
	t.Parallel()
	const n, gone = 50_000, "2026-02"
	rows := manyRows(n)
	want, err := auditlog.SumUp(rows, []uint64{n})
	require.NoError(t, err)
	assert.Greater(t, len(want), 100)
	for range 5 {
		ends := []uint64{n}
		for range rand.N(40) {
			ends = append(ends, rand.Uint64N(n))
		}
		for point := uint64(512); point < n; point += 512 * (1 + rand.Uint64N(20)) { // where attempts are closed
			ends = append(ends, point-2+rand.Uint64N(4))
		}
		slices.Sort(ends)
		got, err := auditlog.SumUp(rows, ends)
		require.NoError(t, err)
		assert.Empty(t, thatDiffer(want, got), ends)

		left := slices.DeleteFunc(slices.Clone(rows), func(r driver.Row) bool { return r.At.Format("2006-01") == gone })
		assert.Less(t, len(left), n)
		got, err = auditlog.SumUp(left, ends, gone)
		require.NoError(t, err)
		assert.Empty(t, thatDiffer(withoutMonth(t, want, gone), withoutMonth(t, got, gone)), ends)
		assert.Len(t, got, len(withoutMonth(t, got, gone)))
	}
}

// thatDiffer returns the names of records that are not the same.
func thatDiffer(a, b map[string]string) (names []string) {
	for name := range a {
		if there, ok := b[name]; !ok || there != a[name] {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

func withoutMonth(t *testing.T, records map[string]string, month string) map[string]string {
	t.Helper()
	out := maps.Clone(records)
	maps.DeleteFunc(out, func(name, _ string) bool { return strings.Contains(name, "/"+month) })
	var cursor map[string]any
	require.NoError(t, json.Unmarshal([]byte(out["cursor/sums"]), &cursor))
	for _, field := range []string{"open", "logged"} {
		some, _ := cursor[field].(map[string]any)
		maps.DeleteFunc(some, func(key string, _ any) bool { return strings.HasPrefix(key, month) })
	}
	text, err := json.Marshal(cursor)
	require.NoError(t, err)
	out["cursor/sums"] = string(text)
	return out
}

// Which events are one attempt.
func TestAttempts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 23, 59, 0, 0, time.UTC)
	first := driver.Row{Sealed: true, Index: 7, Event: driver.Event{ID: "a", At: at, LoggedAt: at, Type: "login", Action: "login.do", Correlation: "c", Actor: "user:p_1"}}
	for name, c := range map[string]struct {
		change func(r *driver.Row)
		want   int64
	}{
		"soon":              {func(*driver.Row) {}, 1},
		"just in an hour":   {func(r *driver.Row) { r.LoggedAt = at.Add(time.Hour - time.Microsecond) }, 1},
		"after an hour":     {func(r *driver.Row) { r.LoggedAt = at.Add(time.Hour) }, 2},
		"just near":         {func(r *driver.Row) { r.Index = 7 + 19_999 }, 1},
		"after many events": {func(r *driver.Row) { r.Index = 7 + 20_000 }, 2},
		"in another month":  {func(r *driver.Row) { r.At = at.Add(time.Minute) }, 2},
		"another":           {func(r *driver.Row) { r.Correlation = "d" }, 2},
		"no correlation":    {func(r *driver.Row) { r.Correlation = "" }, 2},
		"of nobody":         {func(r *driver.Row) { r.Actor = "" }, 1},
		"of another user":   {func(r *driver.Row) { r.Actor = "user:p_2" }, 2},
	} {
		second := first
		second.ID, second.Index = "b", 8
		c.change(&second)
		assert.Equal(t, c.want, auditlog.Attempts(first, second), name)
	}
}

// What the log took in one month closes no attempt of another: it may be gone when Verify
// counts again.
func TestAttemptsOfMonthsAreApart(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)
	row := func(id string, index uint64, at, logged time.Time) driver.Row {
		return driver.Row{Sealed: true, Index: index, Event: driver.Event{ID: id, At: at, LoggedAt: logged, Type: "login", Action: "login.do", Correlation: id[:1]}}
	}
	first, second := row("a1", 4000, at, at), row("a2", 4100, at, at.Add(time.Minute))
	between := row("b1", 4050, at.Add(2*time.Hour), at.Add(2*time.Hour))
	assert.EqualValues(t, 1, auditlog.Attempts(first, second))
	assert.EqualValues(t, 2, auditlog.Attempts(first, between, second))
	between.At = at // of the same month it does: an hour has passed
	assert.EqualValues(t, 3, auditlog.Attempts(first, between, second))
}

// growing is a store whose sums grow while they are read.
type growing struct{ driver.Store }

func (g growing) List(ctx context.Context, kind, after string, last bool, limit int) ([]driver.Record, error) {
	if strings.HasSuffix(kind, "sum") && rand.N(3) == 0 {
		defer time.Sleep(rand.N(time.Minute)) // in which Run goes on
	}
	return g.Store.List(ctx, kind, after, last, limit)
}

// Verify compares sums that grow meanwhile, and that are more than it may hold.
func TestVerifyComparesSumsWhileTheyGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		memory, seal := auditlog.NewMemoryStore(), newSeal(t)
		l := newLogWith(t, memory, seal, auditlog.Config{})
		go l.Run(ctx)
		start := time.Now()
		go func() {
			for i := 0; ctx.Err() == nil; i++ {
				e := event(fmt.Sprint("e", i))
				e.Type, e.Action, e.Correlation = "login", "login.do", fmt.Sprint("c", i/2)
				e.Organization, e.Actor = fmt.Sprint("org_", rand.N(5)), userRef(fmt.Sprint("auth0|", rand.N(20)))
				e.Time = start.AddDate(0, 0, -rand.N(3))
				if err := audit.Record(ctx, l, e); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				time.Sleep(rand.N(5 * time.Minute))
			}
		}()
		time.Sleep(5 * time.Hour)
		for _, cells := range []int{500_000, 100, 50} {
			time.Sleep(rand.N(time.Hour))
			other := newLogWith(t, growing{memory}, seal, auditlog.Config{})
			auditlog.RecountInSteps(other, cells)
			signed, err := l.Checkpoint(ctx)
			require.NoError(t, err)
			_, err = other.Verify(ctx, signed)
			require.NoError(t, err, cells)
		}
		stop()
		time.Sleep(5 * time.Minute) // until the writer ends
	})
}

// reading counts how often the log is read from its beginning.
type reading struct {
	driver.Store
	begins int
}

func (r *reading) Sealed(ctx context.Context, from uint64, limit int) ([]driver.Row, error) {
	if from == 0 {
		r.begins++
	}
	return r.Store.Sealed(ctx, from, limit)
}

// summed is a log with sums of some days, in Run no more.
func summed(t *testing.T, store driver.Store, seal auditlog.Seal, events ...audit.Event) {
	t.Helper()
	l := newLogWith(t, store, seal, auditlog.Config{})
	put(t, l, events...)
	defer inRun(t, l)()
	time.Sleep(2 * time.Minute)
}

// loginsOn are logins of five people on some days.
func loginsOn(days ...string) (events []audit.Event) {
	for _, day := range days {
		at, _ := time.Parse(time.DateTime, day+" 12:00:00") // a constant of a test
		for i := range 5 {
			e := event(day + fmt.Sprint("-", i))
			e.Time, e.Type, e.Action, e.Actor = at, "login", "login.succeed", userRef(fmt.Sprint("auth0|", i))
			e.Correlation, e.Organization = e.ID, []string{"", "org_a"}[i%2]
			events = append(events, e)
		}
	}
	return events
}

func records(t *testing.T, s driver.State, kind string) []driver.Record {
	t.Helper()
	all, err := s.List(t.Context(), kind, "", false, 1000)
	require.NoError(t, err)
	return all
}

func write(t *testing.T, s driver.Store, kind, key string, value []byte) {
	t.Helper()
	w := driver.Write{Kind: kind, Key: key, Value: value, Version: driver.Any}
	require.NoError(t, s.Append(t.Context(), driver.Batch{Writes: []driver.Write{w}}))
}

// With few sums at a time Verify reads the log again, and still finds each record that is not
// right.
func TestVerifyInSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, seal := &reading{Store: auditlog.NewMemoryStore()}, newSeal(t)
		summed(t, store, seal, loginsOn("2026-01-05", "2026-01-06", "2026-02-07", "2026-03-08")...)
		l := newLogWith(t, store, seal, auditlog.Config{})
		signed, err := l.Checkpoint(t.Context())
		require.NoError(t, err)
		for cells, want := range map[int][2]int{500_000: {1, 1}, 30: {2, 6}, 1: {10, 64}} {
			auditlog.RecountInSteps(l, cells)
			store.begins = 0
			_, err := l.Verify(t.Context(), signed)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, store.begins, want[0], cells)
			assert.LessOrEqual(t, store.begins, want[1], cells)
		}
		auditlog.RecountInSteps(l, 30)
		for _, kind := range []string{"sum", "orgsum"} {
			for _, r := range records(t, store, kind) {
				write(t, store, kind, r.Key, nil)
				_, err := l.Verify(t.Context(), signed)
				var tampered *auditlog.TamperError
				require.ErrorAs(t, err, &tampered, r.Key)
				assert.Equal(t, auditlog.TamperError{Kind: "deleted", Record: kind + "/" + r.Key}, *tampered)
				write(t, store, kind, r.Key, r.Value)
			}
		}
	})
}

// What a report says when its sums are behind or gone is right; when they are wrong it is
// wrong, Verify says so, and without them Run makes them again.
func TestSumsAreMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, seal := auditlog.NewMemoryStore(), newSeal(t)
		summed(t, store, seal, loginsOn("2026-01-05", "2026-02-06")...)
		l := newLogWith(t, store, seal, auditlog.Config{})
		signed, err := l.Checkpoint(t.Context())
		require.NoError(t, err)
		total := func() int {
			r, err := l.Report(t.Context(), auditlog.Period{To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
			require.NoError(t, err)
			return r.Attempts.Total
		}
		assert.Equal(t, 10, total())
		write(t, store, "cursor", "sums", nil)
		assert.Equal(t, 20, total(), "each login twice")
		_, err = l.Verify(t.Context(), signed)
		var tampered *auditlog.TamperError
		require.ErrorAs(t, err, &tampered)
		assert.NotEmpty(t, tampered.Record)

		before := records(t, store, "sum")
		write(t, store, "cursor", "sums", []byte("{"))
		summed(t, store, seal)
		assert.Equal(t, before, records(t, store, "sum"), "Run does not guess")

		write(t, store, "cursor", "sums", nil)
		for _, kind := range []string{"sum", "orgsum"} {
			for _, r := range records(t, store, kind) {
				write(t, store, kind, r.Key, nil)
			}
		}
		assert.Equal(t, 10, total())
		_, err = l.Verify(t.Context(), signed)
		require.NoError(t, err)
		summed(t, store, seal)
		assert.NotEmpty(t, records(t, store, "sum"))
		assert.Equal(t, 10, total())
		_, err = l.Verify(t.Context(), signed)
		require.NoError(t, err)
	})
}

// Retention takes the sums of its months with it, also where the process ended in between, and
// leaves the others as they were.
func TestRetentionOfSums(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, seal := auditlog.NewMemoryStore(), newSeal(t)
		summed(t, store, seal, loginsOn("2026-01-05", "2026-02-28", "2026-03-01")...)
		l := newLogWith(t, store, seal, auditlog.Config{Now: inApril})
		plan, err := l.PlanExpiry(t.Context(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		require.NoError(t, err)
		assert.Equal(t, 10, plan.Events)
		require.NoError(t, l.Apply(t.Context(), plan))
		expired := func() (n int) {
			for _, kind := range []string{"sum", "orgsum"} {
				for _, r := range records(t, store, kind) {
					if strings.Contains(r.Key, "2026-01-05") || strings.Contains(r.Key, "2026-02-28") {
						n++
					}
				}
			}
			return n
		}
		check := func() {
			t.Helper()
			r, err := l.Report(t.Context(), auditlog.Period{})
			require.NoError(t, err)
			assert.Equal(t, 5, r.Attempts.Total)
			assert.False(t, slices.ContainsFunc(r.Days, func(d auditlog.Day) bool { return d.Date == "2026-01-05" || d.Date == "2026-02-28" }))
			r, err = l.Report(t.Context(), auditlog.Period{From: time.Date(2026, 2, 28, 6, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC)})
			require.NoError(t, err)
			assert.Equal(t, 5, r.Attempts.Total)
			signed, err := l.Checkpoint(t.Context())
			require.NoError(t, err)
			_, err = l.Verify(t.Context(), signed)
			require.NoError(t, err)
		}
		assert.NotZero(t, expired(), "nobody is in Run")
		check()
		summed(t, store, seal)
		assert.Zero(t, expired())
		check()

		late := loginsOn("2026-02-20", "2026-03-01")
		for i := range late {
			late[i].ID += " late"
		}
		late = late[:6]
		summed(t, store, seal, late[:5]...)
		check()
		assert.Zero(t, expired())
	})
}

// expiring is a store of which retention removes a month while it is read.
func inApril() time.Time { return time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }

type expiring struct {
	driver.Store
	apply func()
}

func (e *expiring) Sealed(ctx context.Context, from uint64, limit int) ([]driver.Row, error) {
	if apply := e.apply; apply != nil {
		e.apply = nil
		apply()
	}
	return e.Store.Sealed(ctx, from, limit)
}

// Events that retention removes while Verify reads are not taken for deleted ones.
func TestVerifyWhileRetentionRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory, seal := auditlog.NewMemoryStore(), newSeal(t)
		summed(t, memory, seal, loginsOn("2026-01-05", "2026-02-28", "2026-03-01")...)
		store := &expiring{Store: memory}
		l, other := newLogWith(t, store, seal, auditlog.Config{}), newLogWith(t, memory, seal, auditlog.Config{Now: inApril})
		signed, err := l.Checkpoint(t.Context())
		require.NoError(t, err)
		store.apply = func() {
			plan, err := other.PlanExpiry(t.Context(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
			require.NoError(t, err)
			require.NoError(t, other.Apply(t.Context(), plan))
		}
		v, err := l.Verify(t.Context(), signed)
		require.NoError(t, err)
		assert.EqualValues(t, 10, v.Expired)
	})
}

// An outcome that there is not ends no process: Verify says who changed it.
func TestOutcomeThatThereIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, seal := auditlog.NewMemoryStore(), newSeal(t)
		l := newLogWith(t, store, seal, auditlog.Config{})
		put(t, l, loginsOn("2026-01-05")...)
		require.NoError(t, auditlog.MemoryTamper{Store: store}.Set("2026-01-05-2", "outcome", 99))
		summed(t, store, seal)
		_, err := l.Report(t.Context(), auditlog.Period{})
		require.NoError(t, err)
		_, err = l.Verify(t.Context())
		var tampered *auditlog.TamperError
		require.ErrorAs(t, err, &tampered)
		assert.Equal(t, []string{"outcome"}, tampered.Fields)
	})
}

// Sums go on at once when the clock was far ahead as they were made.
func TestSumsAfterTheClockWentBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, seal := auditlog.NewMemoryStore(), newSeal(t)
		ahead := newLogWith(t, store, seal, auditlog.Config{Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
		put(t, ahead, loginsOn("2026-01-05")...)
		stop := inRun(t, ahead)
		time.Sleep(5 * time.Second)
		stop()
		before := len(records(t, store, "sum"))
		assert.NotZero(t, before)
		summed(t, store, seal, loginsOn("2026-01-06")...)
		assert.Greater(t, len(records(t, store, "sum")), before)
	})
}
