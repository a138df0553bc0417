// Package sqlrisk keeps the decisions of package risk in SQLite, Postgres, MariaDB
// or MySQL, through database/sql:
//
//	decisions, err := sqlrisk.New(db, sqlrisk.Postgres, sqlrisk.Config{})
//	…
//	err = decisions.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	engine, err := risk.New(detector, risk.Config{Decisions: decisions, Keys: keys})
//
// The program imports the database driver. SQLite needs WAL mode and a busy
// timeout. Call Sweep now and then; it removes what is older than Config.TTL.
package sqlrisk

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/risk"
)

// Dialect names the database product, independent of the driver.
type Dialect = sqlstore.Dialect

// The dialects. Use MariaDB for MySQL too: MariaDB 10.3 or later and MySQL 8.0 or
// later, with InnoDB and strict mode, the default of both.
const (
	SQLite   = sqlstore.SQLite
	Postgres = sqlstore.Postgres
	MariaDB  = sqlstore.MariaDB
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	// Table is the name of the table: at most 41 lower-case letters, digits and _. A
	// schema may precede it, and must exist. Defaults to "auth0kit_risk".
	Table string

	// TTL is how long records are kept, in whole milliseconds; at least a day. Defaults
	// to 30 days.
	TTL time.Duration
}

// Store is a risk.Decisions in a SQL database. It is safe for concurrent use, also
// by several processes. The caller closes the database.
type Store struct {
	db  *sqlstore.Store
	ttl time.Duration

	insert, mark, load, list, remove sqlstore.Statement
}

var _ risk.Decisions = (*Store)(nil)

const schema = `
TABLE {t} (
	subject {key} NOT NULL,
	id {key} NOT NULL,
	made_at BIGINT NOT NULL,
	ends_at BIGINT NOT NULL,
	outcome {key} NOT NULL,
	record {blob} NOT NULL,
	PRIMARY KEY (subject, id),
	INDEX _by_age (made_at)
)`

// New returns a Store. It does no I/O: create the table with CreateSchema.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Store, error) {
	cfg.TTL = cmp.Or(cfg.TTL, 30*24*time.Hour)
	if cfg.TTL < 24*time.Hour {
		return nil, errors.New("sqlrisk: Config.TTL must be at least a day")
	}
	s, err := sqlstore.New("sqlrisk", db, dialect, cmp.Or(cfg.Table, "auth0kit_risk"), schema)
	if err != nil {
		return nil, err
	}
	return &Store{
		db: s, ttl: cfg.TTL,
		insert: s.SQL(`INSERT INTO {t} (subject, id, made_at, ends_at, outcome, record) VALUES ($1, $2, $3, $4, '', $5)`),
		mark:   s.SQL(`UPDATE {t} SET outcome = $3 WHERE subject = $1 AND id = $2 AND outcome = '' AND ends_at > $4`),
		load:   s.SQL(`SELECT record FROM {t} WHERE subject = $1 AND id = $2`),
		list:   s.SQL(`SELECT id, made_at, ends_at, outcome, record FROM {t} WHERE subject = $1 ORDER BY made_at DESC, id LIMIT 50`),
		remove: s.SQL(`DELETE FROM {t} WHERE subject = $1`),
	}, nil
}

// Schema returns the statements that create the table, for a migration tool. They
// do nothing if the table exists.
func (s *Store) Schema() []string { return s.db.Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error { return s.db.CreateSchema(ctx) }

// Put implements risk.Decisions. Records of a user beyond the newest 50 stay until
// Sweep; List does not show them.
func (s *Store) Put(ctx context.Context, userID string, r risk.Record) error {
	_, err := s.db.Exec(ctx, s.insert, userID, r.ID, r.At.UnixMilli(), r.Until.UnixMilli(), r.Sealed)
	return err
}

// Take implements risk.Decisions.
func (s *Store) Take(ctx context.Context, userID, id, outcome string, now time.Time) ([]byte, error) {
	n, err := s.db.Exec(ctx, s.mark, userID, id, outcome, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, risk.ErrNoDecision
	}
	sealed, err := sqlstore.One(ctx, s.db.Conn, sqlstore.Column[[]byte], s.load, userID, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, risk.ErrNoDecision // deleted in between
	}
	return sealed, err
}

// List implements risk.Decisions.
func (s *Store) List(ctx context.Context, userID string) ([]risk.Record, error) {
	return sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (r risk.Record, err error) {
		var at, until int64
		err = rows.Scan(&r.ID, &at, &until, &r.Outcome, &r.Sealed)
		r.At, r.Until = time.UnixMilli(at).UTC(), time.UnixMilli(until).UTC()
		return r, err
	}, s.list, userID)
}

// Delete implements risk.Decisions.
func (s *Store) Delete(ctx context.Context, userID string) error {
	_, err := s.db.Exec(ctx, s.remove, userID)
	return err
}

// Sweep removes the records that are older than Config.TTL and returns their
// number.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	return s.db.Sweep(ctx, "{t}", "id", "made_at <= $1", now.Add(-s.ttl).UnixMilli())
}
