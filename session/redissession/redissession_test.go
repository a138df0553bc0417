package redissession_test

import (
	"crypto/rand"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/session/redissession/goredis"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func dial(t testing.TB, addr string) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func open(t testing.TB, client rueidis.Client, cfg redissession.Config) *redissession.Store {
	t.Helper()
	s, err := redissession.New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openers open a store with each of the clients.
var openers = map[string]func(t testing.TB, addr string, cfg redissession.Config) *redissession.Store{
	"rueidis": func(t testing.TB, addr string, cfg redissession.Config) *redissession.Store {
		return open(t, dial(t, addr), cfg)
	},
	"go-redis": func(t testing.TB, addr string, cfg redissession.Config) *redissession.Store {
		t.Helper()
		client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
		return openGo(t, client, cfg)
	},
}

func openGo(t testing.TB, client redis.UniversalClient, cfg redissession.Config) *redissession.Store {
	t.Helper()
	t.Cleanup(func() { _ = client.Close() })
	s, err := goredis.New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	addr := backends.Redis(t)
	a, b := dial(t, addr), dial(t, addr)
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
		prefix := "test:" + rand.Text()
		return sessiontest.Harness{
			Store:   open(t, a, redissession.Config{Prefix: prefix}),
			Again:   open(t, b, redissession.Config{Prefix: prefix}),
			Sibling: open(t, a, redissession.Config{Prefix: prefix + "2"}),
		}
	})
}
