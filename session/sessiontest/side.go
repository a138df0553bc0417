package sessiontest

import (
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

var replayTests = map[string]func(*testing.T, Harness){
	"one of many is the first":   testSeenOnce,
	"forgets after its time":     testSeenForgets,
	"does not count other names": testSeenOthers,
	"is looked at without use":   testUsed,
}

var outboxTests = map[string]func(*testing.T, Harness){
	"keeps a job until it is done":      testOutboxKeeps,
	"takes what is due for the longest": testOutboxDue,
	"gives a job to one at a time":      testOutboxLease,
	"gives a job again after a crash":   testOutboxCrash,
	"moves a job, but no finished one":  testOutboxRetry,
}

var sweepTests = map[string]func(*testing.T, Harness){
	"keeps what is live and what is revoked": testSweepKeeps,
	"forgets what has expired":               testSweepForgets,
}

func replayOf(t *testing.T, h Harness) (driver.Replay, driver.Replay) {
	t.Helper()
	a, ok := h.Store.(driver.Replay)
	if !ok {
		t.Skip("the store is no session.Replay")
	}
	return a, h.Again.(driver.Replay)
}

func testSeenOnce(t *testing.T, h Harness) {
	a, b := replayOf(t, h)
	var wg sync.WaitGroup
	var first atomic.Int32
	for i := range 20 {
		r := a
		if i%2 == 1 {
			r = b
		}
		wg.Go(func() {
			switch err := r.Seen(t.Context(), "jti", start, start.Add(time.Minute)); {
			case err == nil:
				first.Add(1)
			case !errors.Is(err, driver.ErrReplayed):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if first.Load() != 1 {
		t.Fatalf("%d of 20 were the first", first.Load())
	}
	wantError(t, "Seen", b.Seen(t.Context(), "jti", start.Add(59*time.Second), start.Add(time.Hour)), driver.ErrReplayed)
}

func testUsed(t *testing.T, h Harness) {
	a, b := replayOf(t, h)
	for range 2 {
		if err := b.Used(t.Context(), "jti", start); err != nil {
			t.Fatalf("Used = %v before Seen", err)
		}
	}
	if err := a.Seen(t.Context(), "jti", start, start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Used", b.Used(t.Context(), "jti", start.Add(59*time.Second)), driver.ErrReplayed)
	if err := b.Used(t.Context(), "other", start); err != nil {
		t.Fatalf("Used = %v of another id", err)
	}
}

func testSeenForgets(t *testing.T, h Harness) {
	a, _ := replayOf(t, h)
	if err := a.Seen(t.Context(), "jti", start, start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	// It may remember for longer than it must: by its own clock, say.
	if err := a.Seen(t.Context(), "jti", start.Add(time.Minute), start.Add(time.Hour)); err != nil {
		wantError(t, "Seen", err, driver.ErrReplayed)
	}
}

func testSeenOthers(t *testing.T, h Harness) {
	a, b := replayOf(t, h)
	for _, id := range []string{"jti", "JTI", "jti2", "j%", "", "ü"} {
		if err := a.Seen(t.Context(), id, start, start.Add(time.Minute)); err != nil {
			t.Fatalf("Seen(%q) = %v", id, err)
		}
		wantError(t, "Seen", b.Seen(t.Context(), id, start, start.Add(time.Minute)), driver.ErrReplayed)
	}
}

func outboxOf(t *testing.T, h Harness) (driver.Outbox, driver.Outbox) {
	t.Helper()
	a, ok := h.Store.(driver.Outbox)
	if !ok {
		t.Skip("the store is no session.Outbox")
	}
	return a, h.Again.(driver.Outbox)
}

func enqueue(t *testing.T, o driver.Outbox, due time.Time) driver.Job {
	t.Helper()
	j := driver.Job{ID: rand.Text(), SID: "sid1", CreatedAt: start, Due: due}
	if err := o.Enqueue(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	return j
}

func take(t *testing.T, o driver.Outbox, now time.Time, n int) []driver.Job {
	t.Helper()
	jobs, err := o.Take(t.Context(), now, now.Add(time.Minute), n)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func testOutboxKeeps(t *testing.T, h Harness) {
	a, b := outboxOf(t, h)
	j := enqueue(t, a, start)
	user := driver.Job{ID: rand.Text(), UserID: "auth0|ü", CreatedAt: start, Due: start.Add(time.Second)}
	if err := a.Enqueue(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	now := start.Add(time.Second)
	j.Attempts, j.Due, user.Attempts, user.Due = 1, now.Add(time.Minute), 1, now.Add(time.Minute)
	got := take(t, b, now, 10)
	slices.SortFunc(got, func(a, b driver.Job) int { return strings.Compare(b.SID, a.SID) })
	if want := []driver.Job{j, user}; !reflect.DeepEqual(got, want) {
		t.Fatalf("Take =\n%+v, want\n%+v", got, want)
	}
	for range 2 {
		for _, id := range []string{j.ID, user.ID, "unknown"} {
			if err := a.Done(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := take(t, b, start.Add(time.Hour), 10); len(got) > 0 {
		t.Fatalf("Take after Done = %+v", got)
	}
}

func testOutboxDue(t *testing.T, h Harness) {
	a, b := outboxOf(t, h)
	enqueue(t, a, start.Add(3*time.Second))
	first, second := enqueue(t, a, start.Add(-time.Second)), enqueue(t, a, start)
	enqueue(t, a, start.Add(time.Hour))
	got := take(t, b, start, 2)
	ids := map[string]bool{first.ID: true, second.ID: true}
	if len(got) != 2 || !ids[got[0].ID] || !ids[got[1].ID] {
		t.Fatalf("Take = %+v, want the two that are due first", got)
	}
}

func testOutboxLease(t *testing.T, h Harness) {
	a, b := outboxOf(t, h)
	for range 50 {
		enqueue(t, a, start)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[string]int{}
	for i := range 8 {
		o := a
		if i%2 == 1 {
			o = b
		}
		wg.Go(func() {
			for range 10 {
				jobs, err := o.Take(t.Context(), start, start.Add(time.Minute), 3)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, j := range jobs {
					taken[j.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(taken) != 50 {
		t.Fatalf("%d of 50 jobs were taken", len(taken))
	}
	for id, n := range taken {
		if n != 1 {
			t.Fatalf("job %s was taken %d times", id, n)
		}
	}
}

func testOutboxCrash(t *testing.T, h Harness) {
	a, b := outboxOf(t, h)
	j := enqueue(t, a, start)
	take(t, a, start, 1) // and nobody says Done
	if got := take(t, b, start.Add(time.Minute-time.Millisecond), 1); len(got) > 0 {
		t.Fatalf("Take before the lease ends = %+v", got)
	}
	got := take(t, b, start.Add(time.Minute), 1)
	if len(got) != 1 || got[0].ID != j.ID || got[0].Attempts != 2 {
		t.Fatalf("Take after the lease = %+v, want the job with 2 attempts", got)
	}
}

func testOutboxRetry(t *testing.T, h Harness) {
	a, b := outboxOf(t, h)
	j := enqueue(t, a, start)
	take(t, a, start, 1)
	if err := a.Retry(t.Context(), j.ID, start.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := take(t, b, start.Add(time.Second), 1); len(got) != 1 || got[0].Attempts != 2 {
		t.Fatalf("Take after Retry = %+v", got)
	}
	if err := a.Done(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.Retry(t.Context(), j.ID, start); err != nil {
		t.Fatal(err)
	}
	if got := take(t, b, start.Add(time.Hour), 1); len(got) > 0 {
		t.Fatalf("Retry brought a finished job back: %+v", got)
	}
}

func sweeperOf(t *testing.T, h Harness) driver.Sweeper {
	t.Helper()
	s, ok := h.Store.(driver.Sweeper)
	if !ok {
		t.Skip("the store is no session.Sweeper")
	}
	return s
}

func testSweepKeeps(t *testing.T, h Harness) {
	s := sweeperOf(t, h)
	r, revoked := create(t, h.Store, newRecord("u1", start)), create(t, h.Store, newRecord("u1", start))
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: revoked.Key})
	del(t, h.Store, driver.Selector{Form: driver.SelectSID, SID: "sid1", Now: start.Add(2 * time.Minute)})
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: start.Add(10 * time.Second)})
	if n, err := s.Sweep(t.Context(), start.Add(9*time.Second)); err != nil || n != 0 {
		t.Fatalf("Sweep = %d, %v; nothing may be forgotten yet", n, err)
	}
	wantLive(t, h.Store, r.Key, start.Add(9*time.Second))
	wantLive(t, h.Store, r2.Key, start.Add(9*time.Second))
	wantLoad(t, h.Store, revoked.Key, start, driver.ErrRevoked)
	late := newRecord("u1", start.Add(time.Minute))
	late = withSID(late, "sid1")
	_, err := h.Store.Create(t.Context(), late, driver.Limit{Now: late.CreatedAt, Bound: late.CreatedAt, Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
}

func testSweepForgets(t *testing.T, h Harness) {
	s := sweeperOf(t, h)
	r, revoked := create(t, h.Store, newRecord("u1", start)), create(t, h.Store, newRecord("u1", start))
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: revoked.Key})
	replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: start.Add(10 * time.Second)})
	create(t, h.Store, newRecord("u2", start.Add(time.Hour)))
	n, err := s.Sweep(t.Context(), r.IdleAt)
	if err != nil || n < 2 {
		t.Fatalf("Sweep = %d, %v; two sessions have ended for good", n, err)
	}
	wantLoad(t, h.Store, r.Key, start, driver.ErrNone)
	wantLoad(t, h.Store, revoked.Key, start, driver.ErrNone)
	if list, err := h.Store.List(t.Context(), "u2", r.IdleAt); err != nil || len(list) != 1 {
		t.Fatalf("List = %v, %v; the live session must stay", list, err)
	}
}
