package auditsql

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Acquire implements driver.Sequence.
func (s *Store) Acquire(ctx context.Context, holder string, ttl time.Duration) (driver.Lease, error) {
	lease := driver.Lease{Holder: holder}
	err := s.db.Tx(ctx, func(c sqlstore.Conn) error {
		row := s.db.SQL(`INSERT INTO {t}_lease (one, holder, fence, expires, beats) VALUES (1, '', 0, 0, 0) {ignore one}`)
		if _, err := c.Exec(ctx, row); err != nil {
			return err
		}
		take := s.db.SQL(`UPDATE {t}_lease SET fence = CASE WHEN holder = $1 THEN fence ELSE fence + 1 END,
			holder = $1, expires = ` + s.now + ` + $2, beats = beats + 1
			WHERE one = 1 AND (holder = $1 OR holder = '' OR expires <= ` + s.now + ` OR expires > ` + s.now + ` + 2 * $2)`)
		n, err := c.Exec(ctx, take, holder, ttl.Microseconds())
		if err != nil {
			return err
		}
		if n == 0 {
			return driver.ErrLeased
		}
		lease.Fence, err = sqlstore.One(ctx, c, sqlstore.Column[int64], s.db.SQL(`SELECT fence FROM {t}_lease WHERE one = 1`))
		return err
	})
	if err != nil {
		return driver.Lease{}, err
	}
	return lease, nil
}

// Release implements driver.Sequence.
func (s *Store) Release(ctx context.Context, l driver.Lease) error {
	st := s.db.SQL(`UPDATE {t}_lease SET holder = '', beats = beats + 1 WHERE one = 1 AND holder = $1 AND fence = $2`)
	_, err := s.db.Exec(ctx, st, l.Holder, l.Fence)
	return err
}

// Pending implements driver.Sequence.
func (s *Store) Pending(ctx context.Context, limit int) ([]driver.Block, error) {
	type size struct {
		block  int64
		events int
	}
	sizes, err := sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (v size, err error) { return v, rows.Scan(&v.block, &v.events) },
		s.db.SQL(`SELECT block, events FROM {t}_pending ORDER BY block LIMIT $1`), limit)
	if err != nil || len(sizes) == 0 {
		return nil, err
	}
	last, events := 0, 0
	for i, v := range sizes {
		if last, events = i, events+v.events; events >= limit {
			break
		}
	}
	return sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (b driver.Block, err error) { return b, rows.Scan(&b.Number, &b.Hashes) },
		s.db.SQL(`SELECT block, hashes FROM {t}_pending WHERE block <= $1 ORDER BY block`), sizes[last].block)
}

// Seal implements driver.Sequence.
func (s *Store) Seal(ctx context.Context, l driver.Lease, ttl time.Duration, sealing driver.Sealing) error {
	err := s.db.Tx(ctx, func(c sqlstore.Conn) error {
		// This row's lock makes two sequencers wait for each other.
		mine := s.db.SQL(`UPDATE {t}_lease SET expires = ` + s.now + ` + $3, beats = beats + 1 WHERE one = 1 AND holder = $1 AND holder <> '' AND fence = $2`)
		n, err := c.Exec(ctx, mine, l.Holder, l.Fence, ttl.Microseconds())
		if err != nil {
			return err
		}
		if n == 0 {
			return driver.ErrFenced
		}
		if err := s.place(ctx, c, sealing.Placed); err != nil {
			return err
		}
		return s.write(ctx, c, sealing.Writes)
	})
	if sqlstore.IsDuplicate(err) {
		return driver.ErrConflict
	}
	return err
}

func (s *Store) place(ctx context.Context, c sqlstore.Conn, all []driver.Placed) error {
	for first := 0; first < len(all); first += 200 {
		part := all[first:min(first+200, len(all))]
		rows, blocks := make([]string, len(part)), make([]any, len(part))
		var args []any
		for i, p := range part {
			rows[i], blocks[i] = "("+sqlstore.Params(1+3*i, 3)+")", p.Block
			args = append(args, int64(p.First), p.Block, p.Count)
		}
		insert := s.db.SQL("INSERT INTO {t}_sealed (at_index, block, events) VALUES " + strings.Join(rows, ", "))
		if _, err := c.Exec(ctx, insert, args...); err != nil {
			return err
		}
		remove := s.db.SQL("DELETE FROM {t}_pending WHERE block IN (" + sqlstore.Params(1, len(blocks)) + ")")
		if _, err := c.Exec(ctx, remove, blocks...); err != nil {
			return err
		}
	}
	return nil
}

// Backlog implements driver.Sequence.
func (s *Store) Backlog(ctx context.Context) (events int, since time.Time, err error) {
	type backlog struct{ events, since int64 }
	b, err := sqlstore.One(ctx, s.db.Conn, func(rows *sql.Rows) (b backlog, err error) { return b, rows.Scan(&b.events, &b.since) },
		s.db.SQL(`SELECT COALESCE(SUM(events), 0), COALESCE(MIN(since), 0) FROM {t}_pending`))
	if err != nil || b.events == 0 {
		return 0, time.Time{}, err
	}
	return int(b.events), time.UnixMicro(b.since).UTC(), nil
}
