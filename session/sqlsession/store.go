package sqlsession

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Create implements driver.Store.
func (s *Store) Create(ctx context.Context, r driver.Record, l driver.Limit) ([]driver.Ended, error) {
	var evicted []driver.Ended
	err := s.tx(ctx, func(tx *sql.Tx) error {
		epoch, err := s.admit(ctx, tx, &r, l.Now)
		if err != nil {
			return err
		}
		if evicted, err = s.makeRoom(ctx, tx, r.UserID, l); err != nil {
			return err
		}
		_, err = changed(ctx, tx, s.query.insert, r.ID, r.Key.Hash[:], r.UserID, r.SID, r.Version, epoch,
			r.CreatedAt.UnixMilli(), r.RotatedAt.UnixMilli(), r.LastSeen.UnixMilli(), r.IdleAt.UnixMilli(),
			r.ExpiresAt.UnixMilli(), methodsText(r.Methods), r.Device.UserAgent, r.Device.IP, r.CSRF[:], r.Payload)
		return err
	})
	if err != nil {
		return nil, err
	}
	return evicted, nil
}

// admit locks the rows of r's user and SID, and refuses r when one of them or
// everyone is marked. A RevokeEveryone that comes in between finds the epoch that
// is returned here outdated.
func (s *Store) admit(ctx context.Context, tx *sql.Tx, r *driver.Record, now time.Time) (epoch int64, err error) {
	var user, sid, everyone int64
	if err := tx.QueryRowContext(ctx, s.query.lockUser, r.UserID, now.UnixMilli()).Scan(&user); err != nil {
		return 0, wrap(err)
	}
	if r.SID != "" {
		if err := tx.QueryRowContext(ctx, s.query.lockSID, r.SID, now.UnixMilli()).Scan(&sid); err != nil {
			return 0, wrap(err)
		}
	}
	if err := tx.QueryRowContext(ctx, s.query.state).Scan(&epoch, &everyone); err != nil {
		return 0, wrap(err)
	}
	at := r.AuthTime().UnixMilli()
	if sid != 0 || user != 0 && at < user || everyone != 0 && at < everyone {
		return 0, driver.ErrRevoked
	}
	return epoch, nil
}

// makeRoom evicts for one more session. The lock on the user's row keeps other
// logins of the user away.
func (s *Store) makeRoom(ctx context.Context, tx *sql.Tx, userID string, l driver.Limit) ([]driver.Ended, error) {
	type other struct {
		id   string
		seen int64
	}
	others, err := collect(ctx, tx, func(rows *sql.Rows) (o other, err error) {
		return o, rows.Scan(&o.id, &o.seen)
	}, s.query.others, l.Now.UnixMilli(), userID)
	if err != nil || len(others) < l.Max {
		return nil, err
	}
	switch l.Policy {
	case driver.Reject:
		return nil, driver.ErrLimit
	case driver.EvictIdle:
		slices.SortStableFunc(others, func(a, b other) int { return int(a.seen - b.seen) })
	}
	var evicted []driver.Ended
	for _, o := range others[:len(others)-l.Max+1] {
		ended, err := collect(ctx, tx, scanEnded, s.query.killID, l.Now.UnixMilli(), userID, o.id)
		if err != nil {
			return nil, err
		}
		evicted = append(evicted, ended...)
	}
	return evicted, nil
}

// Load implements driver.Store.
func (s *Store) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	row, err := s.find(ctx, s.db, k)
	if err != nil {
		return driver.Record{}, err
	}
	r := row.record(k.Tag)
	switch {
	case row.dead(t.Now):
		return driver.Record{ID: r.ID, UserID: r.UserID}, driver.ErrRevoked
	case r.Expired(t.Now):
		return r, driver.ErrExpired
	case !r.LastSeen.Before(t.IfBefore):
		return r, nil
	}
	n, err := s.touch(ctx, &r, t)
	if err != nil {
		return driver.Record{}, err
	}
	if n == 1 { // else another was first, or it has just ended: it was live when it was read
		r.LastSeen, r.IdleAt = t.Now, t.IdleAt
	}
	return r, nil
}

func (s *Store) touch(ctx context.Context, r *driver.Record, t driver.Touch) (int64, error) {
	return changed(ctx, s.db, s.query.touch,
		t.Now.UnixMilli(), t.IdleAt.UnixMilli(), r.ID, t.IfBefore.UnixMilli())
}

// find reads the row of a key, or of the key that has replaced it.
func (s *Store) find(ctx context.Context, q querier, k driver.Key) (*row, error) {
	r := &row{}
	err := r.scan(q.QueryRowContext(ctx, s.query.byHash, k.Hash[:]), &r.payload)
	if errors.Is(err, sql.ErrNoRows) {
		r.replaced = true
		err = r.scan(q.QueryRowContext(ctx, s.query.byOldHash, k.Hash[:]), &r.payload, &r.until)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, driver.ErrNone
	}
	return r, wrap(err)
}

// Replace implements driver.Store.
func (s *Store) Replace(ctx context.Context, k driver.Key, r driver.Record, g driver.Grace) error {
	args := []any{
		r.Key.Hash[:], r.Version, r.RotatedAt.UnixMilli(), r.LastSeen.UnixMilli(), r.IdleAt.UnixMilli(),
		r.ExpiresAt.UnixMilli(), methodsText(r.Methods), r.Device.UserAgent, r.Device.IP, r.CSRF[:], r.Payload,
		k.Hash[:], r.Version - 1, g.Now.UnixMilli(),
	}
	lost := errors.New("lost")
	err := s.tx(ctx, func(tx *sql.Tx) error {
		n, err := changed(ctx, tx, s.query.replace, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return lost
		}
		if r.Key == k {
			return nil
		}
		return s.keep(ctx, tx, k, r.ID, g)
	})
	if errors.Is(err, lost) {
		return s.why(ctx, k, g.Now)
	}
	return err
}

// keep lets the old key work until the end of its grace, or ends it and all others.
func (s *Store) keep(ctx context.Context, tx *sql.Tx, k driver.Key, id string, g driver.Grace) error {
	var until int64
	if !g.Until.IsZero() {
		until = g.Until.UnixMilli()
	} else if _, err := changed(ctx, tx, s.query.endOld, id); err != nil {
		return err
	}
	_, err := changed(ctx, tx, s.query.keepOld, k.Hash[:], id, until)
	return err
}

// why tells why a Replace has found nothing to replace.
func (s *Store) why(ctx context.Context, k driver.Key, now time.Time) error {
	row, err := s.find(ctx, s.db, k)
	if err != nil {
		return err
	}
	r := row.record(k.Tag)
	switch {
	case row.dead(now):
		return driver.ErrRevoked
	case r.Expired(now):
		return driver.ErrExpired
	}
	return driver.ErrConflict
}

// List implements driver.Store.
func (s *Store) List(ctx context.Context, userID string, now time.Time) ([]driver.Record, error) {
	tag := driver.Tag(userID)
	return collect(ctx, s.db, func(rows *sql.Rows) (driver.Record, error) {
		var r row
		err := r.scan(rows)
		return r.record(tag), err
	}, s.query.list, userID, now.UnixMilli())
}

// collect runs a query and reads all of its rows.
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		out = append(out, v)
	}
	return out, wrap(rows.Err())
}
