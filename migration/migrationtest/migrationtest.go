// Package migrationtest tests an implementation of driver.Ledger. A ledger of your
// own must pass it before it is used:
//
//	func TestLedger(t *testing.T) {
//		migrationtest.Run(t, func(t *testing.T) migrationtest.Harness {
//			clock := …
//			ledger := myledger.New(openDatabase(t), clock.Now)
//			return migrationtest.Harness{Ledger: ledger, Advance: clock.Advance}
//		})
//	}
package migrationtest

import (
	"context"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
)

// Harness holds an empty ledger under test.
type Harness struct {
	Ledger driver.Ledger

	// Advance moves the clock by which the ledger's leases run out. For a ledger that
	// uses package time in a testing/synctest bubble, it is time.Sleep.
	Advance func(time.Duration)
}

// Run runs the suite. It calls open for each test; open returns an empty ledger.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

var cases = []struct {
	name string
	run  func(t *testing.T, h Harness)
}{
	{"an empty ledger has nothing", testEmpty},
	{"the holder renews its lease and keeps its fence", testRenew},
	{"another holder is kept out until the lease has run out", testExclusive},
	{"a lease that is given back is free at once", testRelease},
	{"giving back what one does not hold changes nothing", testForeignRelease},
	{"one of many holders gets the lease", testRace},
	{"a stale fence writes nothing", testFence},
	{"a fence that never was writes nothing", testNoFence},
	{"runs are independent", testRuns},
	{"a run is bound once", testBind},
	{"one of many fingerprints is bound", testBindRace},
	{"a batch is replaced whole", testBatch},
	{"batches come in order", testBatchOrder},
	{"an outcome is kept and replaced whole", testOutcome},
	{"outcomes are found by key", testLookup},
	{"keys are compared byte by byte", testHostileKeys},
	{"a user is forgotten in one run", testForget},
	{"many outcomes are written and read", testMany},
	{"writing while reading is possible", testWriteWhileReading},
	{"breaking off reading is possible", testBreak},
	{"a context that has ended stops everything", testCancelled},
	{"concurrent writers do not lose writes", testConcurrent},
}

const run = "run"

func lease(t *testing.T, l driver.Ledger, run, holder string) driver.Fence {
	t.Helper()
	f, err := l.Lease(t.Context(), run, holder, time.Minute)
	if err != nil {
		t.Fatalf("Lease(%q, %q): %v", run, holder, err)
	}
	return f
}

func putOutcomes(t *testing.T, l driver.Ledger, f driver.Fence, outcomes ...driver.Outcome) {
	t.Helper()
	if err := l.PutOutcomes(t.Context(), f, outcomes); err != nil {
		t.Fatalf("PutOutcomes: %v", err)
	}
}

func putBatch(t *testing.T, l driver.Ledger, f driver.Fence, b driver.Batch) {
	t.Helper()
	if err := l.PutBatch(t.Context(), f, b); err != nil {
		t.Fatalf("PutBatch: %v", err)
	}
}

// outcomes reads outcomes into a map, and fails on a key that comes twice.
func outcomes(t *testing.T, l driver.Ledger, run string, keys ...string) map[string]driver.Outcome {
	t.Helper()
	found := make(map[string]driver.Outcome)
	for o, err := range l.Outcomes(t.Context(), run, keys...) {
		if err != nil {
			t.Fatalf("Outcomes: %v", err)
		}
		if _, twice := found[o.Key]; twice {
			t.Fatalf("Outcomes yields key %q twice", o.Key)
		}
		found[o.Key] = o
	}
	return found
}

func batches(t *testing.T, l driver.Ledger, run string) []driver.Batch {
	t.Helper()
	var all []driver.Batch
	for b, err := range l.Batches(t.Context(), run) {
		if err != nil {
			t.Fatalf("Batches: %v", err)
		}
		all = append(all, b)
	}
	return all
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
