package integration

import (
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly/anomalytest"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
	"github.com/auth0kit/auth0kit/session/sqlsession"
)

const thing = `
TABLE {t} (
	id {key} NOT NULL,
	kind {key} NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (id, kind),
	INDEX _by_n (n) WHERE n > 0
)`

func openThing(t *testing.T, db *sql.DB, d sqlstore.Dialect, table string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New("sqlthing", db, d, table, thing)
	require.NoError(t, err)
	return s
}

// TestSQLStoreSchema: any number of processes create the tables at once, and
// before that an error says how.
func TestSQLStoreSchema(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		s := openThing(t, p.open(t), p.dialect, "thing")
		_, err := s.Exec(t.Context(), s.SQL(`DELETE FROM {t} WHERE id = $1`), "x")
		require.ErrorContains(t, err, "sqlthing: a table is missing; create the tables with CreateSchema or the statements of Schema")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { assert.NoError(t, s.CreateSchema(t.Context())) })
		}
		wg.Wait()
		_, err = s.Exec(t.Context(), s.SQL(`DELETE FROM {t} WHERE id = $1`), "x")
		require.NoError(t, err)
	})
}

// TestSQLStoresWithoutTables: the error of each store says how to create them.
func TestSQLStoresWithoutTables(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		db := p.open(t)
		profiles, err := sqlanomaly.New(db, p.dialect, sqlanomaly.Config{})
		require.NoError(t, err)
		factors, err := sqlguardian.New(db, p.dialect, sqlguardian.Config{})
		require.NoError(t, err)
		ledger, err := sqlmigration.New(db, p.dialect, sqlmigration.Config{})
		require.NoError(t, err)
		sessions, err := sqlsession.New(db, p.dialect, sqlsession.Config{})
		require.NoError(t, err)
		_, err1 := profiles.Sweep(t.Context(), time.Now())
		_, err2 := factors.Sweep(t.Context(), time.Now())
		_, err3 := ledger.Lease(t.Context(), "run", "holder", time.Minute)
		_, err4 := sessions.List(t.Context(), "auth0|1", time.Now())
		for pkg, err := range map[string]error{"sqlanomaly": err1, "sqlguardian": err2, "sqlmigration": err3, "sqlsession": err4} {
			assert.ErrorContains(t, err, pkg+": a table is missing; create the tables with CreateSchema or the statements of Schema: ")
		}
	})
}

// TestSQLStoreInSchema: the name may have a schema in front.
func TestSQLStoreInSchema(t *testing.T) {
	t.Parallel()
	current := map[string]string{"SQLite": "SELECT 'main'", "Postgres": "SELECT current_schema()", "MariaDB": "SELECT database()"}
	onEach(t, func(t *testing.T, p product) {
		db := p.open(t)
		var schema string
		require.NoError(t, db.QueryRowContext(t.Context(), current[p.name]).Scan(&schema))
		s := openThing(t, db, p.dialect, schema+".thing")
		require.NoError(t, s.CreateSchema(t.Context()))
		n, err := s.Exec(t.Context(), s.SQL(`INSERT INTO {t} (id, kind, n) VALUES ($1, $2, 1)`), "x", "y")
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
	})
}

// TestSQLStoreDeadlock lets two transactions take two rows in opposite orders:
// one of them is run again, and both are done.
func TestSQLStoreDeadlock(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		s := openThing(t, p.open(t), p.dialect, "thing")
		require.NoError(t, s.CreateSchema(t.Context()))
		insert := s.SQL(`INSERT INTO {t} (id, kind, n) VALUES ($1, '', 0)`)
		add := s.SQL(`UPDATE {t} SET n = n + 1 WHERE id = $1`)
		for _, id := range []string{"a", "b"} {
			_, err := s.Exec(t.Context(), insert, id)
			require.NoError(t, err)
		}
		var tries atomic.Int64
		var both, wg sync.WaitGroup
		if p.dialect != sqlstore.SQLite { // There a transaction has the database for itself.
			both.Add(2)
		}
		for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			first := sync.OnceFunc(func() {
				if p.dialect != sqlstore.SQLite {
					both.Done()
				}
				both.Wait()
			})
			wg.Go(func() {
				assert.NoError(t, s.Tx(t.Context(), func(c sqlstore.Conn) error {
					tries.Add(1)
					if _, err := c.Exec(t.Context(), add, order[0]); err != nil {
						return err
					}
					first()
					_, err := c.Exec(t.Context(), add, order[1])
					return err
				}))
			})
		}
		wg.Wait()
		sum, err := sqlstore.One(t.Context(), s.Conn, sqlstore.Column[int], s.SQL(`SELECT SUM(n) FROM {t}`))
		require.NoError(t, err)
		assert.Equal(t, 4, sum)
		if p.dialect != sqlstore.SQLite {
			assert.Greater(t, tries.Load(), int64(2))
		}
	})
}

// TestSQLStoreSweep sweeps more than fits a batch, and counts what it deleted.
func TestSQLStoreSweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		s := openThing(t, p.open(t), p.dialect, "thing")
		require.NoError(t, s.CreateSchema(t.Context()))
		const rows = 2500
		values := make([]string, rows)
		var args []any
		for i := range values {
			values[i] = "(" + sqlstore.Params(len(args)+1, 3) + ")"
			args = append(args, "id "+strings.Repeat("x", i%200), string(rune('a'+i/200)), i%5)
		}
		_, err := s.Exec(t.Context(), s.SQL(`INSERT INTO {t} (id, kind, n) VALUES `+strings.Join(values, ", ")), args...)
		require.NoError(t, err)
		n, err := s.Sweep(t.Context(), "{t}", "id", "n <> $1", 3)
		require.NoError(t, err)
		assert.Equal(t, rows*4/5, n)
		left, err := sqlstore.One(t.Context(), s.Conn, sqlstore.Column[int], s.SQL(`SELECT COUNT(*) FROM {t} WHERE n = $1`), 3)
		require.NoError(t, err)
		assert.Equal(t, rows/5, left)
	})
}

// TestMariaDBFoundRows: a driver that counts the rows found instead of those
// changed, and puts arguments into the text, makes no difference.
func TestMariaDBFoundRows(t *testing.T) {
	t.Parallel()
	anomalytest.Run(t, func(t *testing.T) anomalytest.Harness {
		db := openMySQLWith(t, "clientFoundRows=true&interpolateParams=true")
		return anomalytest.Harness{Store: openSQLAnomaly(t, db, sqlstore.MariaDB, sqlanomaly.Config{})}
	})
}
