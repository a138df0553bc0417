package sqlsession

import (
	"context"
	"database/sql"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Delete implements driver.Store.
func (s *Store) Delete(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	now := sel.Now.UnixMilli()
	switch sel.Form() {
	case driver.SelectKey:
		return s.deleteKey(ctx, sel)
	case driver.SelectOne:
		return collect(ctx, s.db, scanEnded, s.query.killID, now, sel.UserID, sel.ID)
	case driver.SelectOthers:
		return collect(ctx, s.db, scanEnded, s.query.killOthers, now, sel.UserID, sel.Except)
	case driver.SelectUser:
		return s.deleteMarked(ctx, sel, s.query.markUser, s.query.killUser, sel.UserID)
	case driver.SelectSID:
		return s.deleteMarked(ctx, sel, s.query.markSID, s.query.killSID, sel.SID)
	case driver.SelectEveryone:
		n, err := changed(ctx, s.db, s.query.markEveryone, now)
		if err == nil && n != 1 {
			err = wrap(sql.ErrNoRows)
		}
		return nil, err
	}
	return nil, driver.ErrSelector
}

// deleteKey looks for the key first and for a replaced one then: a Replace in
// between has left the key there.
func (s *Store) deleteKey(ctx context.Context, sel driver.Selector) ([]driver.Ended, error) {
	for _, query := range []string{s.query.killHash, s.query.killOldHash} {
		ended, err := collect(ctx, s.db, scanEnded, query, sel.Now.UnixMilli(), sel.Key.Hash[:])
		if err != nil || len(ended) > 0 {
			return ended, err
		}
	}
	return nil, nil
}

// deleteMarked marks a user or a SID, which waits for logins that hold its lock,
// and ends what is there then.
func (s *Store) deleteMarked(ctx context.Context, sel driver.Selector, mark, kill, subject string) ([]driver.Ended, error) {
	var ended []driver.Ended
	err := s.tx(ctx, func(tx *sql.Tx) error {
		now := sel.Now.UnixMilli()
		if _, err := changed(ctx, tx, mark, subject, now, sel.MarkUntil.UnixMilli()); err != nil {
			return err
		}
		var err error
		ended, err = collect(ctx, tx, scanEnded, kill, now, subject)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

const sweepBatch = 1000

// Sweep implements driver.Sweeper, in batches.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for {
		n, err := changed(ctx, s.db, s.query.sweepMain, now.UnixMilli(), sweepBatch)
		total += int(n)
		if err != nil {
			return total, err
		}
		if n < sweepBatch {
			break
		}
	}
	if _, err := changed(ctx, s.db, s.query.sweepOld); err != nil {
		return total, err
	}
	for _, query := range []string{s.query.sweepUser, s.query.sweepSID, s.query.sweepSeen} {
		if _, err := changed(ctx, s.db, query, now.UnixMilli()); err != nil {
			return total, err
		}
	}
	return total, nil
}
