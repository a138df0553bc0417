package integration

import (
	"database/sql"
	"testing"

	"github.com/auth0kit/auth0kit/guardian/guardiantest"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
)

func TestGuardianStoreSQLite(t *testing.T) {
	t.Parallel()
	guardiantest.Run(t, func(t *testing.T) guardiantest.Harness { return guardianHarness(t, openSQLite(t)) })
}

func TestGuardianStorePostgres(t *testing.T) {
	t.Parallel()
	guardiantest.Run(t, func(t *testing.T) guardiantest.Harness { return guardianHarness(t, openPostgres(t)) })
}

func guardianHarness(t *testing.T, db *sql.DB) guardiantest.Harness {
	t.Helper()
	return guardiantest.Harness{
		Store:   openSQLGuardian(t, db, ""),
		Again:   openSQLGuardian(t, db, ""),
		Sibling: openSQLGuardian(t, db, "sibling"),
	}
}

func openSQLGuardian(t testing.TB, db *sql.DB, table string) *sqlguardian.Store {
	t.Helper()
	s, err := sqlguardian.New(db, sqlguardian.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // A second start is no problem.
		if err := s.CreateSchema(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}
