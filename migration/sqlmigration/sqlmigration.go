// Package sqlmigration is a driver.Ledger in SQLite or Postgres, through
// database/sql and with one SQL text for both. The program brings the driver:
//
//	import _ "github.com/ncruces/go-sqlite3/driver"
//	import _ "github.com/ncruces/go-sqlite3/embed"
//
//	db, err := sql.Open("sqlite3", "file:migration.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
//	…
//	ledger := sqlmigration.New(db, sqlmigration.Config{})
//	if err := ledger.Migrate(ctx); err != nil {
//		…
//	}
//	runner, err := migration.NewRunner(src, client, ledger, "my-database", migration.Config{})
//
// With SQLite keep _txlock=immediate and a busy timeout: transactions that begin
// by reading and go on to write fail otherwise when two of them meet.
//
// Each write is a transaction that holds the lease's row, so that no write of an
// old holder can follow the first one of the new holder.
package sqlmigration

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
)

// Config is what a Ledger can be told. The zero value is ready.
type Config struct {
	// Now is the clock by which leases run out. Runners on several machines need
	// clocks that agree to within a fraction of Config.LeaseTTL; when they do not,
	// fences still keep a stale runner from writing. Defaults to time.Now.
	Now func() time.Time
}

// Ledger is a driver.Ledger in a database. It is safe for concurrent use.
type Ledger struct {
	db      *sql.DB
	now     func() time.Time
	writing chan struct{} // one write at a time: they would wait for each other in the database, and less fairly
}

var _ driver.Ledger = (*Ledger)(nil)

// New returns a ledger in db, which the caller closes. It does no I/O: call
// Migrate before the first use.
func New(db *sql.DB, cfg Config) *Ledger {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Ledger{db: db, now: cfg.Now, writing: make(chan struct{}, 1)}
}

// schema has times as microseconds since 1970: the two databases agree on
// integers.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS migration_leases (
		run TEXT PRIMARY KEY, holder TEXT NOT NULL, fence BIGINT NOT NULL, expires BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS migration_batches (
		run TEXT NOT NULL, n BIGINT NOT NULL, state TEXT NOT NULL, job_id TEXT NOT NULL, users BIGINT NOT NULL,
		user_keys TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (run, n))`,
	`CREATE TABLE IF NOT EXISTS migration_outcomes (
		run TEXT NOT NULL, user_key TEXT NOT NULL, state TEXT NOT NULL, code TEXT NOT NULL, path TEXT NOT NULL,
		attempts BIGINT NOT NULL, memberships TEXT NOT NULL, digest TEXT NOT NULL, at BIGINT NOT NULL,
		PRIMARY KEY (run, user_key))`,
}

// Migrate creates the tables migration_leases, migration_batches and
// migration_outcomes where they are not there.
func (l *Ledger) Migrate(ctx context.Context) error {
	for _, statement := range schema {
		if _, err := l.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("sqlmigration: create the tables: %w", err)
		}
	}
	return nil
}

// enter waits for its turn to write. leave must be called once.
func (l *Ledger) enter(ctx context.Context) (leave func(), err error) {
	select {
	case l.writing <- struct{}{}:
		return func() { <-l.writing }, ctx.Err()
	case <-ctx.Done():
		return func() {}, ctx.Err()
	}
}

// Lease implements driver.Ledger.
func (l *Ledger) Lease(ctx context.Context, run, holder string, ttl time.Duration) (driver.Fence, error) {
	leave, err := l.enter(ctx)
	defer leave()
	if err != nil {
		return driver.Fence{}, fmt.Errorf("sqlmigration: take the lease: %w", err)
	}
	now := l.now()
	if ttl <= 0 {
		return l.release(ctx, run, holder)
	}
	fence := driver.Fence{Run: run}
	err = l.db.QueryRowContext(ctx, `
		INSERT INTO migration_leases AS l (run, holder, fence, expires) VALUES ($1, $2, 1, $3)
		ON CONFLICT (run) DO UPDATE SET
			fence = CASE WHEN l.holder = excluded.holder THEN l.fence ELSE l.fence + 1 END,
			holder = excluded.holder, expires = excluded.expires
		WHERE l.holder = excluded.holder OR l.holder = '' OR l.expires <= $4
		RETURNING fence`,
		run, holder, now.Add(ttl).UnixMicro(), now.UnixMicro()).Scan(&fence.N)
	if errors.Is(err, sql.ErrNoRows) {
		return driver.Fence{}, driver.ErrLeased
	}
	if err != nil {
		return driver.Fence{}, fmt.Errorf("sqlmigration: take the lease: %w", err)
	}
	return fence, nil
}

func (l *Ledger) release(ctx context.Context, run, holder string) (driver.Fence, error) {
	_, err := l.db.ExecContext(ctx, `UPDATE migration_leases SET holder = '' WHERE run = $1 AND holder = $2`, run, holder)
	if err != nil {
		return driver.Fence{}, fmt.Errorf("sqlmigration: give the lease back: %w", err)
	}
	return driver.Fence{Run: run}, nil
}

// write runs do in a transaction that holds the lease's row under a fence that
// is still the latest.
func (l *Ledger) write(ctx context.Context, f driver.Fence, do func(tx *sql.Tx) error) error {
	leave, err := l.enter(ctx)
	defer leave()
	if err != nil {
		return fmt.Errorf("sqlmigration: begin: %w", err)
	}
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlmigration: begin: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
	held, err := tx.ExecContext(ctx, `UPDATE migration_leases SET fence = fence WHERE run = $1 AND fence = $2`, f.Run, f.N)
	if err != nil {
		return fmt.Errorf("sqlmigration: check the fence: %w", err)
	}
	if n, err := held.RowsAffected(); err != nil || n == 0 {
		return errors.Join(driver.ErrFenced, err)
	}
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlmigration: commit: %w", err)
	}
	return nil
}

// PutBatch implements driver.Ledger.
func (l *Ledger) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	keys, err := json.Marshal(b.Keys)
	if err != nil {
		return fmt.Errorf("sqlmigration: write the keys of a batch: %w", err)
	}
	return l.write(ctx, f, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO migration_batches (run, n, state, job_id, users, user_keys, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (run, n) DO UPDATE SET state = excluded.state, job_id = excluded.job_id,
				users = excluded.users, user_keys = excluded.user_keys, at = excluded.at`,
			f.Run, b.N, string(b.State), b.JobID, b.Count, string(keys), micro(b.At))
		if err != nil {
			return fmt.Errorf("sqlmigration: write a batch: %w", err)
		}
		return nil
	})
}

// rowsPerStatement keeps a statement below SQLite's 32,766 parameters.
const rowsPerStatement = 500

// PutOutcomes implements driver.Ledger.
func (l *Ledger) PutOutcomes(ctx context.Context, f driver.Fence, outcomes []driver.Outcome) error {
	return l.write(ctx, f, func(tx *sql.Tx) error {
		for chunk := range slices.Chunk(outcomes, rowsPerStatement) {
			if err := putOutcomes(ctx, tx, f.Run, chunk); err != nil {
				return fmt.Errorf("sqlmigration: write outcomes: %w", err)
			}
		}
		return nil
	})
}

func putOutcomes(ctx context.Context, tx *sql.Tx, run string, outcomes []driver.Outcome) error {
	var args []any
	var rows []string
	for _, o := range outcomes {
		values := []any{
			run, o.Key, string(o.State), o.Code, o.Path, o.Attempts, string(o.Memberships), o.Digest, micro(o.At),
		}
		rows = append(rows, "("+placeholders(len(args)+1, len(values))+")")
		args = append(args, values...)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO migration_outcomes (run, user_key, state, code, path, attempts, memberships, digest, at)
		VALUES `+strings.Join(rows, ", ")+`
		ON CONFLICT (run, user_key) DO UPDATE SET state = excluded.state, code = excluded.code, path = excluded.path,
			attempts = excluded.attempts, memberships = excluded.memberships, digest = excluded.digest, at = excluded.at`, args...)
	return err
}

// placeholders are $first, …, n of them.
func placeholders(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(all, ", ")
}

// Batches implements driver.Ledger. It reads one batch at a time, so that no
// connection is held while the caller works.
func (l *Ledger) Batches(ctx context.Context, run string) iter.Seq2[driver.Batch, error] {
	return func(yield func(driver.Batch, error) bool) {
		for after := -1; ; {
			b, err := l.batchAfter(ctx, run, after)
			if errors.Is(err, sql.ErrNoRows) {
				return
			}
			if err != nil {
				yield(driver.Batch{}, fmt.Errorf("sqlmigration: read batches: %w", err))
				return
			}
			if !yield(b, nil) {
				return
			}
			after = b.N
		}
	}
}

func (l *Ledger) batchAfter(ctx context.Context, run string, after int) (driver.Batch, error) {
	var b driver.Batch
	var keys string
	var at int64
	err := l.db.QueryRowContext(ctx, `
		SELECT n, state, job_id, users, user_keys, at FROM migration_batches
		WHERE run = $1 AND n > $2 ORDER BY n LIMIT 1`, run, after).Scan(&b.N, &b.State, &b.JobID, &b.Count, &keys, &at)
	if err != nil {
		return b, err
	}
	b.At = time.UnixMicro(at).UTC()
	return b, json.Unmarshal([]byte(keys), &b.Keys)
}

// Outcomes implements driver.Ledger. It reads by pages, so that no connection
// is held while the caller works.
func (l *Ledger) Outcomes(ctx context.Context, run string, keys ...string) iter.Seq2[driver.Outcome, error] {
	if len(keys) > 0 {
		return l.lookup(ctx, run, keys)
	}
	return func(yield func(driver.Outcome, error) bool) {
		for after := ""; ; {
			page, err := l.query(ctx, `WHERE run = $1 AND user_key > $2 ORDER BY user_key LIMIT `+strconv.Itoa(rowsPerStatement), run, after)
			if !yieldAll(page, err, yield) || len(page) == 0 {
				return
			}
			after = page[len(page)-1].Key
		}
	}
}

func (l *Ledger) lookup(ctx context.Context, run string, keys []string) iter.Seq2[driver.Outcome, error] {
	return func(yield func(driver.Outcome, error) bool) {
		for chunk := range slices.Chunk(keys, rowsPerStatement) {
			args := []any{run}
			for _, key := range chunk {
				args = append(args, key)
			}
			page, err := l.query(ctx, `WHERE run = $1 AND user_key IN (`+placeholders(2, len(chunk))+`)`, args...)
			if !yieldAll(page, err, yield) {
				return
			}
		}
	}
}

// yieldAll reports whether the caller wants more and there was no error.
func yieldAll(page []driver.Outcome, err error, yield func(driver.Outcome, error) bool) bool {
	if err != nil {
		yield(driver.Outcome{}, fmt.Errorf("sqlmigration: read outcomes: %w", err))
		return false
	}
	for _, o := range page {
		if !yield(o, nil) {
			return false
		}
	}
	return true
}

func (l *Ledger) query(ctx context.Context, where string, args ...any) ([]driver.Outcome, error) {
	rows, err := l.db.QueryContext(ctx,
		`SELECT user_key, state, code, path, attempts, memberships, digest, at FROM migration_outcomes `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []driver.Outcome
	for rows.Next() {
		var o driver.Outcome
		var at int64
		if err := rows.Scan(&o.Key, &o.State, &o.Code, &o.Path, &o.Attempts, &o.Memberships, &o.Digest, &at); err != nil {
			return nil, err
		}
		o.At = time.UnixMicro(at).UTC()
		page = append(page, o)
	}
	return page, rows.Err()
}

// micro is t in microseconds since 1970; the zero time is the first of them.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
