// Package sqlmigration keeps the ledger of a migration in SQLite, Postgres, MariaDB
// or MySQL, through database/sql:
//
//	ledger, err := sqlmigration.New(db, sqlmigration.Postgres, sqlmigration.Config{})
//	…
//	err = ledger.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	runner, err := migration.NewRunner(src, client, ledger, run, migration.Config{})
//
// The program imports the database driver. SQLite needs WAL mode and a busy
// timeout.
//
// Each write is a transaction that holds the lease's row, so that no write of an
// old holder can follow the first write of the new one. Rows do not expire: the
// ledger knows for every user whether they are migrated.
package sqlmigration

import (
	"cmp"
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

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/migration/driver"
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

// Config holds a Ledger's optional settings. The zero value uses the defaults.
type Config struct {
	// Table is the beginning of the tables' names: at most 41 lower-case letters,
	// digits and _. A schema may precede it, and must exist. Defaults to
	// "auth0kit_migration".
	Table string

	// Now is the clock by which leases run out. Runners on several machines need
	// clocks that agree to within a fraction of migration.Config.LeaseTTL; when they
	// do not, fences still keep a stale runner from writing. Defaults to time.Now.
	Now func() time.Time
}

// Ledger is a migration ledger in a SQL database. It is safe for concurrent use,
// also by several processes. The caller closes the database.
type Ledger struct {
	db      *sqlstore.Store
	now     func() time.Time
	writing chan struct{} // one write at a time: they would wait for each other in the database, and less fairly
}

var _ driver.Ledger = (*Ledger)(nil)

// Times are microseconds since 1970. writes changes with every write, so that a
// row is affected.
const schema = `
TABLE {t}_lease (
	run {key} NOT NULL PRIMARY KEY, holder {key} NOT NULL, fence BIGINT NOT NULL, expires BIGINT NOT NULL, writes BIGINT NOT NULL
);
TABLE {t}_run (
	run {key} NOT NULL PRIMARY KEY, fingerprint {text} NOT NULL
);
TABLE {t}_batch (
	run {key} NOT NULL, n BIGINT NOT NULL, state {text} NOT NULL, job_id {text} NOT NULL, users BIGINT NOT NULL,
	user_keys {text} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (run, n)
);
TABLE {t}_outcome (
	run {key} NOT NULL, user_key {key} NOT NULL, state {text} NOT NULL, code {text} NOT NULL, path {text} NOT NULL,
	attempts BIGINT NOT NULL, memberships {text} NOT NULL, given {text} NOT NULL, digest {text} NOT NULL, at BIGINT NOT NULL,
	PRIMARY KEY (run, user_key)
)`

// New returns a Ledger. It does no I/O: create the tables with CreateSchema.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Ledger, error) {
	s, err := sqlstore.New("sqlmigration", db, dialect, cmp.Or(cfg.Table, "auth0kit_migration"), schema)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Ledger{db: s, now: cfg.Now, writing: make(chan struct{}, 1)}, nil
}

// Schema returns the statements that create the tables, for a migration tool. They
// do nothing if the tables exist.
func (l *Ledger) Schema() []string { return l.db.Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (l *Ledger) CreateSchema(ctx context.Context) error { return l.db.CreateSchema(ctx) }

// tx runs a transaction when it is its turn to write.
func (l *Ledger) tx(ctx context.Context, do func(tx sqlstore.Conn) error) error {
	select {
	case l.writing <- struct{}{}:
		defer func() { <-l.writing }()
		return l.db.Tx(ctx, do)
	case <-ctx.Done():
		return fmt.Errorf("sqlmigration: %w", ctx.Err())
	}
}

// Lease implements driver.Ledger.
func (l *Ledger) Lease(ctx context.Context, run, holder string, ttl time.Duration) (driver.Fence, error) {
	fence := driver.Fence{Run: run}
	if ttl <= 0 {
		_, err := l.db.Exec(ctx, l.db.SQL(`UPDATE {t}_lease SET holder = '' WHERE run = $1 AND holder = $2`), run, holder)
		return fence, err
	}
	now := l.now()
	err := l.tx(ctx, func(tx sqlstore.Conn) error {
		_, err := tx.Exec(ctx, l.db.SQL(`INSERT INTO {t}_lease (run, holder, fence, expires, writes) VALUES ($1, '', 0, 0, 0)
			{upsert run: run}`), run) // which locks the row that is there
		if err != nil {
			return err
		}
		// MariaDB assigns from left to right: the holder is the old one in the first.
		n, err := tx.Exec(ctx, l.db.SQL(`UPDATE {t}_lease SET fence = CASE WHEN holder = $2 THEN fence ELSE fence + 1 END,
			holder = $2, expires = $3, writes = writes + 1
			WHERE run = $1 AND (holder = $2 OR holder = '' OR expires <= $4)`),
			run, holder, now.Add(ttl).UnixMicro(), now.UnixMicro())
		if err != nil {
			return err
		}
		if n == 0 {
			return driver.ErrLeased
		}
		fence.N, err = sqlstore.One(ctx, tx, sqlstore.Column[int64], l.db.SQL(`SELECT fence FROM {t}_lease WHERE run = $1`), run)
		return err
	})
	if err != nil {
		return driver.Fence{}, err
	}
	return fence, nil
}

// Bind implements driver.Ledger.
func (l *Ledger) Bind(ctx context.Context, run, fingerprint string) (bound string, err error) {
	if fingerprint != "" {
		err := l.tx(ctx, func(tx sqlstore.Conn) error {
			_, err := tx.Exec(ctx, l.db.SQL(`INSERT INTO {t}_run (run, fingerprint) VALUES ($1, $2) {upsert run: run}`), run, fingerprint)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	bound, err = sqlstore.One(ctx, l.db.Conn, sqlstore.Column[string], l.db.SQL(`SELECT fingerprint FROM {t}_run WHERE run = $1`), run)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return bound, err
}

// write runs do in a transaction that holds the lease's row under a fence that
// is still the latest.
func (l *Ledger) write(ctx context.Context, f driver.Fence, do func(tx sqlstore.Conn) error) error {
	return l.tx(ctx, func(tx sqlstore.Conn) error {
		n, err := tx.Exec(ctx, l.db.SQL(`UPDATE {t}_lease SET writes = writes + 1 WHERE run = $1 AND fence = $2`), f.Run, f.N)
		if err != nil {
			return err
		}
		if n == 0 {
			return driver.ErrFenced
		}
		return do(tx)
	})
}

// PutBatch implements driver.Ledger.
func (l *Ledger) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	keys, err := json.Marshal(b.Keys)
	if err != nil {
		return fmt.Errorf("sqlmigration: write the keys of a batch: %w", err)
	}
	return l.write(ctx, f, func(tx sqlstore.Conn) error {
		_, err := tx.Exec(ctx, l.db.SQL(`INSERT INTO {t}_batch (run, n, state, job_id, users, user_keys, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) {upsert run, n: state, job_id, users, user_keys, at}`),
			f.Run, b.N, string(b.State), b.JobID, b.Count, string(keys), micro(b.At))
		return err
	})
}

// rowsPerStatement keeps a statement below SQLite's 32,766 parameters.
const rowsPerStatement = 500

// PutOutcomes implements driver.Ledger.
func (l *Ledger) PutOutcomes(ctx context.Context, f driver.Fence, outcomes []driver.Outcome) error {
	return l.write(ctx, f, func(tx sqlstore.Conn) error {
		for chunk := range slices.Chunk(outcomes, rowsPerStatement) {
			if err := l.putOutcomes(ctx, tx, f.Run, chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Ledger) putOutcomes(ctx context.Context, tx sqlstore.Conn, run string, outcomes []driver.Outcome) error {
	var args []any
	var rows []string
	for _, o := range outcomes {
		values := []any{
			run, o.Key, string(o.State), o.Code, o.Path, o.Attempts, string(o.Memberships), o.Given, o.Digest, micro(o.At),
		}
		rows = append(rows, "("+sqlstore.Params(len(args)+1, len(values))+")")
		args = append(args, values...)
	}
	_, err := tx.Exec(ctx, l.db.SQL(`INSERT INTO {t}_outcome (run, user_key, state, code, path, attempts, memberships, given, digest, at)
		VALUES `+strings.Join(rows, ", ")+`
		{upsert run, user_key: state, code, path, attempts, memberships, given, digest, at}`), args...)
	return err
}

// Forget implements driver.Ledger.
func (l *Ledger) Forget(ctx context.Context, run, key string) error {
	return l.tx(ctx, func(tx sqlstore.Conn) error {
		if _, err := tx.Exec(ctx, l.db.SQL(`DELETE FROM {t}_outcome WHERE run = $1 AND user_key = $2`), run, key); err != nil {
			return err
		}
		open, err := sqlstore.Query(ctx, tx, func(rows *sql.Rows) (b driver.Batch, err error) {
			var keys []byte
			if err := rows.Scan(&b.N, &keys); err != nil {
				return b, err
			}
			return b, json.Unmarshal(keys, &b.Keys)
		}, l.db.SQL(`SELECT n, user_keys FROM {t}_batch WHERE run = $1 AND user_keys <> 'null' {lock}`), run)
		if err != nil {
			return err
		}
		for _, b := range open {
			if !slices.Contains(b.Keys, key) {
				continue
			}
			keys, err := json.Marshal(slices.DeleteFunc(b.Keys, func(k string) bool { return k == key }))
			if err != nil {
				return fmt.Errorf("sqlmigration: write the keys of a batch: %w", err)
			}
			if _, err := tx.Exec(ctx, l.db.SQL(`UPDATE {t}_batch SET user_keys = $3 WHERE run = $1 AND n = $2`), run, b.N, string(keys)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Batches implements driver.Ledger. It reads one batch at a time, so that no
// connection is held while the caller works.
func (l *Ledger) Batches(ctx context.Context, run string) iter.Seq2[driver.Batch, error] {
	return func(yield func(driver.Batch, error) bool) {
		for after := -1; ; {
			b, err := sqlstore.One(ctx, l.db.Conn, scanBatch, l.db.SQL(`SELECT n, state, job_id, users, user_keys, at
				FROM {t}_batch WHERE run = $1 AND n > $2 ORDER BY n LIMIT 1`), run, after)
			if errors.Is(err, sql.ErrNoRows) || !yield(b, err) || err != nil {
				return
			}
			after = b.N
		}
	}
}

func scanBatch(rows *sql.Rows) (b driver.Batch, err error) {
	var keys []byte
	var at int64
	if err := rows.Scan(&b.N, &b.State, &b.JobID, &b.Count, &keys, &at); err != nil {
		return b, err
	}
	b.At = time.UnixMicro(at).UTC()
	return b, json.Unmarshal(keys, &b.Keys)
}

// Outcomes implements driver.Ledger. It reads by pages, so that no connection is
// held while the caller works.
func (l *Ledger) Outcomes(ctx context.Context, run string, keys ...string) iter.Seq2[driver.Outcome, error] {
	if len(keys) > 0 {
		return l.lookup(ctx, run, keys)
	}
	return func(yield func(driver.Outcome, error) bool) {
		for after := ""; ; {
			page, err := l.query(ctx, `user_key > $2 ORDER BY user_key LIMIT `+strconv.Itoa(rowsPerStatement), run, after)
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
			page, err := l.query(ctx, `user_key IN (`+sqlstore.Params(2, len(chunk))+`)`, args...)
			if !yieldAll(page, err, yield) {
				return
			}
		}
	}
}

// yieldAll reports whether the caller wants more and there was no error.
func yieldAll(page []driver.Outcome, err error, yield func(driver.Outcome, error) bool) bool {
	if err != nil {
		yield(driver.Outcome{}, err)
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
	return sqlstore.Query(ctx, l.db.Conn, func(rows *sql.Rows) (o driver.Outcome, err error) {
		var at int64
		err = rows.Scan(&o.Key, &o.State, &o.Code, &o.Path, &o.Attempts, &o.Memberships, &o.Given, &o.Digest, &at)
		o.At = time.UnixMicro(at).UTC()
		return o, err
	}, l.db.SQL(`SELECT user_key, state, code, path, attempts, memberships, given, digest, at
		FROM {t}_outcome WHERE run = $1 AND `+where), args...)
}

// micro is t in microseconds since 1970; the zero time is the first of them.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
