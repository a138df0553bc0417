// Package sqlguardian keeps second factors in Postgres or SQLite through
// database/sql, with one SQL text for both:
//
//	db, err := sql.Open("pgx", "postgres://…") // or "sqlite3", with busy_timeout and WAL
//	…
//	store, err := sqlguardian.New(db, sqlguardian.Config{})
//	…
//	err = store.CreateSchema(ctx)
//	…
//	factors, err := guardian.New(client, guardian.Config{Store: store, Keys: keys, Issuer: "Example"})
//
// The driver is the program's choice; this package imports none. Every change is
// one conditional statement, so any number of processes may share the table. What
// lies in it is sealed: a copy of the database has no seeds in it, but the ids of
// users, and for a day the addresses that failed.
//
// Give SQLite a busy timeout; without one, writers that meet fail instead of
// waiting.
package sqlguardian

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

// Config is optional.
type Config struct {
	// Table is the name of the table. Defaults to "auth0kit_guardian". It may have
	// a schema in front.
	Table string
}

// Store is a driver.Store in a SQL database. It is safe for concurrent use. It
// does not own the database: closing that is its owner's.
type Store struct {
	db    *sql.DB
	table string

	load, insert, update, remove, sweep string
}

var _ driver.Store = (*Store)(nil)

var tableName = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,40}$`)

// schema is one text for Postgres and SQLite. kept_until is in milliseconds since
// 1970, zero for always.
const schema = `
CREATE TABLE IF NOT EXISTS {t} (
	subject TEXT NOT NULL,
	kind TEXT NOT NULL,
	factor TEXT NOT NULL,
	version BIGINT NOT NULL,
	kept_until BIGINT NOT NULL,
	data BYTEA NOT NULL,
	PRIMARY KEY (subject, kind, factor)
);
CREATE INDEX IF NOT EXISTS {i}_by_end ON {t} (kept_until) WHERE kept_until > 0`

// New makes a store. It does no I/O.
func New(db *sql.DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlguardian: db is nil; open one with sql.Open")
	}
	if cfg.Table == "" {
		cfg.Table = "auth0kit_guardian"
	}
	if !tableName.MatchString(cfg.Table) {
		return nil, errors.New("sqlguardian: Config.Table must be a lower-case name of at most 41 letters, digits and _")
	}
	s := &Store{db: db, table: cfg.Table}
	// Parameters appear in the order of their numbers, because SQLite takes $3 for a
	// name, and numbers names as they appear.
	s.load = s.sql(`SELECT version, kept_until, data FROM {t} WHERE subject = $1 AND kind = $2 AND factor = $3`)
	s.insert = s.sql(`INSERT INTO {t} (version, kept_until, data, subject, kind, factor) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (subject, kind, factor) DO NOTHING`)
	s.update = s.sql(`UPDATE {t} SET version = $1, kept_until = $2, data = $3
		WHERE subject = $4 AND kind = $5 AND factor = $6 AND version = $7`)
	s.remove = s.sql(`DELETE FROM {t} WHERE subject = $1`)
	s.sweep = s.sql(`DELETE FROM {t} WHERE kept_until > 0 AND kept_until <= $1`)
	return s, nil
}

func (s *Store) sql(text string) string {
	index := s.table[strings.IndexByte(s.table, '.')+1:] // An index lies in the schema of its table.
	return strings.NewReplacer("{t}", s.table, "{i}", index).Replace(text)
}

// Schema returns the statements that the store needs, for a migration tool. They
// do nothing where the table is there already.
func (s *Store) Schema() []string { return strings.Split(strings.TrimSpace(s.sql(schema)), ";\n") }

// CreateSchema runs the statements of Schema. Calling it at every start is fine.
func (s *Store) CreateSchema(ctx context.Context) error {
	for _, statement := range s.Schema() {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("sqlguardian: create schema: %w", err)
		}
	}
	return nil
}

// Load implements driver.Store.
func (s *Store) Load(ctx context.Context, k driver.Key) (driver.Record, error) {
	r := driver.Record{Key: k}
	var until int64
	err := s.db.QueryRowContext(ctx, s.load, k.Subject, string(k.Kind), k.Factor).Scan(&r.Version, &until, &r.Data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return driver.Record{}, driver.ErrNoRecord
	case err != nil:
		return driver.Record{}, fmt.Errorf("sqlguardian: %w", err)
	case until > 0:
		r.Until = time.UnixMilli(until).UTC()
	}
	return r, nil
}

// Save implements driver.Store.
func (s *Store) Save(ctx context.Context, r driver.Record, old int64) error {
	until := int64(0)
	if !r.Until.IsZero() {
		until = max(r.Until.UnixMilli(), 1)
	}
	statement, args := s.insert, []any{r.Version, until, r.Data, r.Key.Subject, string(r.Key.Kind), string(r.Key.Factor)}
	if old != 0 {
		statement, args = s.update, append(args, old)
	}
	n, err := s.exec(ctx, statement, args...)
	if err == nil && n == 0 {
		return driver.ErrConflict
	}
	return err
}

// Delete implements driver.Store.
func (s *Store) Delete(ctx context.Context, subject string) error {
	_, err := s.exec(ctx, s.remove, subject)
	return err
}

// Sweep implements driver.Store.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, s.sweep, now.UnixMilli())
	return err
}

// exec returns how many rows were changed. A conflict that a strict isolation
// level reports is one of versions too.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := s.db.ExecContext(ctx, statement, args...)
	if e, is := errors.AsType[interface {
		error
		SQLState() string
	}](err); is && (e.SQLState() == "40001" || e.SQLState() == "40P01") {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sqlguardian: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("sqlguardian: %w", err)
	}
	return n, nil
}
