// Package pgdelegation is the Locker of package delegation for several processes: it
// keeps changes of one organization apart by advisory locks of Postgres.
//
//	locker, err := pgdelegation.NewLocker(db)
//	…
//	service, err := delegation.New(client, role, may, delegation.Config{Locker: locker})
//
// A lock is held by a connection of its own for as long as a change takes, and who
// waits for one has a connection too. Where the pool of the database is limited, give
// the Locker a *sql.DB of its own: those who wait could take all connections from a
// Recorder of whoever holds the lock, and everybody would wait. A pooler
// between the program and Postgres must keep sessions, which PgBouncer does in its
// session mode alone. It makes no tables, and works with any driver for Postgres.
package pgdelegation

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// beat is how often a connection that holds a lock is looked after.
const beat = 2 * time.Second

// Locker locks organizations by a Postgres database. It is safe for concurrent use.
type Locker struct{ db *sql.DB }

// NewLocker returns a Locker. It does no I/O. The caller closes db.
func NewLocker(db *sql.DB) (*Locker, error) {
	if db == nil {
		return nil, errors.New("pgdelegation: NewLocker needs a database")
	}
	return &Locker{db}, nil
}

// key is the name of a lock. Two organizations with the same key would wait for each
// other, and no more.
func key(orgID string) int64 {
	sum := sha256.Sum256([]byte("auth0kit/tenancy/delegation\x00" + orgID))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// Lock implements delegation.Locker. The context that it returns ends, with the cause
// delegation.ErrLockLost, up to 4 s after the connection to Postgres has gone, which
// frees the lock.
func (l *Locker) Lock(ctx context.Context, orgID string) (context.Context, func(), error) {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("pgdelegation: connect: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key(orgID)); err != nil {
		discard(conn) // Whether it is locked is not known.
		return nil, nil, fmt.Errorf("pgdelegation: lock: %w", err)
	}
	held, lose := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(held, conn, lose)
	}()
	return held, func() {
		lose(context.Canceled)
		<-watched
		unlock(conn, orgID)
	}, nil
}

// watch ends held when the connection is lost.
func watch(held context.Context, conn *sql.Conn, lose context.CancelCauseFunc) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-held.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(held), beat)
		_, err := conn.ExecContext(ctx, "SELECT 1")
		cancel()
		if err != nil {
			lose(fmt.Errorf("%w: %w", delegation.ErrLockLost, err))
			return
		}
	}
}

func unlock(conn *sql.Conn, orgID string) {
	ctx, cancel := context.WithTimeout(context.Background(), beat)
	defer cancel()
	var freed bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_advisory_unlock($1)", key(orgID)).Scan(&freed); err != nil || !freed {
		discard(conn)
		return
	}
	conn.Close()
}

// discard closes the connection to Postgres, which frees its locks.
func discard(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}
