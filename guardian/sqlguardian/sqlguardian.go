// Package sqlguardian keeps second factors in SQLite, Postgres, MariaDB or MySQL,
// through database/sql:
//
//	store, err := sqlguardian.New(db, sqlguardian.Postgres, sqlguardian.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	factors, err := guardian.New(client, guardian.Config{Store: store, Keys: keys, Issuer: "Example"})
//
// The program imports the database driver. SQLite needs WAL mode and a busy
// timeout. Every change is one conditional statement, so any number of processes
// can share the table. guardian.Service.Run removes expired records.
//
// The records are sealed: a copy of the database reveals no seeds. It does reveal
// the ids of users.
package sqlguardian

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Dialect names the database product, independent of the driver.
type Dialect = sqlstore.Dialect

// The dialects. Use MariaDB for MySQL too: MariaDB 10.3 or later and MySQL 8.0 or
// later, with InnoDB and strict mode, the default of both. Text columns are binary
// there, so that ids that differ in case or trailing spaces differ. MySQL warns
// that VALUES() in upserts is deprecated (1287); ignore that.
const (
	SQLite   = sqlstore.SQLite
	Postgres = sqlstore.Postgres
	MariaDB  = sqlstore.MariaDB
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	// Table is the name of the table: at most 41 lower-case letters, digits and _. A
	// schema may precede it, and must exist. Defaults to "auth0kit_guardian".
	Table string
}

// Store is a guardian store in a SQL database. It is safe for concurrent use, also
// by several processes. The caller closes the database.
type Store struct {
	db *sqlstore.Store

	load, insert, update, remove sqlstore.Statement
}

var _ driver.Store = (*Store)(nil)

// kept_until is in milliseconds since 1970, zero for always.
const schema = `
TABLE {t} (
	subject {key} NOT NULL,
	kind {key} NOT NULL,
	factor {key} NOT NULL,
	version BIGINT NOT NULL,
	kept_until BIGINT NOT NULL,
	data {blob} NOT NULL,
	PRIMARY KEY (subject, kind, factor),
	INDEX _by_end (kept_until) WHERE kept_until > 0
)`

// New returns a Store. It does no I/O: create the table with CreateSchema.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Store, error) {
	s, err := sqlstore.New("sqlguardian", db, dialect, cmp.Or(cfg.Table, "auth0kit_guardian"), schema)
	if err != nil {
		return nil, err
	}
	return &Store{
		db:   s,
		load: s.SQL(`SELECT version, kept_until, data FROM {t} WHERE subject = $1 AND kind = $2 AND factor = $3`),
		insert: s.SQL(`INSERT INTO {t} (subject, kind, factor, version, kept_until, data) VALUES ($1, $2, $3, $4, $5, $6)
			{ignore subject, kind, factor}`),
		update: s.SQL(`UPDATE {t} SET version = $4, kept_until = $5, data = $6
			WHERE subject = $1 AND kind = $2 AND factor = $3 AND version = $7`),
		remove: s.SQL(`DELETE FROM {t} WHERE subject = $1`),
	}, nil
}

// Schema returns the statements that create the table, for a migration tool. They
// do nothing if the table exists.
func (s *Store) Schema() []string { return s.db.Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error { return s.db.CreateSchema(ctx) }

// Load implements driver.Store.
func (s *Store) Load(ctx context.Context, k driver.Key) (driver.Record, error) {
	r, err := sqlstore.One(ctx, s.db.Conn, func(rows *sql.Rows) (driver.Record, error) {
		r := driver.Record{Key: k}
		var until int64
		err := rows.Scan(&r.Version, &until, &r.Data)
		if until > 0 {
			r.Until = time.UnixMilli(until).UTC()
		}
		return r, err
	}, s.load, k.Subject, string(k.Kind), k.Factor)
	if errors.Is(err, sql.ErrNoRows) {
		return r, driver.ErrNoRecord
	}
	return r, err
}

// Save implements driver.Store.
func (s *Store) Save(ctx context.Context, r driver.Record, old int64) error {
	until := int64(0)
	if !r.Until.IsZero() {
		until = max(r.Until.UnixMilli(), 1)
	}
	statement, args := s.insert, []any{r.Key.Subject, string(r.Key.Kind), r.Key.Factor, r.Version, until, r.Data}
	if old != 0 {
		statement, args = s.update, append(args, old)
	}
	n, err := s.db.Exec(ctx, statement, args...)
	if err == nil && n == 0 {
		return driver.ErrConflict
	}
	return err
}

// Forget implements driver.Store.
func (s *Store) Forget(ctx context.Context, subject string) error {
	_, err := s.db.Exec(ctx, s.remove, subject)
	return err
}

// Sweep implements driver.Store.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	return s.db.Sweep(ctx, "{t}", "subject", "kept_until > 0 AND kept_until <= $1", now.UnixMilli())
}
