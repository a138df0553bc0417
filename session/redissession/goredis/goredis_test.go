package goredis_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/session/redissession/goredis"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func dial(t *testing.T) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: backends.Redis(t)})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func open(t *testing.T, client redis.UniversalClient, prefix string) *redissession.Store {
	t.Helper()
	s, err := goredis.New(client, redissession.Config{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	a, b := dial(t), dial(t)
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
		prefix := "test:" + rand.Text()
		return sessiontest.Harness{Store: open(t, a, prefix), Again: open(t, b, prefix), Sibling: open(t, a, prefix+"2")}
	})
}

// TestSharesWithRueidis: a session that one client makes the other one knows and ends.
func TestSharesWithRueidis(t *testing.T) {
	t.Parallel()
	prefix := "test:" + rand.Text()
	other, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	theirs, err := redissession.New(other, redissession.Config{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	var managers []*session.Manager
	for _, store := range []driver.Store{open(t, dial(t), prefix), theirs} {
		m, err := session.New(store, session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		managers = append(managers, m)
	}
	for i, m := range managers {
		token, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|1"})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := managers[1-i].Validate(t.Context(), token); err != nil || s.UserID != "auth0|1" {
			t.Fatalf("the other client: %v, %v", s, err)
		}
		if err := managers[1-i].Revoke(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Validate(t.Context(), token); err == nil {
			t.Error("a session lives that the other client has revoked")
		}
	}
}

// TestNothingIsSentTwice: when the answer is lost, go-redis must not try again,
// although its options say so.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	client := dial(t)
	var sent int
	client.AddHook(hook(func(cmds []redis.Cmder) {
		for _, cmd := range cmds {
			if !strings.HasPrefix(cmd.Name(), "eval") {
				continue // of the connection's own
			}
			sent++
			if !cmd.NoRetry() {
				t.Errorf("%s may be sent again", cmd.Name())
			}
		}
	}))
	s := open(t, client, "test:"+rand.Text())
	if _, err := s.List(t.Context(), "auth0|1", time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), driver.Key{}, driver.Touch{Now: time.Now()}); err == nil || sent < 3 {
		t.Errorf("%d commands, %v", sent, err)
	}
}

type hook func([]redis.Cmder)

func (hook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h(cmds)
		return next(ctx, cmds)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := goredis.New(nil, redissession.Config{}); err == nil {
		t.Error("no client is accepted")
	}
	if _, err := goredis.New(dial(t), redissession.Config{MaxStale: time.Second}); err == nil {
		t.Error("a cache is accepted, which go-redis does not have")
	}
}

// It needs a Redis, so it is compiled only.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer client.Close()
	store, err := goredis.New(client, redissession.Config{Prefix: "myapp:session"})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	token, _, err := sessions.Create(context.Background(), session.Login{UserID: "auth0|42"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed in with", token)
}
