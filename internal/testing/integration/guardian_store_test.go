package integration

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian/guardiantest"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
)

func TestGuardianStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		guardiantest.Run(t, func(t *testing.T) guardiantest.Harness {
			db := p.open(t)
			return guardiantest.Harness{
				Store:   openSQLGuardian(t, db, p.dialect, ""),
				Again:   openSQLGuardian(t, db, p.dialect, ""),
				Sibling: openSQLGuardian(t, db, p.dialect, "sibling"),
			}
		})
	})
}

func openSQLGuardian(t testing.TB, db *sql.DB, d sqlguardian.Dialect, table string) *sqlguardian.Store {
	t.Helper()
	s, err := sqlguardian.New(db, d, sqlguardian.Config{Table: table})
	require.NoError(t, err)
	for range 2 { // A second start is no problem.
		require.NoError(t, s.CreateSchema(t.Context()))
	}
	return s
}
