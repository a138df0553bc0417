// Package sqlsession keeps sessions in SQLite, Postgres, MariaDB or MySQL, through
// database/sql:
//
//	store, err := sqlsession.New(db, sqlsession.Postgres, sqlsession.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	sessions, err := session.New(store, session.Config{Outbox: store, …})
//
// The program brings the driver; this package imports none. SQLite needs WAL mode
// and a busy timeout. The store is a Replay, an Outbox and a Sweeper too;
// Manager.Run sweeps it.
//
// Validate is one SELECT, and a conditional UPDATE once in Config.TouchEvery. What
// concerns several rows is a transaction that first locks the row of the user or
// of the SID, so two processes never count or revoke past each other. What a
// deadlock or a strict isolation level ends is run again.
package sqlsession

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Dialect names the database product, whichever driver connects to it.
type Dialect = sqlstore.Dialect

// The dialects. MariaDB is for MySQL too: MariaDB from 10.3, MySQL from 8.0 on,
// with InnoDB and in strict mode, as is the default of both. Columns of text are
// binary there, so that ids that differ in case or in trailing spaces differ.
// MySQL warns that VALUES() in upserts is deprecated (1287); ignore that.
const (
	SQLite   = sqlstore.SQLite
	Postgres = sqlstore.Postgres
	MariaDB  = sqlstore.MariaDB
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	// Table is the name of the main table and the beginning of the others' names: at
	// most 41 lower-case letters, digits and _. A schema may stand in front, and must
	// be there. Defaults to "auth0kit_session".
	Table string
}

// Store is a session store in a SQL database. It is safe for concurrent use, also
// by several processes. The caller closes the database.
type Store struct {
	db    *sqlstore.Store
	query queries
}

var (
	_ driver.Store   = (*Store)(nil)
	_ driver.Replay  = (*Store)(nil)
	_ driver.Outbox  = (*Store)(nil)
	_ driver.Sweeper = (*Store)(nil)
)

// New returns a Store. It does no I/O: create the tables with CreateSchema.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Store, error) {
	s, err := sqlstore.New("sqlsession", db, dialect, cmp.Or(cfg.Table, "auth0kit_session"), schema)
	if err != nil {
		return nil, err
	}
	return &Store{db: s, query: prepare(s.SQL)}, nil
}

// Schema returns the statements that create the tables, for a migration tool. They
// do nothing where the tables are there already.
func (s *Store) Schema() []string { return s.db.Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error { return s.db.CreateSchema(ctx) }
