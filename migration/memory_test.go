package migration_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/migrationtest"
)

func TestMemoryLedger(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	migrationtest.Run(t, func(t *testing.T) migrationtest.Harness {
		l := migration.NewMemoryLedger()
		l.Now = func() time.Time { return clock }
		return migrationtest.Harness{Ledger: l, Advance: func(d time.Duration) { clock = clock.Add(d) }}
	})
}

// Without a clock of its own the ledger goes by package time.
func TestMemoryLedgerByPackageTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := migration.NewMemoryLedger()
		if _, err := l.Lease(t.Context(), "run", "a", time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		if _, err := l.Lease(t.Context(), "run", "b", time.Minute); err != nil {
			t.Errorf("after the lease has run out: %v", err)
		}
	})
}
