package migrationtest

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
)

func testEmpty(t *testing.T, h Harness) {
	if n := len(outcomes(t, h.Ledger, run)); n != 0 {
		t.Errorf("a new ledger has %d outcomes", n)
	}
	if n := len(outcomes(t, h.Ledger, run, "a", "b")); n != 0 {
		t.Errorf("a new ledger has %d outcomes of two keys", n)
	}
	if n := len(batches(t, h.Ledger, run)); n != 0 {
		t.Errorf("a new ledger has %d batches", n)
	}
}

func testRenew(t *testing.T, h Harness) {
	first := lease(t, h.Ledger, run, "a")
	if first.Run != run || first.N < 1 {
		t.Errorf("the first fence is %+v; want one of run %q from 1", first, run)
	}
	for range 3 {
		h.Advance(40 * time.Second)
		if again := lease(t, h.Ledger, run, "a"); again != first {
			t.Errorf("renewed fence is %+v; want %+v", again, first)
		}
	}
	if _, err := h.Ledger.Lease(t.Context(), run, "b", time.Minute); !errors.Is(err, driver.ErrLeased) {
		t.Errorf("another holder gets %v while the lease is being renewed; want ErrLeased", err)
	}
}

func testExclusive(t *testing.T, h Harness) {
	first := lease(t, h.Ledger, run, "a")
	h.Advance(59 * time.Second)
	if _, err := h.Ledger.Lease(t.Context(), run, "b", time.Minute); !errors.Is(err, driver.ErrLeased) {
		t.Fatalf("another holder gets %v one second before the end; want ErrLeased", err)
	}
	h.Advance(2 * time.Second)
	second := lease(t, h.Ledger, run, "b")
	if second.N <= first.N {
		t.Errorf("the next holder's fence is %d after %d; want a higher one", second.N, first.N)
	}
	if _, err := h.Ledger.Lease(t.Context(), run, "a", time.Minute); !errors.Is(err, driver.ErrLeased) {
		t.Errorf("the old holder gets %v; want ErrLeased", err)
	}
}

func testRelease(t *testing.T, h Harness) {
	first := lease(t, h.Ledger, run, "a")
	if _, err := h.Ledger.Lease(t.Context(), run, "a", 0); err != nil {
		t.Fatalf("give back: %v", err)
	}
	if second := lease(t, h.Ledger, run, "b"); second.N <= first.N {
		t.Errorf("the next holder's fence is %d after %d; want a higher one", second.N, first.N)
	}
}

func testForeignRelease(t *testing.T, h Harness) {
	first := lease(t, h.Ledger, run, "a")
	for _, holder := range []string{"b", ""} {
		if _, err := h.Ledger.Lease(t.Context(), run, holder, 0); err != nil {
			t.Errorf("giving back a foreign lease: %v; want no error", err)
		}
	}
	if _, err := h.Ledger.Lease(t.Context(), "never leased", "a", 0); err != nil {
		t.Errorf("giving back a lease that never was: %v; want no error", err)
	}
	if again := lease(t, h.Ledger, run, "a"); again != first {
		t.Errorf("the holder's fence is %+v now; want %+v", again, first)
	}
}

func testRace(t *testing.T, h Harness) {
	const holders = 16
	var mu sync.Mutex
	var won []driver.Fence
	var wg sync.WaitGroup
	for i := range holders {
		wg.Go(func() {
			f, err := h.Ledger.Lease(t.Context(), run, strconv.Itoa(i), time.Minute)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won = append(won, f)
			case !errors.Is(err, driver.ErrLeased):
				t.Errorf("Lease: %v; want ErrLeased", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d of %d holders got the lease; want one", len(won), holders)
	}
}

func testFence(t *testing.T, h Harness) {
	old := lease(t, h.Ledger, run, "a")
	putOutcomes(t, h.Ledger, old, driver.Outcome{Key: "k", State: driver.StateFailed})
	putBatch(t, h.Ledger, old, driver.Batch{N: 0, State: driver.Sending})
	h.Advance(2 * time.Minute)
	lease(t, h.Ledger, run, "b")
	o := []driver.Outcome{{Key: "k", State: driver.StateMigrated}, {Key: "l", State: driver.StateMigrated}}
	if err := h.Ledger.PutOutcomes(t.Context(), old, o); !errors.Is(err, driver.ErrFenced) {
		t.Errorf("PutOutcomes with a stale fence: %v; want ErrFenced", err)
	}
	if err := h.Ledger.PutBatch(t.Context(), old, driver.Batch{N: 0, State: driver.Settled}); !errors.Is(err, driver.ErrFenced) {
		t.Errorf("PutBatch with a stale fence: %v; want ErrFenced", err)
	}
	if got := outcomes(t, h.Ledger, run); len(got) != 1 || got["k"].State != driver.StateFailed {
		t.Errorf("a stale fence has written outcomes: %+v", got)
	}
	if got := batches(t, h.Ledger, run); len(got) != 1 || got[0].State != driver.Sending {
		t.Errorf("a stale fence has written a batch: %+v", got)
	}
}

func testNoFence(t *testing.T, h Harness) {
	o := []driver.Outcome{{Key: "k", State: driver.StateMigrated}}
	f := lease(t, h.Ledger, run, "a")
	for _, f := range []driver.Fence{{Run: run}, {Run: run, N: f.N + 1}, {Run: "other", N: f.N}, {}} {
		if err := h.Ledger.PutOutcomes(t.Context(), f, o); !errors.Is(err, driver.ErrFenced) {
			t.Errorf("PutOutcomes with fence %+v: %v; want ErrFenced", f, err)
		}
		if err := h.Ledger.PutBatch(t.Context(), f, driver.Batch{}); !errors.Is(err, driver.ErrFenced) {
			t.Errorf("PutBatch with fence %+v: %v; want ErrFenced", f, err)
		}
	}
}

func testRuns(t *testing.T, h Harness) {
	a, b := lease(t, h.Ledger, "a", "x"), lease(t, h.Ledger, "b", "y")
	putOutcomes(t, h.Ledger, a, driver.Outcome{Key: "k", State: driver.StateMigrated})
	putOutcomes(t, h.Ledger, b, driver.Outcome{Key: "k", State: driver.StateFailed})
	putBatch(t, h.Ledger, a, driver.Batch{N: 0, State: driver.Sending})
	if got := outcomes(t, h.Ledger, "a")["k"].State; got != driver.StateMigrated {
		t.Errorf("run a has state %q; want migrated", got)
	}
	if got := outcomes(t, h.Ledger, "b", "k")["k"].State; got != driver.StateFailed {
		t.Errorf("run b has state %q; want failed", got)
	}
	if n := len(batches(t, h.Ledger, "b")); n != 0 {
		t.Errorf("run b has %d batches of run a", n)
	}
}
func bind(t *testing.T, l driver.Ledger, run, fingerprint, want string) {
	t.Helper()
	if got, err := l.Bind(t.Context(), run, fingerprint); err != nil || got != want {
		t.Errorf("Bind(%q, %q) is %q, %v; want %q", run, fingerprint, got, err, want)
	}
}

func testBind(t *testing.T, h Harness) {
	bind(t, h.Ledger, run, "", "")
	bind(t, h.Ledger, run, "", "") // asking has not bound it
	bind(t, h.Ledger, run, `{"issuer":"https://a/"}`, `{"issuer":"https://a/"}`)
	bind(t, h.Ledger, run, `{"issuer":"https://b/"}`, `{"issuer":"https://a/"}`)
	bind(t, h.Ledger, run, "", `{"issuer":"https://a/"}`)
	bind(t, h.Ledger, "another", "", "")
	bind(t, h.Ledger, "another", "x", "x")
	if f := lease(t, h.Ledger, run, "a"); f.N < 1 {
		t.Errorf("the first fence of a bound run is %+v", f)
	}
	if _, err := h.Ledger.Bind(ended(), run, "x"); err == nil {
		t.Error("Bind works after its context has ended")
	}
}

func testBindRace(t *testing.T, h Harness) {
	const n = 16
	var bound [n]string
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if bound[i], err = h.Ledger.Bind(t.Context(), run, strconv.Itoa(i)); err != nil {
				t.Errorf("Bind: %v", err)
			}
		})
	}
	wg.Wait()
	for i := range n {
		if bound[i] == "" || bound[i] != bound[0] {
			t.Errorf("callers were told %q and %q", bound[0], bound[i])
		}
	}
}
