package redissession_test

import (
	"crypto/rand"
	"testing"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/backends"
	"github.com/auth0kit/auth0kit/session/redissession"
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
