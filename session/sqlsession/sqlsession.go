// Package sqlsession keeps sessions in Postgres or SQLite through database/sql,
// with one SQL text for both:
//
//	db, err := sql.Open("pgx", "postgres://…") // or "sqlite3", with busy_timeout and WAL
//	…
//	store, err := sqlsession.New(db, sqlsession.Config{})
//	…
//	err = store.CreateSchema(ctx)
//	…
//	sessions, err := session.New(store, session.Config{Outbox: store, …})
//
// The driver is the program's choice; this package imports none. The store is a
// driver.Replay, a driver.Outbox and a driver.Sweeper too: let Manager.Run
// sweep it.
//
// Validate is one SELECT, and a conditional UPDATE once in Config.TouchEvery. What
// concerns several rows is a transaction that first locks the row of the user or
// of the SID, so two processes never count or revoke past each other. The
// database's default isolation level is enough; a transaction that a stricter one
// or a deadlock ends is run again.
//
// Give SQLite a busy timeout; without one, writers that meet fail instead of
// waiting.
package sqlsession

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Config is optional.
type Config struct {
	// Table is the name of the main table, and the beginning of the names of the
	// others. Defaults to "auth0kit_session". It may have a schema in front.
	Table string
}

// Store is a driver.Store in a SQL database. It is safe for concurrent use. It
// does not own the database: closing that is its owner's.
type Store struct {
	db    *sql.DB
	table string
	query queries
}

var (
	_ driver.Store   = (*Store)(nil)
	_ driver.Replay  = (*Store)(nil)
	_ driver.Outbox  = (*Store)(nil)
	_ driver.Sweeper = (*Store)(nil)
)

var tableName = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,40}$`)

// New makes a store. It does no I/O.
func New(db *sql.DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlsession: db is nil; open one with sql.Open")
	}
	if cfg.Table == "" {
		cfg.Table = "auth0kit_session"
	}
	if !tableName.MatchString(cfg.Table) {
		return nil, errors.New("sqlsession: Config.Table must be a lower-case name of at most 41 letters, digits and _")
	}
	s := &Store{db: db, table: cfg.Table}
	s.query = s.prepare()
	return s, nil
}

// sql puts the table's name into a statement. An index is named without the
// schema in which its table lies.
func (s *Store) sql(text string) string {
	_, name, found := strings.Cut(s.table, ".")
	if !found {
		name = s.table
	}
	text = strings.ReplaceAll(text, "INDEX IF NOT EXISTS {t}", "INDEX IF NOT EXISTS "+name)
	return strings.ReplaceAll(text, "{t}", s.table)
}

// maxRetries bounds how often a transaction is run again.
const maxRetries = 10

// tx runs f in a transaction, again when the database asks for it.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	for try := 0; ; try++ {
		err := s.once(ctx, f)
		if err == nil || try == maxRetries || !transient(err) {
			return err
		}
	}
}

func (s *Store) once(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the error of f says more
		return err
	}
	return wrap(tx.Commit())
}

// transient reports a serialization failure or a deadlock by its SQLSTATE.
func transient(err error) bool {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && (e.SQLState() == "40001" || e.SQLState() == "40P01")
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlsession: %w", err)
}

// querier is a database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// changed runs a statement and returns how many rows it changed.
func changed(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, wrap(err)
	}
	n, err := result.RowsAffected()
	return n, wrap(err)
}
