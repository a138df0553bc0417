package integration

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/session/sessiontest"
	"github.com/auth0kit/auth0kit/session/sqlsession"
)

func TestSessionStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
			db := p.open(t)
			return sessiontest.Harness{
				Store:   openSQLSession(t, db, p.dialect, ""),
				Again:   openSQLSession(t, db, p.dialect, ""),
				Sibling: openSQLSession(t, db, p.dialect, "sibling"),
				Rounds:  120, // of many requests each: databases write through to the disk
			}
		})
	})
}

func openSQLSession(t testing.TB, db *sql.DB, d sqlsession.Dialect, table string) *sqlsession.Store {
	t.Helper()
	s, err := sqlsession.New(db, d, sqlsession.Config{Table: table})
	require.NoError(t, err)
	require.NoError(t, s.CreateSchema(t.Context()))
	return s
}
