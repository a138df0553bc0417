package integration

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/tenancy/delegation"
	"github.com/auth0kit/auth0kit/tenancy/delegation/pgdelegation"
)

func TestDelegationLocker(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	var lockers []*pgdelegation.Locker
	for range 2 { // As two processes would.
		l, err := pgdelegation.NewLocker(db)
		require.NoError(t, err)
		lockers = append(lockers, l)
	}
	org, other := "org_"+uniqueName(), "org_"+uniqueName()

	var inside, turns atomic.Int64
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for range 5 {
				held, unlock, err := lockers[i%2].Lock(t.Context(), org)
				if !assert.NoError(t, err) {
					return
				}
				assert.Equal(t, int64(1), inside.Add(1))
				assert.NoError(t, held.Err())
				turns.Add(1)
				inside.Add(-1)
				unlock()
				assert.Error(t, held.Err())
			}
		})
	}
	wait.Wait()
	require.Equal(t, int64(20), turns.Load())

	held, unlock, err := lockers[0].Lock(t.Context(), org)
	require.NoError(t, err)
	_, unlockOther, err := lockers[1].Lock(t.Context(), other)
	require.NoError(t, err, "another organization")
	unlockOther()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _, err = lockers[1].Lock(short, org)
	require.Error(t, err)

	// The connection is lost: the holder hears of it, and the next one gets in.
	sum := sha256.Sum256([]byte("auth0kit/tenancy/delegation\x00" + org))
	_, err = db.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND ((classid::bigint << 32) | objid::bigint) = $1`, int64(binary.BigEndian.Uint64(sum[:])))
	require.NoError(t, err)
	<-held.Done()
	require.ErrorIs(t, context.Cause(held), delegation.ErrLockLost)
	unlock()
	_, unlock, err = lockers[1].Lock(t.Context(), org)
	require.NoError(t, err)
	unlock()
}
