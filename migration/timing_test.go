package migration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// one is a source with the users "right" and "broken".
type one struct{ hash passhash.Stored }

func (o one) Page(context.Context, string, int) ([]Record, error) { return nil, nil }

func (o one) Find(_ context.Context, identifier string) (Record, error) {
	name, _, _ := strings.Cut(identifier, "@")
	switch name {
	case "right":
		return Record{Key: name, Email: identifier, Password: o.hash}, nil
	case "broken":
		return Record{Key: name, Email: identifier, Password: passhash.Stored{Value: "$2b$10$?"}}, nil
	}
	return Record{}, ErrNoUser
}

// In a bubble computing takes no time, so what is seen here is the wait alone:
// every refusal lasts as long as the slower verifications.
func TestRefusalsLastEquallyLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{})
		machine := tenant.Machine()
		client, err := management.New(management.Config{
			Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(),
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewLazy(one{defaultDecoy}, client, auth0test.DefaultConnection, LazyConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{"right@example.com", "broken@example.com", "nobody@example.com", "nobody"} {
			l.timing.ready, l.timing.floor = true, 300*time.Millisecond
			start := time.Now()
			_, err := l.Login(t.Context(), Credentials{Identifier: who, Password: "wrong"})
			if !errors.Is(err, ErrCredentials) {
				t.Fatalf("%s: %v", who, err)
			}
			// One observation of no time takes a sixty-fourth off.
			if took := time.Since(start); took < 295*time.Millisecond || took > 300*time.Millisecond {
				t.Errorf("%s is refused after %s; want 300 ms", who, took)
			}
		}
	})
}

func TestTimingFollowsTheSlowerHashes(t *testing.T) {
	t.Parallel()
	var tm timing
	for range 100 {
		tm.observe(time.Millisecond)
		tm.observe(200 * time.Millisecond)
	}
	if tm.floor < 190*time.Millisecond {
		t.Errorf("floor %s; want near 200 ms", tm.floor)
	}
	tm.observe(time.Hour)
	if tm.floor != maxFloor {
		t.Errorf("floor %s; want at most %s", tm.floor, maxFloor)
	}
	for range 1000 {
		tm.observe(time.Millisecond)
	}
	if tm.floor > 10*time.Millisecond {
		t.Errorf("floor %s a long time after the slow hash", tm.floor)
	}
}
