// Package auditsql is what the SQL stores of audit logs have in common: the tables
// beside the events, all queries, and the sequence.
package auditsql

import (
	"database/sql"
	"sync"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Store implements driver.Store on a table of events that the schema has.
type Store struct {
	db      *sqlstore.Store
	pkg     string
	now     string   // The database's clock in microseconds since 1970.
	byID    string   // The table of events, joined so that an id is found.
	inserts sync.Map // Statements by number of rows.
}

var _ driver.Store = (*Store)(nil)

// schema is all tables but that of events. Times are microseconds since 1970.
// Columns that are compared by order are bytes: texts have an order of the
// database's own.
const schema = `
TABLE {t}_pending (
	block BIGINT NOT NULL PRIMARY KEY,
	events INTEGER NOT NULL,
	since BIGINT NOT NULL,
	hashes {blob} NOT NULL
);
TABLE {t}_sealed (
	at_index BIGINT NOT NULL PRIMARY KEY,
	block BIGINT NOT NULL UNIQUE,
	events INTEGER NOT NULL
);
TABLE {t}_state (
	kind {key} NOT NULL,
	name {bytes} NOT NULL,
	version BIGINT NOT NULL,
	value {blob} NOT NULL,
	PRIMARY KEY (kind, name)
);
TABLE {t}_lease (
	one INTEGER NOT NULL PRIMARY KEY,
	holder {key} NOT NULL,
	fence BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	beats BIGINT NOT NULL
)`

var clocks = map[sqlstore.Dialect]string{
	sqlstore.SQLite:   "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
	sqlstore.Postgres: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
	sqlstore.MariaDB:  "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
}

// New returns a Store for a package, on tables whose names begin with table. Events
// is the schema of the table of events, and byID how an id is found there.
func New(pkg string, db *sql.DB, dialect sqlstore.Dialect, table, events, byID string) (*Store, error) {
	s, err := sqlstore.New(pkg, db, dialect, table, events+";"+schema)
	if err != nil {
		return nil, err
	}
	return &Store{db: s, pkg: pkg, now: clocks[dialect], byID: byID}, nil
}

// DB returns what runs the statements.
func DB(s *Store) *sqlstore.Store { return s.db }
