package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Databases are opened in internal/testing/integration: no test here may import a
// driver.

// script is a driver whose statements end with the errors of a list, and then
// without one.
type script struct {
	errs []error
	ran  []string
}

func (s *script) Connect(context.Context) (driver.Conn, error)                 { return s, nil }
func (s *script) Driver() driver.Driver                                        { return nil }
func (s *script) Prepare(string) (driver.Stmt, error)                          { return nil, errors.New("not needed") }
func (s *script) Close() error                                                 { return nil }
func (s *script) Begin() (driver.Tx, error)                                    { return s, s.next("BEGIN") }
func (s *script) Commit() error                                                { return s.next("COMMIT") }
func (s *script) Rollback() error                                              { return s.next("ROLLBACK") }
func (s *script) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return s.Begin() }

func (s *script) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), s.next(query)
}

func (s *script) next(what string) error {
	s.ran = append(s.ran, what)
	if what == "ROLLBACK" || what == "BEGIN" || len(s.errs) == 0 {
		return nil
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	return err
}

type stateError string

func (e stateError) Error() string    { return "state " + string(e) }
func (e stateError) SQLState() string { return string(e) }

func open(t *testing.T, d Dialect, errs ...error) (*Store, *script) {
	t.Helper()
	fake := &script{errs: errs}
	s, err := New("sqlthing", sql.OpenDB(fake), d, "auth.thing", `
TABLE {t} (
	id {key} PRIMARY KEY,
	sid {key} NOT NULL,
	data {blob},
	INDEX _by_sid (sid) WHERE sid <> '',
	INDEX _by_both (sid, id)
);
TABLE {t}_state (one BIGINT PRIMARY KEY);
INSERT INTO {t}_state (one) SELECT 1`)
	require.NoError(t, err)
	return s, fake
}

func TestNew(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(&script{})
	for _, table := range []string{"", "x;y", `a"b`, "a.b.c", ".a", "a.", "Upper", "1a", "a b", strings.Repeat("x", 42)} {
		_, err := New("sqlthing", db, SQLite, table, "")
		assert.ErrorContains(t, err, "sqlthing: Config.Table", "%q", table)
	}
	for _, table := range []string{"a", "_a1", "auth.session", strings.Repeat("x", 41)} {
		_, err := New("sqlthing", db, MariaDB, table, "")
		assert.NoError(t, err)
	}
	_, err := New("sqlthing", nil, SQLite, "a", "")
	assert.ErrorContains(t, err, "sqlthing: db is nil")
	for _, d := range []Dialect{0, 4} {
		_, err = New("sqlthing", db, d, "a", "")
		assert.ErrorContains(t, err, "sqlthing: dialect is Dialect(")
	}
}

func TestSQL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, sqlite, postgres, maria string
		order                         []int
	}{
		{
			"UPDATE {t} SET a = $2 WHERE b = $1 AND c > $2",
			"UPDATE auth.thing SET a = ?2 WHERE b = ?1 AND c > ?2",
			"UPDATE auth.thing SET a = $2 WHERE b = $1 AND c > $2",
			"UPDATE auth.thing SET a = ? WHERE b = ? AND c > ?", []int{1, 0, 1},
		},
		{"SELECT 1 {lock}", "SELECT 1 ", "SELECT 1 FOR UPDATE", "SELECT 1 FOR UPDATE", nil},
		{
			"INSERT {ignore a, b}", "INSERT ON CONFLICT (a, b) DO NOTHING", "INSERT ON CONFLICT (a, b) DO NOTHING", "INSERT ", nil,
		},
		{
			"INSERT {upsert a, b: c, d_e}", "INSERT ON CONFLICT (a, b) DO UPDATE SET c = excluded.c, d_e = excluded.d_e",
			"INSERT ON CONFLICT (a, b) DO UPDATE SET c = excluded.c, d_e = excluded.d_e",
			"INSERT ON DUPLICATE KEY UPDATE c = VALUES(c), d_e = VALUES(d_e)", nil,
		},
	} {
		for d, want := range map[Dialect]string{SQLite: c.sqlite, Postgres: c.postgres, MariaDB: c.maria} {
			s, _ := open(t, d)
			got := s.SQL(c.text)
			assert.Equal(t, want, got.text, d)
			assert.Equal(t, d == MariaDB && strings.Contains(c.text, "ignore"), got.ignore)
			if d == MariaDB {
				assert.Equal(t, c.order, got.order)
			}
		}
	}
	assert.Equal(t, []any{"b", "a", "b"}, Statement{order: []int{1, 0, 1}}.in([]any{"a", "b"}))
	assert.Equal(t, "$3, $4, $5", Params(3, 3))
}

func TestSchema(t *testing.T) {
	t.Parallel()
	state := "CREATE TABLE IF NOT EXISTS auth.thing_state (one BIGINT PRIMARY KEY)"
	row := "INSERT INTO auth.thing_state (one) SELECT 1"
	for d, want := range map[Dialect][]string{
		SQLite: {
			"CREATE TABLE IF NOT EXISTS auth.thing (\n\tid TEXT PRIMARY KEY,\n\tsid TEXT NOT NULL,\n\tdata BLOB\n)",
			"CREATE INDEX IF NOT EXISTS auth.thing_by_sid ON thing (sid) WHERE sid <> ''",
			"CREATE INDEX IF NOT EXISTS auth.thing_by_both ON thing (sid, id)", state, row,
		},
		Postgres: {
			"CREATE TABLE IF NOT EXISTS auth.thing (\n\tid TEXT PRIMARY KEY,\n\tsid TEXT NOT NULL,\n\tdata BYTEA\n)",
			"CREATE INDEX IF NOT EXISTS thing_by_sid ON auth.thing (sid) WHERE sid <> ''",
			"CREATE INDEX IF NOT EXISTS thing_by_both ON auth.thing (sid, id)", state, row,
		},
		MariaDB: {
			"CREATE TABLE IF NOT EXISTS auth.thing (\n\tid VARBINARY(512) PRIMARY KEY,\n\tsid VARBINARY(512) NOT NULL,\n\tdata LONGBLOB," +
				"\n\tINDEX thing_by_sid (sid),\n\tINDEX thing_by_both (sid, id)\n) ENGINE=InnoDB", state + " ENGINE=InnoDB", row,
		},
	} {
		s, fake := open(t, d)
		assert.Equal(t, want, s.Schema(), d)
		require.NoError(t, s.CreateSchema(t.Context()))
		assert.Equal(t, want, fake.ran)
	}
}

// TestRetry: what the database says may be tried again is, and nothing else.
func TestRetry(t *testing.T) {
	t.Parallel()
	deadlock := errors.New("Error 1213 (40001): Deadlock found")
	for _, c := range []struct {
		name    string
		dialect Dialect
		err     error
		again   bool
	}{
		{"Postgres serialization", Postgres, stateError("40001"), true},
		{"Postgres deadlock", Postgres, stateError("40P01"), true},
		{"MariaDB deadlock", MariaDB, deadlock, true},
		{"MariaDB lock wait", MariaDB, errors.New("Error 1205 (HY000): Lock wait timeout exceeded"), true},
		{"MariaDB snapshot", MariaDB, errors.New("Error 1020 (HY000): Record has changed since last read"), true},
		{"no state", Postgres, stateError(""), false},
		{"unique", Postgres, stateError("23505"), false},
		{"duplicate with a strange key", MariaDB, errors.New("Error 1062 (23000): Duplicate entry 'Error 1213 (40001)'"), false},
		{"connection", MariaDB, errors.New("invalid connection"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, fake := open(t, c.dialect, c.err, c.err)
			n, err := s.Exec(t.Context(), s.SQL("UPDATE"))
			if c.again {
				require.NoError(t, err)
				assert.EqualValues(t, 1, n)
				assert.Len(t, fake.ran, 3)
			} else {
				require.ErrorIs(t, err, c.err)
				assert.Len(t, fake.ran, 1)
			}
			s, fake = open(t, c.dialect, c.err)
			err = s.Tx(t.Context(), func(c Conn) error {
				_, err := c.Exec(t.Context(), s.SQL("UPDATE"))
				return err
			})
			assert.Equal(t, c.again, err == nil)
			if c.again {
				assert.Equal(t, []string{"BEGIN", "UPDATE", "ROLLBACK", "BEGIN", "UPDATE", "COMMIT"}, fake.ran)
			}
		})
	}
	always := make([]error, 100)
	for i := range always {
		always[i] = deadlock
	}
	s, fake := open(t, MariaDB, always...)
	_, err := s.Exec(t.Context(), s.SQL("UPDATE"))
	require.ErrorIs(t, err, deadlock)
	assert.Len(t, fake.ran, maxTries)
}

func TestIsDuplicate(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		stateError("23505"), errors.New("Error 1062 (23000): Duplicate entry"),
		errors.New("sqlite3: constraint failed: UNIQUE constraint failed: t.id"),
	} {
		assert.True(t, IsDuplicate(err), err)
	}
	for _, err := range []error{nil, stateError("40001"), errors.New("Error 1213 (40001): Deadlock found")} {
		assert.False(t, IsDuplicate(err), err)
	}
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	s, _ := open(t, MariaDB, errors.New("Error 1062 (23000): Duplicate entry"))
	n, err := s.Exec(t.Context(), s.SQL("INSERT {ignore id}"))
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestImmediate(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	s, fake := open(t, SQLite)
	require.ErrorIs(t, s.Tx(t.Context(), func(Conn) error { return stop }), stop)
	require.NoError(t, s.Tx(t.Context(), func(Conn) error { return nil }))
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Tx(ctx, func(Conn) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"BEGIN IMMEDIATE", "ROLLBACK", "BEGIN IMMEDIATE", "COMMIT", "BEGIN IMMEDIATE", "ROLLBACK"}, fake.ran)
}
