package sqlsession

import (
	"context"
	"database/sql"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Seen implements driver.Replay.
func (s *Store) Seen(ctx context.Context, id string, now, until time.Time) error {
	n, err := changed(ctx, s.db, s.query.seen, id, until.UnixMilli(), now.UnixMilli())
	if err == nil && n == 0 {
		return driver.ErrReplayed
	}
	return err
}

// Enqueue implements driver.Outbox.
func (s *Store) Enqueue(ctx context.Context, j driver.Job) error {
	_, err := changed(ctx, s.db, s.query.enqueue,
		j.ID, j.SID, j.UserID, j.Attempts, j.CreatedAt.UnixMilli(), j.Due.UnixMilli())
	return err
}

// Take implements driver.Outbox.
func (s *Store) Take(ctx context.Context, now, lease time.Time, n int) ([]driver.Job, error) {
	return collect(ctx, s.db, func(rows *sql.Rows) (driver.Job, error) {
		j := driver.Job{Due: lease}
		var created int64
		err := rows.Scan(&j.ID, &j.SID, &j.UserID, &j.Attempts, &created)
		j.CreatedAt = fromMillis(created)
		return j, err
	}, s.query.take, lease.UnixMilli(), now.UnixMilli(), n)
}

// Retry implements driver.Outbox.
func (s *Store) Retry(ctx context.Context, id string, due time.Time) error {
	_, err := changed(ctx, s.db, s.query.retry, due.UnixMilli(), id)
	return err
}

// Done implements driver.Outbox.
func (s *Store) Done(ctx context.Context, id string) error {
	_, err := changed(ctx, s.db, s.query.done, id)
	return err
}
