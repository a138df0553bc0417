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
	if err := sel.Check(); err != nil {
		return nil, err
	}
	if sel.Form == driver.SelectEveryone {
		return nil, s.endEveryone(ctx, sel.Now.UnixMilli())
	}
	err = s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		before, err := s.endedBefore(ctx, tx, sel)
		if err != nil {
			return err
		}
		ended, err = s.endSelected(ctx, tx, sel)
		ended = append(ended, before...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// endedBefore is what sel.Since asks for.
func (s *Store) endedBefore(ctx context.Context, tx sqlstore.Conn, sel driver.Selector) (before []driver.Ended, err error) {
	if sel.Since.IsZero() {
		return nil, nil
	}
	q, now, since := &s.query, sel.Now.UnixMilli(), sel.Since.UnixMilli()
	read := func(query sqlstore.Statement, args ...any) {
		if err == nil && len(before) == 0 {
			before, err = sqlstore.Query(ctx, tx, func(rows *sql.Rows) (e driver.Ended, err error) {
				e.Before = true
				return e, rows.Scan(&e.ID, &e.UserID, &e.SID)
			}, query, append(append([]any{now}, args...), since)...)
		}
	}
	switch sel.Form {
	case driver.SelectKey:
		read(q.oneBefore, sel.Key.Hash[:])
		read(q.oldBefore, sel.Key.Hash[:])
	case driver.SelectOne:
		read(q.idBefore, sel.UserID, sel.ID)
	case driver.SelectOthers:
		read(q.othersBefore, sel.UserID, sel.ID)
	}
	return before, err
}

func (s *Store) endEveryone(ctx context.Context, now int64) error {
	n, err := s.db.Exec(ctx, s.query.markEveryone, newEpoch(), now)
	if err == nil && n != 1 {
		err = errors.New("sqlsession: the row of the state is missing; run the statements of Schema")
	}
	return err
}

func (s *Store) endSelected(ctx context.Context, tx sqlstore.Conn, sel driver.Selector) ([]driver.Ended, error) {
	q, now := &s.query, sel.Now.UnixMilli()
	switch sel.Form {
	case driver.SelectKey:
		// A Replace in between has left the key among the old ones.
		ended, err := s.end(ctx, tx, q.lockHash, now, sel.Key.Hash[:])
		if err == nil && len(ended) == 0 {
			ended, err = s.end(ctx, tx, q.lockOldHash, now, sel.Key.Hash[:])
		}
		return ended, err
	case driver.SelectSuperseded:
		return s.supersede(ctx, tx, sel)
	case driver.SelectOne:
		return s.end(ctx, tx, q.lockID, now, sel.UserID, sel.ID)
	case driver.SelectOthers:
		return s.end(ctx, tx, q.lockOthers, now, sel.UserID, sel.ID)
	case driver.SelectUser:
		return s.endMarked(ctx, tx, sel, q.lockUser, q.markUser, q.lockAll, sel.UserID)
	}
	return s.endMarked(ctx, tx, sel, q.lockSID, q.markSID, q.lockShared, sel.SID)
}

// supersede ends the session of a key that is its own.
func (s *Store) supersede(ctx context.Context, tx sqlstore.Conn, sel driver.Selector) ([]driver.Ended, error) {
	ended, err := s.end(ctx, tx, s.query.lockHash, sel.Now.UnixMilli(), sel.Key.Hash[:])
	if err != nil {
		return nil, err
	}
	for _, e := range ended {
		if _, err := tx.Exec(ctx, s.query.supersede, e.ID, sel.Now.UnixMilli()); err != nil {
			return nil, err
		}
	}
	if len(ended) > 0 {
		return ended, nil
	}
	row, err := s.find(ctx, tx, sel.Key)
	switch {
	case errors.Is(err, driver.ErrNone):
		return nil, nil
	case err != nil:
		return nil, err
	case row.replaced || row.revoked == isSuperseded:
		return nil, driver.ErrReplaced
	}
	return nil, nil
}

// endMarked marks a user or a SID, which waits for logins that hold its lock, and
// ends what is there then.
func (s *Store) endMarked(
	ctx context.Context, tx sqlstore.Conn, sel driver.Selector, make, mark, lock sqlstore.Statement, subject string,
) ([]driver.Ended, error) {
	now, until := sel.Now.UnixMilli(), sel.MarkUntil.UnixMilli()
	if _, err := tx.Exec(ctx, make, subject, newEpoch(), until); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, mark, subject, newEpoch(), now, until); err != nil {
		return nil, err
	}
	return s.end(ctx, tx, lock, now, subject)
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
