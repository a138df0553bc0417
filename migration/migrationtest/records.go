package migrationtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
)

// at has microseconds: what every database keeps.
var at = time.Date(2026, 3, 29, 1, 59, 59, 123456000, time.UTC)

func testBatch(t *testing.T, h Harness) {
	f := lease(t, h.Ledger, run, "a")
	steps := []driver.Batch{
		{N: 7, State: driver.Sending, Count: 3, Keys: []string{"a", "ü", "c d"}, At: at},
		{N: 7, State: driver.Submitted, JobID: "job_1", Count: 3, Keys: []string{"a", "ü", "c d"}, At: at.Add(time.Second)},
		{N: 7, State: driver.Settled, JobID: "job_1", Count: 3, At: at.Add(time.Minute)},
	}
	for _, want := range steps {
		putBatch(t, h.Ledger, f, want)
		got := batches(t, h.Ledger, run)
		if len(got) != 1 {
			t.Fatalf("there are %d batches; want 1", len(got))
		}
		if len(got[0].Keys) == 0 {
			got[0].Keys = nil
		}
		if !got[0].At.Equal(want.At) {
			t.Errorf("At is %v; want %v", got[0].At, want.At)
		}
		got[0].At = want.At
		if !reflect.DeepEqual(got[0], want) {
			t.Errorf("batch is %+v; want %+v", got[0], want)
		}
	}
}

func testBatchOrder(t *testing.T, h Harness) {
	f := lease(t, h.Ledger, run, "a")
	for _, n := range []int{10, 2, 0, 100, 1} {
		putBatch(t, h.Ledger, f, driver.Batch{N: n, State: driver.Sending, At: at})
	}
	var order []int
	for _, b := range batches(t, h.Ledger, run) {
		order = append(order, b.N)
	}
	if want := []int{0, 1, 2, 10, 100}; !slices.Equal(order, want) {
		t.Errorf("batches come as %v; want %v", order, want)
	}
}

func testOutcome(t *testing.T, h Harness) {
	f := lease(t, h.Ledger, run, "a")
	steps := []driver.Outcome{
		{Key: "k", State: driver.StateFailed, Code: "PATTERN", Path: "email", Attempts: 1, Digest: "0123", At: at},
		{Key: "k", State: driver.StateMigrated, Attempts: 2, Memberships: driver.MembershipsPending, Given: "org_a:rol_b;org_c", Digest: "4567", At: at.Add(time.Hour)},
		{Key: "k", State: driver.StateMigrated, Attempts: 2, Memberships: driver.MembershipsDone, At: at.Add(2 * time.Hour)},
	}
	for _, want := range steps {
		putOutcomes(t, h.Ledger, f, want)
		got := outcomes(t, h.Ledger, run)
		o := got["k"]
		if !o.At.Equal(want.At) {
			t.Errorf("At is %v; want %v", o.At, want.At)
		}
		o.At = want.At
		if len(got) != 1 || o != want {
			t.Errorf("outcomes are %+v; want %+v alone", got, want)
		}
	}
	putOutcomes(t, h.Ledger, f)
}

func testLookup(t *testing.T, h Harness) {
	f := lease(t, h.Ledger, run, "a")
	for _, key := range []string{"a", "b", "c"} {
		putOutcomes(t, h.Ledger, f, driver.Outcome{Key: key, State: driver.StateMigrated})
	}
	got := slices.Sorted(maps.Keys(outcomes(t, h.Ledger, run, "c", "missing", "a")))
	if !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("found %v; want a and c", got)
	}
}

func testHostileKeys(t *testing.T, h Harness) {
	keys := []string{
		"a", "A", "ä", "a\u0308", "a ", " a", "a%", "a_", "a|b", "a'b", `a"b`, `a\b`, "a;--", "1", "01", "1.0", "null",
		strings.Repeat("x", 249),
	}
	f := lease(t, h.Ledger, run, "a")
	var all []driver.Outcome
	for i, key := range keys {
		all = append(all, driver.Outcome{Key: key, State: driver.StateFailed, Code: fmt.Sprint(i)})
	}
	putOutcomes(t, h.Ledger, f, all...)
	if got := outcomes(t, h.Ledger, run); len(got) != len(keys) {
		t.Errorf("%d keys have become %d", len(keys), len(got))
	}
	for i, key := range keys {
		if got := outcomes(t, h.Ledger, run, key); len(got) != 1 || got[key].Code != fmt.Sprint(i) {
			t.Errorf("key %q finds %+v", key, got)
		}
	}
	putBatch(t, h.Ledger, f, driver.Batch{State: driver.Sending, Keys: keys, At: at})
	if got := batches(t, h.Ledger, run)[0].Keys; !slices.Equal(got, keys) {
		t.Errorf("a batch's keys come back as %q", got)
	}
}

func testForget(t *testing.T, h Harness) {
	for _, name := range []string{"a", "b"} {
		f := lease(t, h.Ledger, name, "x")
		putOutcomes(t, h.Ledger, f, driver.Outcome{Key: "k", State: driver.StateMigrated}, driver.Outcome{Key: "K", State: driver.StateFailed})
		putBatch(t, h.Ledger, f, driver.Batch{N: 1, State: driver.Sending, Count: 3, Keys: []string{"k", "K", "k2"}, At: at})
		putBatch(t, h.Ledger, f, driver.Batch{N: 2, State: driver.Settled, Count: 1, At: at})
	}
	for range 2 { // the second time it is missing
		if err := h.Ledger.Forget(t.Context(), "a", "k"); err != nil {
			t.Fatalf("Forget: %v", err)
		}
	}
	for name, keys := range map[string][]string{"a": {"K", "k2"}, "b": {"k", "K", "k2"}} {
		if got := outcomes(t, h.Ledger, name); len(got) != len(keys)-1 || got["K"].State != driver.StateFailed {
			t.Errorf("run %s has the outcomes %+v", name, got)
		}
		got := batches(t, h.Ledger, name)
		if len(got) != 2 || got[0].Count != 3 || !slices.Equal(got[0].Keys, keys) {
			t.Errorf("run %s has the batches %+v; want the keys %v", name, got, keys)
		}
	}
}

// fill writes n outcomes in pages, as a run does.
func fill(t *testing.T, h Harness, f driver.Fence, n int) {
	t.Helper()
	const page = 1000
	for start := 0; start < n; start += page {
		var some []driver.Outcome
		for i := start; i < min(start+page, n); i++ {
			some = append(some, driver.Outcome{Key: fmt.Sprintf("k%d", i), State: driver.StateMigrated, Attempts: i, At: at})
		}
		putOutcomes(t, h.Ledger, f, some...)
	}
}

func testMany(t *testing.T, h Harness) {
	const n = 1201
	fill(t, h, lease(t, h.Ledger, run, "a"), n)
	got := outcomes(t, h.Ledger, run)
	if len(got) != n || got["k1200"].Attempts != 1200 {
		t.Errorf("%d of %d outcomes came back", len(got), n)
	}
	keys := slices.Collect(maps.Keys(got))
	if found := outcomes(t, h.Ledger, run, keys...); len(found) != n {
		t.Errorf("%d of %d keys were found", len(found), n)
	}
}

func testWriteWhileReading(t *testing.T, h Harness) {
	const n = 1200
	f := lease(t, h.Ledger, run, "a")
	fill(t, h, f, n)
	seen := make(map[string]bool)
	for o, err := range h.Ledger.Outcomes(t.Context(), run) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[o.Key] {
			t.Fatalf("key %q comes twice", o.Key)
		}
		seen[o.Key] = true
		if len(seen)%500 == 1 {
			o.Code = "again"
			putOutcomes(t, h.Ledger, f, o)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d outcomes came", len(seen), n)
	}
	putBatch(t, h.Ledger, f, driver.Batch{N: 0, State: driver.Sending, At: at})
	for b, err := range h.Ledger.Batches(t.Context(), run) {
		if err != nil {
			t.Fatal(err)
		}
		b.State = driver.Settled
		putBatch(t, h.Ledger, f, b)
	}
}

func testBreak(t *testing.T, h Harness) {
	f := lease(t, h.Ledger, run, "a")
	fill(t, h, f, 10)
	putBatch(t, h.Ledger, f, driver.Batch{N: 0, At: at})
	putBatch(t, h.Ledger, f, driver.Batch{N: 1, At: at})
	for range 50 { // more than a pool has connections
		for _, err := range h.Ledger.Outcomes(t.Context(), run) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		for _, err := range h.Ledger.Batches(t.Context(), run) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	fill(t, h, f, 10)
}

func testCancelled(t *testing.T, h Harness) {
	f := lease(t, h.Ledger, run, "a")
	putOutcomes(t, h.Ledger, f, driver.Outcome{Key: "k", State: driver.StateFailed})
	putBatch(t, h.Ledger, f, driver.Batch{N: 0, State: driver.Sending})
	ctx := ended()
	calls := map[string]func() error{
		"Lease": func() error { _, err := h.Ledger.Lease(ctx, run, "a", time.Minute); return err },
		"PutBatch": func() error {
			return h.Ledger.PutBatch(ctx, f, driver.Batch{N: 0, State: driver.Settled})
		},
		"PutOutcomes": func() error {
			return h.Ledger.PutOutcomes(ctx, f, []driver.Outcome{{Key: "k", State: driver.StateMigrated}})
		},
		"Forget":   func() error { return h.Ledger.Forget(ctx, run, "k") },
		"Batches":  func() error { return last(h.Ledger.Batches(ctx, run)) },
		"Outcomes": func() error { return last(h.Ledger.Outcomes(ctx, run)) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after the end of its context: %v; want context.Canceled", name, err)
		}
	}
	if got := outcomes(t, h.Ledger, run)["k"].State; got != driver.StateFailed {
		t.Errorf("a cancelled write has changed the state to %q", got)
	}
}

// last returns the error that ends a sequence.
func last[T any](seq func(yield func(T, error) bool)) (err error) {
	for _, e := range seq {
		err = e
	}
	return err
}

func testConcurrent(t *testing.T, h Harness) {
	const writers, each = 8, 20
	f := lease(t, h.Ledger, run, "a")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				o := driver.Outcome{Key: fmt.Sprintf("%d-%d", w, i), State: driver.StateMigrated}
				if err := h.Ledger.PutOutcomes(t.Context(), f, []driver.Outcome{o}); err != nil {
					t.Errorf("PutOutcomes: %v", err)
				}
				b := driver.Batch{N: w*each + i, State: driver.Sending}
				if err := h.Ledger.PutBatch(t.Context(), f, b); err != nil {
					t.Errorf("PutBatch: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(outcomes(t, h.Ledger, run)); n != writers*each {
		t.Errorf("%d of %d outcomes are there", n, writers*each)
	}
	if n := len(batches(t, h.Ledger, run)); n != writers*each {
		t.Errorf("%d of %d batches are there", n, writers*each)
	}
}
