package migration_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

// errCrash is a machine that dies.
var errCrash = errors.New("crash")

// crashing is a ledger on a machine that dies at the nth write: before it, or
// after it but before anybody learns of it.
type crashing struct {
	driver.Ledger
	at    int64
	after bool
	n     atomic.Int64
}

func (c *crashing) write(do func() error) error {
	n := c.n.Add(1)
	if n > c.at || n == c.at && !c.after {
		return errCrash
	}
	if err := do(); err != nil {
		return err
	}
	if n == c.at {
		return errCrash
	}
	return nil
}

func (c *crashing) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	return c.write(func() error { return c.Ledger.PutBatch(ctx, f, b) })
}

func (c *crashing) PutOutcomes(ctx context.Context, f driver.Fence, o []driver.Outcome) error {
	return c.write(func() error { return c.Ledger.PutOutcomes(ctx, f, o) })
}

// A run that dies at any write to the ledger is taken up by the next one, and
// the end is the same as if nothing had happened.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		steps := 0
		for at := int64(1); ; at++ {
			done := false
			synctest.Test(t, func(t *testing.T) {
				tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
				src, ledger := legacytest.NewTable(withMemberships(tenant, legacytest.Users(200))...), migration.NewMemoryLedger()
				cfg := migration.Config{FileBytes: 20_480, PageSize: 50}
				c := &crashing{Ledger: ledger, at: at, after: after}
				_, err := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), c, cfg).Run(t.Context())
				if err == nil {
					done = true
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("step %d: %v", at, err)
				}
				legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, cfg))
				checkAll(t, tenant, ledger, 200)
				checkMemberships(t, tenant, ledger, 200)
			})
			if done {
				break
			}
			steps++
		}
		if steps < 12 {
			t.Errorf("only %d steps were tried", steps)
		}
	}
}

// A run whose context ends at any moment is taken up by the next one.
func TestCancelAtAnyTime(t *testing.T) {
	t.Parallel()
	for at := time.Duration(0); at < 40*time.Second; at += 1700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
			tenant.Fault("POST /api/v2/jobs/users-imports", auth0test.Fault{Latency: time.Second})
			src, ledger := legacytest.NewTable(legacytest.Users(120)...), migration.NewMemoryLedger()
			cfg := migration.Config{FileBytes: 20_480}
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), at)
				_, err := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, cfg).Run(ctx)
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("after %s: %v", at, err)
				}
			}
			legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, cfg))
			checkAll(t, tenant, ledger, 120)
		})
	}
}

// Only one runner of a run works, and one that has lost its lease stops.
func TestLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: time.Hour})
		src, ledger := legacytest.NewTable(legacytest.Users(10)...), migration.NewMemoryLedger()
		first := make(chan error)
		go func() {
			_, err := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), &frozen{Ledger: ledger}, migration.Config{}).Run(t.Context())
			first <- err
		}()
		time.Sleep(30 * time.Second)
		if _, err := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}).Run(t.Context()); !errors.Is(err, migration.ErrLeased) {
			t.Errorf("a second runner: %v; want ErrLeased", err)
		}
		time.Sleep(time.Minute) // the first one's renewals do not get through
		legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		if err := <-first; !errors.Is(err, errCrash) || !strings.Contains(err.Error(), "lease") {
			t.Errorf("the first runner: %v; want that its lease is lost", err)
		}
		checkAll(t, tenant, ledger, 10)
	})
}

// frozen is a ledger whose network dies after the first lease.
type frozen struct {
	driver.Ledger
	taken bool
}

func (f *frozen) Lease(ctx context.Context, run, holder string, ttl time.Duration) (driver.Fence, error) {
	if f.taken {
		return driver.Fence{}, errCrash
	}
	f.taken = true
	return f.Ledger.Lease(ctx, run, holder, ttl)
}
