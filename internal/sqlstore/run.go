package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// Conn runs statements, each by itself or all in one transaction.
type Conn struct {
	store *Store
	on    interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	tx bool
}

// Exec runs a statement and returns how many rows it affected.
func (c Conn) Exec(ctx context.Context, st Statement, args ...any) (n int64, err error) {
	err = c.run(ctx, func() error {
		result, err := c.on.ExecContext(ctx, st.text, st.in(args)...)
		if st.ignore && hasCode(err, duplicate) {
			n = 0
			return nil
		}
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

// Query runs a query and reads all of its rows.
func Query[T any](ctx context.Context, c Conn, scan func(*sql.Rows) (T, error), st Statement, args ...any) (out []T, err error) {
	err = c.run(ctx, func() error {
		out = nil
		rows, err := c.on.QueryContext(ctx, st.text, st.in(args)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	})
	return out, err
}

// One runs a query and returns its row. Where there is none the error is
// sql.ErrNoRows.
func One[T any](ctx context.Context, c Conn, scan func(*sql.Rows) (T, error), st Statement, args ...any) (v T, err error) {
	rows, err := Query(ctx, c, scan, st, args...)
	if err != nil {
		return v, err
	}
	if len(rows) == 0 {
		return v, sql.ErrNoRows
	}
	return rows[0], nil
}

// Column scans a row of one column.
func Column[T any](rows *sql.Rows) (v T, err error) { return v, rows.Scan(&v) }

// run runs one statement: again when the database asks for it, unless it is part
// of a transaction, which is run again as a whole.
func (c Conn) run(ctx context.Context, f func() error) error {
	if c.tx {
		return c.store.wrap(f())
	}
	return c.store.wrap(again(ctx, transient, f))
}

// Tx runs f in a transaction, each statement of which sees what others have
// committed before it; again as a whole when the database asks for it. An error of
// f rolls back and is returned as it is.
func (s *Store) Tx(ctx context.Context, f func(Conn) error) error {
	once := s.transaction
	if s.dialect == SQLite {
		once = s.immediate
	}
	return again(ctx, transient, func() error { return once(ctx, f) })
}

// TxOn does what Tx does on one connection, for what a driver can do beside
// statements.
func (s *Store) TxOn(ctx context.Context, conn *sql.Conn, f func(Conn) error) error {
	return again(ctx, transient, func() error { return s.begin(ctx, conn, f) })
}

func (s *Store) transaction(ctx context.Context, f func(Conn) error) error {
	return s.begin(ctx, s.db, f)
}

// begin names its isolation level: MariaDB's default locks the gaps between rows
// as well, and reads from a snapshot that may be older than a lock.
func (s *Store) begin(ctx context.Context, on interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}, f func(Conn) error,
) error {
	tx, err := on.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return s.wrap(err)
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := f(Conn{store: s, on: tx, tx: true}); err != nil {
		return err
	}
	return s.wrap(tx.Commit())
}

// immediate takes SQLite's lock at the beginning: a transaction that reads first
// and writes then fails when another has written in between, whatever the timeout.
func (s *Store) immediate(ctx context.Context, f func(Conn) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.wrap(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return s.wrap(err)
	}
	end := context.WithoutCancel(ctx) // no connection goes back to the pool in the middle of a transaction
	committed := false
	defer func() {
		if committed {
			return
		}
		if _, err := conn.ExecContext(end, "ROLLBACK"); err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
	}()
	if err := f(Conn{store: s, on: conn, tx: true}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return s.wrap(err)
	}
	_, err = conn.ExecContext(end, "COMMIT")
	committed = err == nil
	return s.wrap(err)
}

const sweepBatch = 1000

// Sweep deletes the rows of a table for which a condition holds, and returns how
// many. It finds them by their key, a thousand at a time and without locks, and
// deletes those for which the condition still holds.
func (s *Store) Sweep(ctx context.Context, table, key, where string, args ...any) (int, error) {
	find := s.SQL("SELECT " + key + " FROM " + table + " WHERE " + where + " LIMIT " + strconv.Itoa(sweepBatch))
	for total := 0; ; {
		keys, err := Query(ctx, s.Conn, Column[any], find, args...)
		if err != nil || len(keys) == 0 {
			return total, err
		}
		remove := s.SQL("DELETE FROM " + table + " WHERE (" + where + ") AND " + key + " IN (" + Params(len(args)+1, len(keys)) + ")")
		n, err := s.Exec(ctx, remove, slices.Concat(args, keys)...)
		total += int(n)
		if err != nil || len(keys) < sweepBatch {
			return total, err
		}
	}
}

// maxTries bounds how often a statement or a transaction is run.
const maxTries = 12

var pause = retry.Backoff{First: 2 * time.Millisecond, Last: 50 * time.Millisecond}

// again runs f until it has no error with one of the codes.
func again(ctx context.Context, codes []string, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if try == maxTries || !hasCode(err, codes) || retry.Sleep(ctx, pause.Pause(try)) != nil {
			return err
		}
	}
}

func (s *Store) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case hasCode(err, missing):
		return fmt.Errorf("%s: a table is missing; create the tables with CreateSchema or the statements of Schema: %w", s.pkg, err)
	}
	return fmt.Errorf("%s: %w", s.pkg, err)
}
