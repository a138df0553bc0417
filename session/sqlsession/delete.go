package sqlsession

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Delete implements driver.Store.
func (s *Store) Delete(ctx context.Context, sel driver.Selector) (ended []driver.Ended, err error) {
	q, now := &s.query, sel.Now.UnixMilli()
	if sel.Form() == driver.SelectEveryone {
		n, err := s.db.Exec(ctx, q.markEveryone, now)
		if err == nil && n != 1 {
			err = errors.New("sqlsession: the row of the state is missing; run the statements of Schema")
		}
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		switch sel.Form() {
		case driver.SelectKey:
			// A Replace in between has left the key among the old ones.
			if ended, err = s.end(ctx, tx, q.lockHash, now, sel.Key.Hash[:]); err == nil && len(ended) == 0 {
				ended, err = s.end(ctx, tx, q.lockOldHash, now, sel.Key.Hash[:])
			}
		case driver.SelectOne:
			ended, err = s.end(ctx, tx, q.lockID, now, sel.UserID, sel.ID)
		case driver.SelectOthers:
			ended, err = s.end(ctx, tx, q.lockOthers, now, sel.UserID, sel.Except)
		case driver.SelectUser:
			ended, err = s.endMarked(ctx, tx, sel, q.markUser, q.lockAll, sel.UserID)
		case driver.SelectSID:
			ended, err = s.endMarked(ctx, tx, sel, q.markSID, q.lockShared, sel.SID)
		default:
			err = driver.ErrSelector
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// endMarked marks a user or a SID, which waits for logins that hold its lock, and
// ends what is there then.
func (s *Store) endMarked(
	ctx context.Context, tx sqlstore.Conn, sel driver.Selector, mark, lock sqlstore.Statement, subject string,
) ([]driver.Ended, error) {
	now := sel.Now.UnixMilli()
	if _, err := tx.Exec(ctx, mark, subject, now, sel.MarkUntil.UnixMilli()); err != nil {
		return nil, err
	}
	return s.end(ctx, tx, lock, now, subject)
}

// end ends the live sessions that a query finds and locks, and leaves of each what
// tells that it was revoked.
func (s *Store) end(ctx context.Context, tx sqlstore.Conn, lock sqlstore.Statement, args ...any) ([]driver.Ended, error) {
	ended, err := sqlstore.Query(ctx, tx, func(rows *sql.Rows) (e driver.Ended, err error) {
		return e, rows.Scan(&e.ID, &e.UserID, &e.SID)
	}, lock, args...)
	if err != nil || len(ended) == 0 {
		return nil, err
	}
	ids := make([]any, len(ended))
	for i, e := range ended {
		ids[i] = e.ID
	}
	_, err = tx.Exec(ctx, s.db.SQL(`UPDATE {t} SET revoked = 1, payload = NULL, methods = '', user_agent = '', ip = ''
		WHERE id IN (`+sqlstore.Params(1, len(ids))+`)`), ids...)
	return ended, err
}

// Forget implements driver.Store.
func (s *Store) Forget(ctx context.Context, userID string) error {
	return s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		for _, statement := range []sqlstore.Statement{s.query.forgetOld, s.query.forget, s.query.forgetMark} {
			if _, err := tx.Exec(ctx, statement, userID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweep implements driver.Sweeper.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, of := range []struct {
		table, key, where string
		args              []any
	}{
		{"{t}", "id", `idle_at <= $1 OR expires_at <= $1 OR epoch <> (SELECT epoch FROM {t}_state WHERE one = 1)`, []any{now.UnixMilli()}},
		{"{t}_old", "hash", `NOT EXISTS (SELECT 1 FROM {t} WHERE {t}.id = {t}_old.id)`, nil},
		{"{t}_user", "user_id", `keep_until <= $1`, []any{now.UnixMilli()}},
		{"{t}_sid", "sid", `keep_until <= $1`, []any{now.UnixMilli()}},
		{"{t}_seen", "id", `until <= $1`, []any{now.UnixMilli()}},
	} {
		n, err := s.db.Sweep(ctx, of.table, of.key, of.where, of.args...)
		if err != nil {
			return total, err
		}
		if of.table == "{t}" {
			total = n
		}
	}
	return total, nil
}
