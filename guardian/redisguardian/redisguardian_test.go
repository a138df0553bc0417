package redisguardian_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/guardian/guardiantest"
	"github.com/auth0kit/auth0kit/guardian/redisguardian"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

func dial(t testing.TB, option rueidis.ClientOption) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(option)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func open(t testing.TB, client rueidis.Client, prefix string) *redisguardian.Store {
	t.Helper()
	s, err := redisguardian.New(client, redisguardian.Config{Prefix: prefix})
	require.NoError(t, err)
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	option := rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}}
	a, b := dial(t, option), dial(t, option)
	guardiantest.Run(t, func(t *testing.T) guardiantest.Harness {
		prefix := "test:" + rand.Text()
		return guardiantest.Harness{Store: open(t, a, prefix), Again: open(t, b, prefix), Sibling: open(t, a, prefix+"2")}
	})
}

// On a cluster every script stays in one slot, and a sweep finds the records of all
// nodes. One node that evicts is enough to be refused.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := backends.StartRedisCluster(t)
	option := rueidis.ClientOption{InitAddress: []string{nodes[0].Addr}}
	a, b := dial(t, option), dial(t, option)
	t.Run("suite", func(t *testing.T) {
		guardiantest.Run(t, func(t *testing.T) guardiantest.Harness {
			prefix := "test:" + rand.Text()
			return guardiantest.Harness{Store: open(t, a, prefix), Again: open(t, b, prefix), Sibling: open(t, a, prefix+"2")}
		})
	})
	s := open(t, a, "test:users")
	for i := range 64 { // Braces are what names a slot.
		for _, subject := range []string{fmt.Sprintf("auth0|%d", i), fmt.Sprintf("auth0|{%d}", i)} {
			for _, kind := range []driver.Kind{driver.KindTOTP, driver.KindRecovery} {
				r := driver.Record{Key: driver.Key{Subject: subject, Kind: kind}, Version: 1, Until: time.UnixMilli(1)}
				require.NoError(t, s.Save(t.Context(), r, 0))
			}
		}
	}
	for _, node := range nodes {
		c := dial(t, rueidis.ClientOption{InitAddress: []string{node.Addr}, ForceSingleClient: true})
		keys, err := c.Do(t.Context(), c.B().Dbsize().Build()).AsInt64()
		require.NoError(t, err)
		assert.Greater(t, keys, int64(10), "each has a part of them")
	}
	n, err := s.Sweep(t.Context(), time.UnixMilli(2))
	require.NoError(t, err)
	assert.Equal(t, 256, n)

	for _, node := range nodes {
		c := dial(t, rueidis.ClientOption{InitAddress: []string{node.Addr}, ForceSingleClient: true})
		policy := func(name string) {
			require.NoError(t, c.Do(t.Context(), c.B().Arbitrary("CONFIG", "SET", "maxmemory-policy", name).Build()).Error())
		}
		policy("allkeys-lru")
		evicted := open(t, a, "")
		for range 3 {
			_, err = evicted.Load(t.Context(), driver.Key{Subject: "auth0|1", Kind: driver.KindTOTP})
			assert.ErrorContains(t, err, "allkeys-lru")
		}
		policy("noeviction")
	}
}

// A Redis that evicts any key is refused, and one that evicts keys with a time to
// live is not, because there are none.
func TestEviction(t *testing.T) {
	t.Parallel()
	for policy, refused := range map[string]bool{"allkeys-lru": true, "allkeys-random": true, "volatile-lru": false, "noeviction": false} {
		socket := filepath.Join(t.TempDir(), "redis.sock")
		cmd := exec.CommandContext(t.Context(), backends.Program(t, "redis-server", "redis-server"),
			"--port", "0", "--unixsocket", socket, "--save", "", "--maxmemory", "100mb", "--maxmemory-policy", policy)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Wait() })
		option := rueidis.ClientOption{InitAddress: []string{socket}, DialCtxFn: dialUnix, DisableCache: true}
		var client rueidis.Client
		require.Eventually(t, func() bool {
			var err error
			client, err = rueidis.NewClient(option)
			return err == nil
		}, time.Minute, 10*time.Millisecond)
		t.Cleanup(client.Close)
		s := open(t, client, "")
		k := driver.Key{Subject: "auth0|1", Kind: driver.KindTOTP}
		_, err := s.Load(t.Context(), k)
		if !refused {
			assert.ErrorIs(t, err, driver.ErrNoRecord, policy)
			continue
		}
		assert.ErrorContains(t, err, policy)
		assert.ErrorContains(t, s.Save(t.Context(), driver.Record{Key: k, Version: 1}, 0), policy)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := redisguardian.New(nil, redisguardian.Config{})
	assert.ErrorContains(t, err, "client is nil")
	client := dial(t, rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	for _, prefix := range []string{"a{b}", "a*", "a b", "a|b"} {
		_, err = redisguardian.New(client, redisguardian.Config{Prefix: prefix})
		assert.ErrorContains(t, err, "Config.Prefix")
	}
}

// It needs a Redis, so it is compiled only.
func ExampleNew() {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := redisguardian.New(client, redisguardian.Config{})
	if err != nil {
		log.Fatal(err)
	}
	keys := [][]byte{[]byte("32 random bytes from your vault.")}
	factors, err := guardian.New(nil, guardian.Config{Store: store, Keys: keys, Issuer: "Example"})
	fmt.Println(factors != nil, err)
}
