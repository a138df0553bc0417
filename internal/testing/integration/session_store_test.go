package integration

import (
	"database/sql"
	"testing"

	"github.com/auth0kit/auth0kit/session/sessiontest"
	"github.com/auth0kit/auth0kit/session/sqlsession"
)

func TestSessionStoreSQLite(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness { return sqlHarness(t, openSQLite(t)) })
}

func TestSessionStorePostgres(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness { return sqlHarness(t, openPostgres(t)) })
}

func sqlHarness(t *testing.T, db *sql.DB) sessiontest.Harness {
	t.Helper()
	return sessiontest.Harness{
		Store:   openSQLSession(t, db, ""),
		Again:   openSQLSession(t, db, ""),
		Sibling: openSQLSession(t, db, "sibling"),
		Rounds:  120, // of many requests each: databases write through to the disk
	}
}

func openSQLSession(t testing.TB, db *sql.DB, table string) *sqlsession.Store {
	t.Helper()
	s, err := sqlsession.New(db, sqlsession.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSchema(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
