package sqlsession

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/session/driver"
)

// Create implements driver.Store.
func (s *Store) Create(ctx context.Context, r driver.Record, l driver.Limit) (evicted []driver.Ended, err error) {
	err = s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		in, err := s.admit(ctx, tx, &r, l)
		if err != nil {
			return err
		}
		if evicted, err = s.makeRoom(ctx, tx, r.UserID, l); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.query.insert, r.ID, r.Key.Hash[:], r.UserID, r.SID, r.OrgID, r.Version,
			in.epoch, in.userEpoch, in.sidEpoch, r.CreatedAt.UnixMilli(), r.RotatedAt.UnixMilli(), r.LastSeen.UnixMilli(), r.IdleAt.UnixMilli(),
			r.ExpiresAt.UnixMilli(), methodsText(r.Methods), r.Device.UserAgent, r.Device.IP, r.CSRF[:], r.Payload)
		return err
	})
	if err != nil {
		return nil, err
	}
	return evicted, nil
}

// standing is what marks say: epochs, and since when logins are refused.
type standing struct{ epoch, everyone, userEpoch, user, sidEpoch, sid int64 }

// admit locks the rows of r's user and SID, and refuses r when one of them or
// everyone is marked. A RevokeEveryone that comes in between finds the epoch that
// is returned here outdated.
func (s *Store) admit(ctx context.Context, tx sqlstore.Conn, r *driver.Record, l driver.Limit) (standing, error) {
	until := r.ExpiresAt.UnixMilli()
	if err := s.lockMark(ctx, tx, s.query.lockUser, s.query.keepUser, r.UserID, until); err != nil {
		return standing{}, err
	}
	if r.SID != "" {
		if err := s.lockMark(ctx, tx, s.query.lockSID, s.query.keepSID, r.SID, until); err != nil {
			return standing{}, err
		}
	}
	in, err := sqlstore.One(ctx, tx, func(rows *sql.Rows) (m standing, err error) {
		return m, rows.Scan(&m.epoch, &m.everyone, &m.userEpoch, &m.user, &m.sidEpoch, &m.sid)
	}, s.query.marks, r.UserID, r.SID)
	if err != nil {
		return standing{}, err
	}
	if newest := max(in.everyone, in.user, in.sid); newest != 0 && l.Bound.UnixMilli() < newest {
		return standing{}, driver.ErrRevoked
	}
	return in, nil
}

// lockMark makes the row of a user or a SID if there is none, locks it, and keeps
// it for as long as the session may live.
func (s *Store) lockMark(ctx context.Context, tx sqlstore.Conn, lock, keep sqlstore.Statement, subject string, until int64) error {
	if _, err := tx.Exec(ctx, lock, subject, newEpoch(), until); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, keep, subject, until)
	return err
}

// newEpoch is random, so that one that was lost does not come back.
func newEpoch() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:])>>1) | 1
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

// end ends the live sessions that a query finds and locks, and leaves of each what
// tells that it was revoked, and when, which is the first of args.
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
	_, err = tx.Exec(ctx, s.db.SQL(`UPDATE {t} SET revoked = 1, rotated_at = $1, payload = NULL, methods = '', user_agent = '', ip = ''
		WHERE id IN (`+sqlstore.Params(2, len(ids))+`)`), append(args[:1:1], ids...)...)
	return ended, err
}

// Load implements driver.Store.
func (s *Store) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	row, err := s.find(ctx, s.db.Conn, k)
	if err != nil {
		return driver.Record{}, err
	}
	r, err := row.gone(t.Now)
	if err != nil || !r.LastSeen.Before(t.IfBefore) {
		return r, err
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
func (s *Store) find(ctx context.Context, conn sqlstore.Conn, k driver.Key) (row, error) {
	r, err := sqlstore.One(ctx, conn, func(rows *sql.Rows) (r row, err error) {
		return r, r.scan(rows, &r.payload)
	}, s.query.byHash, k.Hash[:])
	if errors.Is(err, sql.ErrNoRows) {
		r, err = sqlstore.One(ctx, conn, func(rows *sql.Rows) (row, error) {
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
	until := g.Until.UnixMilli()
	if g.Until.IsZero() {
		until = g.Now.UnixMilli()
		if _, err := tx.Exec(ctx, s.query.endOld, id, until); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, s.query.keepOld, k.Hash[:], id, until)
	return err
}

// why tells why a Replace has found nothing to replace.
func (s *Store) why(ctx context.Context, k driver.Key, now time.Time) error {
	row, err := s.find(ctx, s.db.Conn, k)
	if err != nil {
		return err
	}
	if _, err := row.gone(now); err != nil {
		return err
	}
	return driver.ErrConflict
}

// List implements driver.Store.
func (s *Store) List(ctx context.Context, userID string, now time.Time) ([]driver.Record, error) {
	rows, err := sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (r row, err error) {
		return r, r.scan(rows)
	}, s.query.list, userID, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	records := make([]driver.Record, 0, len(rows))
	for i := range rows {
		if r, err := rows[i].gone(now); err == nil {
			records = append(records, r)
		}
	}
	return records, nil
}
