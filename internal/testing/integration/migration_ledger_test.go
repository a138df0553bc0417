package integration

import (
	"database/sql"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/migration/migrationtest"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
)

func TestSQLMigrationLedger(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		migrationtest.Run(t, func(t *testing.T) migrationtest.Harness {
			start := time.Now()
			var moved atomic.Int64
			ledger := openSQLMigration(t, p.open(t), p.dialect, sqlmigration.Config{
				Now: func() time.Time { return start.Add(time.Duration(moved.Load())) },
			})
			return migrationtest.Harness{Ledger: ledger, Advance: func(d time.Duration) { moved.Add(int64(d)) }}
		})
	})
}

func openSQLMigration(t *testing.T, db *sql.DB, d sqlmigration.Dialect, cfg sqlmigration.Config) *sqlmigration.Ledger {
	t.Helper()
	l, err := sqlmigration.New(db, d, cfg)
	require.NoError(t, err)
	for range 2 { // A second start is no problem.
		require.NoError(t, l.CreateSchema(t.Context()))
	}
	return l
}
