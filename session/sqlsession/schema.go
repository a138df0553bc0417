package sqlsession

import (
	"context"
	"fmt"
	"strings"
)

// schema is one text for Postgres and SQLite. Times are milliseconds since 1970.
// No index has a column that a touch changes, so that Postgres can update in
// place (HOT).
const schema = `
CREATE TABLE IF NOT EXISTS {t} (
	id TEXT PRIMARY KEY,
	hash BYTEA NOT NULL UNIQUE,
	user_id TEXT NOT NULL,
	sid TEXT NOT NULL,
	version BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	rotated_at BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	idle_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	methods TEXT NOT NULL,
	user_agent TEXT NOT NULL,
	ip TEXT NOT NULL,
	csrf BYTEA NOT NULL,
	payload BYTEA
);
CREATE INDEX IF NOT EXISTS {t}_by_user ON {t} (user_id);
CREATE INDEX IF NOT EXISTS {t}_by_sid ON {t} (sid) WHERE sid <> '';
CREATE TABLE IF NOT EXISTS {t}_old (hash BYTEA PRIMARY KEY, id TEXT NOT NULL, until BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS {t}_old_by_id ON {t}_old (id);
CREATE TABLE IF NOT EXISTS {t}_user (user_id TEXT PRIMARY KEY, revoked_at BIGINT NOT NULL, keep_until BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {t}_sid (sid TEXT PRIMARY KEY, revoked_at BIGINT NOT NULL, keep_until BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {t}_state (one BIGINT PRIMARY KEY, epoch BIGINT NOT NULL, revoked_at BIGINT NOT NULL);
INSERT INTO {t}_state (one, epoch, revoked_at) VALUES (1, 0, 0) ON CONFLICT (one) DO NOTHING;
CREATE TABLE IF NOT EXISTS {t}_seen (id TEXT PRIMARY KEY, until BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {t}_outbox (
	id TEXT PRIMARY KEY,
	sid TEXT NOT NULL,
	user_id TEXT NOT NULL,
	attempts BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	due BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS {t}_outbox_by_due ON {t}_outbox (due)`

// Schema returns the statements that the store needs, for a migration tool. They
// do nothing where the tables are there already.
func (s *Store) Schema() []string {
	statements := strings.Split(s.sql(schema), ";\n")
	for i := range statements {
		statements[i] = strings.TrimSpace(statements[i])
	}
	return statements
}

// CreateSchema runs the statements of Schema. Calling it at every start is fine.
func (s *Store) CreateSchema(ctx context.Context) error {
	for _, statement := range s.Schema() {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("sqlsession: create schema: %w", err)
		}
	}
	return nil
}
