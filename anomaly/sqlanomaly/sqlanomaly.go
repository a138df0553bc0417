// Package sqlanomaly keeps the profiles of package anomaly in SQLite, Postgres,
// MariaDB or MySQL, through database/sql:
//
//	store, err := sqlanomaly.New(db, sqlanomaly.Postgres, sqlanomaly.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	detector, err := anomaly.New(store, keys, anomaly.Config{Geo: geo})
//
// The program imports the database driver. SQLite needs WAL mode and a busy
// timeout. anomaly.Detector.Run removes expired profiles.
package sqlanomaly

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
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
	// schema may precede it, and must exist. Defaults to "auth0kit_anomaly".
	Table string

	// TTL is how long a profile outlives its last change, in whole milliseconds; at
	// least a minute. Defaults to 183 days, after which a profile hardly counts.
	TTL time.Duration

	// Now stamps rows for Sweep. Defaults to time.Now.
	Now func() time.Time
}

// Store is an anomaly.Store in a SQL database. It is safe for concurrent use, also
// by several processes. The caller closes the database.
type Store struct {
	db  *sqlstore.Store
	cfg Config

	load, insert, update, remove sqlstore.Statement
}

var (
	_ anomaly.Store   = (*Store)(nil)
	_ anomaly.Sweeper = (*Store)(nil)
)

const schema = `
TABLE {t} (
	id {key} NOT NULL PRIMARY KEY,
	version BIGINT NOT NULL,
	saved_at BIGINT NOT NULL,
	profile {blob} NOT NULL
)`

// New returns a Store. It does no I/O: create the tables with CreateSchema.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Store, error) {
	cfg.TTL = cmp.Or(cfg.TTL, 183*24*time.Hour)
	if cfg.TTL < time.Minute {
		return nil, errors.New("sqlanomaly: Config.TTL must be at least a minute")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s, err := sqlstore.New("sqlanomaly", db, dialect, cmp.Or(cfg.Table, "auth0kit_anomaly"), schema)
	if err != nil {
		return nil, err
	}
	return &Store{
		db: s, cfg: cfg,
		load:   s.SQL(`SELECT version, profile FROM {t} WHERE id = $1`),
		insert: s.SQL(`INSERT INTO {t} (id, version, saved_at, profile) VALUES ($1, $4, $2, $3) {ignore id}`),
		update: s.SQL(`UPDATE {t} SET version = version + 1, saved_at = $2, profile = $3 WHERE id = $1 AND version = $4`),
		remove: s.SQL(`DELETE FROM {t} WHERE id = $1`),
	}, nil
}

// Schema returns the statements that create the table, for a migration tool. They
// do nothing if the table exists.
func (s *Store) Schema() []string { return s.db.Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error { return s.db.CreateSchema(ctx) }

// Load implements anomaly.Store.
func (s *Store) Load(ctx context.Context, key anomaly.Key, dst []byte) ([]byte, uint64, error) {
	type saved struct {
		version uint64
		blob    []byte
	}
	found, err := sqlstore.One(ctx, s.db.Conn, func(rows *sql.Rows) (f saved, err error) {
		return f, rows.Scan(&f.version, &f.blob)
	}, s.load, key.String())
	if errors.Is(err, sql.ErrNoRows) {
		return dst, 0, nil
	}
	return append(dst, found.blob...), found.version, err
}

// Save implements anomaly.Store.
func (s *Store) Save(ctx context.Context, key anomaly.Key, blob []byte, version uint64) error {
	statement := s.insert
	if version != 0 {
		statement = s.update
	} else { // A save from before Forget must not find its version.
		version = rand.Uint64()>>2 + 1
	}
	args := []any{key.String(), s.cfg.Now().UnixMilli(), blob, int64(version)}
	n, err := s.db.Exec(ctx, statement, args...)
	if err == nil && n == 0 {
		return anomaly.ErrConflict
	}
	return err
}

// Forget implements anomaly.Store.
func (s *Store) Forget(ctx context.Context, userID string) error {
	_, err := s.db.Exec(ctx, s.remove, anomaly.Key(userID).String())
	return err
}

// Sweep implements anomaly.Sweeper: it removes the profiles that were not saved
// for Config.TTL.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	return s.db.Sweep(ctx, "{t}", "id", "saved_at <= $1 AND id <> $2", now.Add(-s.cfg.TTL).UnixMilli(), anomaly.Key("").String())
}
