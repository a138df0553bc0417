// Package sqlaudit keeps an audit log in SQLite, Postgres, MariaDB or MySQL,
// through database/sql:
//
//	store, err := sqlaudit.New(db, sqlaudit.SQLite, sqlaudit.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	events, err := auditlog.New(store, seal, auditlog.Config{})
//
// The program brings the driver; this package imports none. SQLite needs WAL mode
// and a busy timeout. For Postgres package pgaudit is faster and removes a month of
// events at once. Let the program's role insert into and select from the table of
// events, and delete only where retention runs.
package sqlaudit

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/auditsql"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Dialect names the database product, whichever driver connects to it.
type Dialect = sqlstore.Dialect

// The dialects. MariaDB is for MySQL too: MariaDB from 10.3, MySQL from 8.0 on,
// with InnoDB and in strict mode, as is the default of both.
const (
	SQLite   = sqlstore.SQLite
	Postgres = sqlstore.Postgres
	MariaDB  = sqlstore.MariaDB
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	// Table is how the names of the tables begin: at most 41 lower-case letters,
	// digits and _. A schema may stand in front, and must be there. Defaults to
	// "auth0kit_audit".
	Table string
}

// Store implements driver.Store. It is safe for concurrent use, also by several
// processes. The caller closes the database.
type Store struct{ *store }

type store = auditsql.Store

var _ driver.Store = (*Store)(nil)

const events = `
TABLE {t}_events (
	block BIGINT NOT NULL,
	position INTEGER NOT NULL,
	id {bytes} NOT NULL UNIQUE,
	at BIGINT NOT NULL,
	type {key} NOT NULL,
	action {key} NOT NULL,
	reason {key} NOT NULL,
	outcome INTEGER NOT NULL,
	actor {key} NOT NULL,
	on_behalf_of {key} NOT NULL,
	target {key} NOT NULL,
	organization {key} NOT NULL,
	correlation {key} NOT NULL,
	logged_at BIGINT NOT NULL,
	leaf {blob} NOT NULL,
	PRIMARY KEY (block, position),
	INDEX _events_by_time (at, id),
	INDEX _events_by_type (type, at, id),
	INDEX _events_by_actor (actor, at),
	INDEX _events_by_on_behalf_of (on_behalf_of, at) WHERE on_behalf_of <> '',
	INDEX _events_by_target (target, at),
	INDEX _events_by_organization (organization, at, id) WHERE organization <> '',
	INDEX _events_by_correlation (correlation) WHERE correlation <> ''
)`

// New returns a Store. It does no I/O: create the tables with CreateSchema.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Store, error) {
	s, err := auditsql.New("sqlaudit", db, dialect, cmp.Or(cfg.Table, "auth0kit_audit"), events, "{t}_events e")
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// Schema returns the statements that create the tables, for a migration tool. They
// do nothing where the tables are there already.
func (s *Store) Schema() []string { return auditsql.DB(s.store).Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error {
	return auditsql.DB(s.store).CreateSchema(ctx)
}
