package sqlsession

import (
	"context"
	"database/sql"
	"time"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Seen implements driver.Replay.
func (s *Store) Seen(ctx context.Context, id string, now, until time.Time) error {
	n, err := s.db.Exec(ctx, s.query.see, id, until.UnixMilli())
	if err == nil && n == 0 { // It is known; perhaps of a time that is over.
		n, err = s.db.Exec(ctx, s.query.seeAgain, id, until.UnixMilli(), now.UnixMilli())
	}
	if err == nil && n == 0 {
		return driver.ErrReplayed
	}
	return err
}

// Used implements driver.Replay.
func (s *Store) Used(ctx context.Context, id string, now time.Time) error {
	used, err := sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (n int, err error) {
		return n, rows.Scan(&n)
	}, s.query.used, id, now.UnixMilli())
	if err == nil && len(used) > 0 {
		return driver.ErrReplayed
	}
	return err
}

// Enqueue implements driver.Outbox.
func (s *Store) Enqueue(ctx context.Context, j driver.Job) error {
	_, err := s.db.Exec(ctx, s.query.enqueue,
		j.ID, j.SID, j.UserID, j.Attempts, j.CreatedAt.UnixMilli(), j.Due.UnixMilli())
	return err
}

// Take implements driver.Outbox.
func (s *Store) Take(ctx context.Context, now, lease time.Time, n int) (jobs []driver.Job, err error) {
	err = s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		jobs, err = sqlstore.Query(ctx, tx, func(rows *sql.Rows) (driver.Job, error) {
			j := driver.Job{Due: lease}
			var created int64
			err := rows.Scan(&j.ID, &j.SID, &j.UserID, &j.Attempts, &created)
			j.CreatedAt = fromMillis(created)
			return j, err
		}, s.query.due, now.UnixMilli(), n)
		if err != nil || len(jobs) == 0 {
			return err
		}
		args := []any{lease.UnixMilli()}
		for _, j := range jobs {
			args = append(args, j.ID)
		}
		_, err = tx.Exec(ctx, s.db.SQL(`UPDATE {t}_outbox SET attempts = attempts + 1, due = $1
			WHERE id IN (`+sqlstore.Params(2, len(jobs))+`)`), args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return jobs, nil
}

// Retry implements driver.Outbox.
func (s *Store) Retry(ctx context.Context, id string, due time.Time) error {
	_, err := s.db.Exec(ctx, s.query.retry, id, due.UnixMilli())
	return err
}

// Done implements driver.Outbox.
func (s *Store) Done(ctx context.Context, id string) error {
	_, err := s.db.Exec(ctx, s.query.done, id)
	return err
}
