package integration

import (
	"database/sql"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/migration/migrationtest"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
)

func TestSQLMigrationLedgerSQLite(t *testing.T) {
	t.Parallel()
	migrationtest.Run(t, sqlLedger(openSQLite))
}

func TestSQLMigrationLedgerPostgres(t *testing.T) {
	t.Parallel()
	migrationtest.Run(t, sqlLedger(openPostgres))
}

func sqlLedger(open func(testing.TB) *sql.DB) func(*testing.T) migrationtest.Harness {
	return func(t *testing.T) migrationtest.Harness {
		start := time.Now()
		var moved atomic.Int64
		ledger := sqlmigration.New(open(t), sqlmigration.Config{
			Now: func() time.Time { return start.Add(time.Duration(moved.Load())) },
		})
		for range 2 { // the second one changes nothing
			if err := ledger.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return migrationtest.Harness{Ledger: ledger, Advance: func(d time.Duration) { moved.Add(int64(d)) }}
	}
}
