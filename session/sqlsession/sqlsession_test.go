package sqlsession_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/session/sqlsession"
)

// What needs a database is tested in internal/testing/integration, so that no
// driver is required by this package.

func TestNew(t *testing.T) {
	t.Parallel()
	db := new(sql.DB)
	_, err := sqlsession.New(nil, sqlsession.SQLite, sqlsession.Config{})
	assert.ErrorContains(t, err, "sqlsession: db is nil")
	_, err = sqlsession.New(db, 0, sqlsession.Config{})
	assert.ErrorContains(t, err, "sqlsession: dialect")
	_, err = sqlsession.New(db, sqlsession.SQLite, sqlsession.Config{Table: "x;y"})
	assert.ErrorContains(t, err, "sqlsession: Config.Table")
	for _, d := range []sqlsession.Dialect{sqlsession.SQLite, sqlsession.Postgres, sqlsession.MariaDB} {
		s, err := sqlsession.New(db, d, sqlsession.Config{Table: "auth.session"})
		require.NoError(t, err)
		for _, statement := range s.Schema() {
			assert.NotContains(t, statement, "{")
			assert.NotContains(t, statement, ";")
			assert.Contains(t, statement, "auth.session", d)
		}
	}
}
