package integration

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/guardian/passkey"
	"github.com/auth0kit/auth0kit/guardian/redisguardian"
	"github.com/auth0kit/auth0kit/internal/testing/authenticator"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// TestOneAssertionOf64: one answer of a passkey is a proof once on every store, also
// where half of the uses come by another process.
func TestOneAssertionOf64(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		db := p.open(t)
		oneOf64(t, openSQLGuardian(t, db, p.dialect, ""), openSQLGuardian(t, db, p.dialect, ""))
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		prefix := "test:" + rand.Text()
		store, err := redisguardian.New(client, redisguardian.Config{Prefix: prefix})
		require.NoError(t, err)
		again, err := redisguardian.New(client, redisguardian.Config{Prefix: prefix})
		require.NoError(t, err)
		oneOf64(t, store, again)
	})
}

func oneOf64(t *testing.T, stores ...driver.Store) {
	t.Helper()
	const user = "auth0|1"
	var parties []*passkey.RelyingParty
	for _, store := range stores {
		factors, err := guardian.New(nil, guardian.Config{Store: store, Keys: [][]byte{[]byte("an example of a key with 32 byte")}, Issuer: "Example"})
		require.NoError(t, err)
		rp, err := passkey.New(factors, "example.com", []string{"https://app.example.com"}, passkey.Config{Name: "Example"})
		require.NoError(t, err)
		parties = append(parties, rp)
	}
	d := authenticator.New(t)
	options, err := parties[0].BeginEnroll(t.Context(), user, "ada@example.com", nil)
	require.NoError(t, err)
	_, err = parties[0].FinishEnroll(t.Context(), user, "", d.Create(options))
	require.NoError(t, err)
	options, err = parties[0].BeginVerify(t.Context(), user)
	require.NoError(t, err)
	response := d.Get(options)
	var yes, no atomic.Int64
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			switch _, err := parties[i%len(parties)].FinishVerify(t.Context(), user, response); {
			case err == nil:
				yes.Add(1)
			case errors.Is(err, guardian.ErrReplayed), errors.Is(err, guardian.ErrThrottled):
				no.Add(1)
			default:
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	assert.Equal(t, [2]int64{1, 63}, [2]int64{yes.Load(), no.Load()})
	require.NoError(t, stores[0].Forget(t.Context(), user))
}
