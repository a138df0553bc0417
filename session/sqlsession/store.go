package sqlsession

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Create implements driver.Store.
func (s *Store) Create(ctx context.Context, r driver.Record, l driver.Limit) (evicted []driver.Ended, err error) {
	err = s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		epoch, err := s.admit(ctx, tx, &r, l.Now)
		if err != nil {
			return err
		}
		if evicted, err = s.makeRoom(ctx, tx, r.UserID, l); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.query.insert, r.ID, r.Key.Hash[:], r.UserID, r.SID, r.Version, epoch,
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
func (s *Store) admit(ctx context.Context, tx sqlstore.Conn, r *driver.Record, now time.Time) (epoch int64, err error) {
	if _, err := tx.Exec(ctx, s.query.lockUser, r.UserID, now.UnixMilli()); err != nil {
		return 0, err
	}
	if r.SID != "" {
		if _, err := tx.Exec(ctx, s.query.lockSID, r.SID, now.UnixMilli()); err != nil {
			return 0, err
		}
	}
	type marks struct{ epoch, everyone, user, sid int64 }
	m, err := sqlstore.One(ctx, tx, func(rows *sql.Rows) (m marks, err error) {
		return m, rows.Scan(&m.epoch, &m.everyone, &m.user, &m.sid)
	}, s.query.marks, r.UserID, r.SID)
	if err != nil {
		return 0, err
	}
	at := r.AuthTime().UnixMilli()
	if m.sid != 0 || m.user != 0 && at < m.user || m.everyone != 0 && at < m.everyone {
		return 0, driver.ErrRevoked
	}
	return m.epoch, nil
}

// makeRoom evicts for one more session. The lock on the user's row keeps other
// logins of the user away.
func (s *Store) makeRoom(ctx context.Context, tx sqlstore.Conn, userID string, l driver.Limit) ([]driver.Ended, error) {
	type other struct {
		id   string
		seen int64
	}
	others, err := sqlstore.Query(ctx, tx, func(rows *sql.Rows) (o other, err error) {
		return o, rows.Scan(&o.id, &o.seen)
	}, s.query.others, l.Now.UnixMilli(), userID)
	if err != nil || len(others) < l.Max {
		return nil, err
	}
	switch l.Policy {
	case driver.Reject:
		return nil, driver.ErrLimit
	case driver.EvictIdle:
		slices.SortStableFunc(others, func(a, b other) int { return cmp.Compare(a.seen, b.seen) })
	}
	var evicted []driver.Ended
	for _, o := range others[:len(others)-l.Max+1] {
		ended, err := s.end(ctx, tx, s.query.lockID, l.Now.UnixMilli(), userID, o.id)
		if err != nil {
			return nil, err
		}
		evicted = append(evicted, ended...)
	}
	return evicted, nil
}

// Load implements driver.Store.
func (s *Store) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	row, err := s.find(ctx, k)
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
	n, err := s.db.Exec(ctx, s.query.touch, t.Now.UnixMilli(), t.IdleAt.UnixMilli(), r.ID, t.IfBefore.UnixMilli())
	if err != nil {
		return driver.Record{}, err
	}
	if n == 1 { // else another was first, or it has just ended: it was live when it was read
		r.LastSeen, r.IdleAt = t.Now, t.IdleAt
	}
	return r, nil
}

// find reads the row of a key, or of the key that has replaced it.
func (s *Store) find(ctx context.Context, k driver.Key) (row, error) {
	r, err := sqlstore.One(ctx, s.db.Conn, func(rows *sql.Rows) (r row, err error) {
		return r, r.scan(rows, &r.payload)
	}, s.query.byHash, k.Hash[:])
	if errors.Is(err, sql.ErrNoRows) {
		r, err = sqlstore.One(ctx, s.db.Conn, func(rows *sql.Rows) (row, error) {
			r := row{replaced: true}
			err := r.scan(rows, &r.payload, &r.until)
			return r, err
		}, s.query.byOldHash, k.Hash[:])
	}
	if errors.Is(err, sql.ErrNoRows) {
		return r, driver.ErrNone
	}
	return r, err
}

// Replace implements driver.Store.
func (s *Store) Replace(ctx context.Context, k driver.Key, r driver.Record, g driver.Grace) error {
	lost := errors.New("lost")
	err := s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		n, err := tx.Exec(ctx, s.query.replace, g.Now.UnixMilli(),
			r.Key.Hash[:], r.Version, r.RotatedAt.UnixMilli(), r.LastSeen.UnixMilli(), r.IdleAt.UnixMilli(),
			r.ExpiresAt.UnixMilli(), methodsText(r.Methods), r.Device.UserAgent, r.Device.IP, r.CSRF[:], r.Payload,
			k.Hash[:], r.Version-1)
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
func (s *Store) keep(ctx context.Context, tx sqlstore.Conn, k driver.Key, id string, g driver.Grace) error {
	var until int64
	if !g.Until.IsZero() {
		until = g.Until.UnixMilli()
	} else if _, err := tx.Exec(ctx, s.query.endOld, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, s.query.keepOld, k.Hash[:], id, until)
	return err
}

// why tells why a Replace has found nothing to replace.
func (s *Store) why(ctx context.Context, k driver.Key, now time.Time) error {
	row, err := s.find(ctx, k)
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
	return sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (driver.Record, error) {
		var r row
		err := r.scan(rows)
		return r.record(tag), err
	}, s.query.list, userID, now.UnixMilli())
}
