// Package sqlanomaly keeps the profiles of package anomaly in SQLite or Postgres,
// through database/sql and with the same statements:
//
//	store, err := sqlanomaly.New(db, sqlanomaly.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run Schema in a migration
//	…
//	detector, err := anomaly.New(store, anomaly.Config{Geo: geo})
//
// Bring the driver of your choice; SQLite wants WAL mode and a busy timeout.
// Profiles of users who do not come back are deleted by Sweep.
package sqlanomaly

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Config may be zero.
type Config struct {
	Table string           // Lower-case letters, digits and underscores. Defaults to "anomaly_profiles".
	Now   func() time.Time // Stamps rows for Sweep. Defaults to time.Now.
}

// Store is an anomaly.Store. It is safe for concurrent use. It does not own the
// database: closing that is its owner's.
type Store struct {
	db  *sql.DB
	cfg Config
}

var _ anomaly.Store = (*Store)(nil)

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// New makes a store. It does no I/O.
func New(db *sql.DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlanomaly: db is nil; open one with sql.Open")
	}
	if cfg.Table == "" {
		cfg.Table = "anomaly_profiles"
	}
	if !tableName.MatchString(cfg.Table) {
		return nil, errors.New("sqlanomaly: Config.Table must be lower-case letters, digits and underscores")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{db, cfg}, nil
}

// statement puts the table's name where a statement says TABLE_NAME.
func (s *Store) statement(text string) string {
	return strings.ReplaceAll(text, "TABLE_NAME", s.cfg.Table)
}

// Schema is what CreateSchema runs.
func (s *Store) Schema() string {
	return s.statement(`CREATE TABLE IF NOT EXISTS TABLE_NAME (
	id      TEXT   NOT NULL PRIMARY KEY,
	version BIGINT NOT NULL,
	saved   BIGINT NOT NULL,
	profile BYTEA  NOT NULL
)`)
}

// CreateSchema creates the table unless it is there.
func (s *Store) CreateSchema(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, s.Schema())
	return wrap("create schema", err)
}

// Load is anomaly.Store's.
func (s *Store) Load(ctx context.Context, key string, dst []byte) ([]byte, uint64, error) {
	var version int64
	var blob []byte
	row := s.db.QueryRowContext(ctx, s.statement(`SELECT version, profile FROM TABLE_NAME WHERE id = $1`), key)
	err := row.Scan(&version, &blob)
	if errors.Is(err, sql.ErrNoRows) {
		return dst, 0, nil
	}
	if err != nil {
		return dst, 0, wrap("load", err)
	}
	return append(dst, blob...), uint64(version), nil
}

// Save is anomaly.Store's. Parameters appear in the order of their numbers, because
// SQLite takes $3 for a name, and numbers names as they appear.
func (s *Store) Save(ctx context.Context, key string, blob []byte, version uint64) error {
	now := s.cfg.Now().Unix()
	if version == 0 {
		return s.saveOne(ctx, `INSERT INTO TABLE_NAME (saved, profile, id, version) VALUES ($1, $2, $3, 1)
			ON CONFLICT (id) DO NOTHING`, now, blob, key)
	}
	return s.saveOne(ctx, `UPDATE TABLE_NAME SET version = version + 1, saved = $1, profile = $2
		WHERE id = $3 AND version = $4`, now, blob, key, int64(version))
}

func (s *Store) saveOne(ctx context.Context, statement string, args ...any) error {
	result, err := s.db.ExecContext(ctx, s.statement(statement), args...)
	if err != nil {
		return wrap("save", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return anomaly.ErrConflict
	}
	return wrap("save", err)
}

// Delete is anomaly.Store's.
func (s *Store) Delete(ctx context.Context, key string) error {
	_, err := s.db.ExecContext(ctx, s.statement(`DELETE FROM TABLE_NAME WHERE id = $1`), key)
	return wrap("delete", err)
}

// Sweep deletes the profiles that were not saved since before, and returns how
// many. What is older than 183 days hardly counts any more. The sketch stays.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int64, error) {
	result, err := s.db.ExecContext(ctx, s.statement(`DELETE FROM TABLE_NAME WHERE saved < $1 AND id <> $2`),
		before.Unix(), anomaly.PopulationKey)
	if err != nil {
		return 0, wrap("sweep", err)
	}
	n, err := result.RowsAffected()
	return n, wrap("sweep", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlanomaly: %s: %w", what, err)
}
