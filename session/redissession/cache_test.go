package redissession_test

import (
	"crypto/rand"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/redissession"
)

// calls is how often clients have sent each command.
var calls = regexp.MustCompile(`cmdstat_(\w+):calls=(\d+)`)

// executed is how many scripts and other commands on keys the server was sent.
func executed(t *testing.T, client rueidis.Client) (scripts int) {
	t.Helper()
	info, err := client.Do(t.Context(), client.B().Info().Section("commandstats").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, m := range calls.FindAllStringSubmatch(info, -1) {
		n[m[1]], _ = strconv.Atoi(m[2])
	}
	return n["mget"] + n["evalsha"] + n["eval"]
}

// TestValidateIsOneRoundTrip counts what reaches Redis: one script for a Validate,
// one more when a touch is due, and nothing with the cache.
func TestValidateIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--save", "")
	watch, client := dial(t, s.addr()), dial(t, s.addr())
	now := time.Now()
	cfg := session.Config{Now: func() time.Time { return now }}
	m := manager(t, open(t, client, redissession.Config{}), cfg)
	token := logins(t, m, 1)[0]
	count := func(f func()) int {
		before := executed(t, watch)
		f()
		return executed(t, watch) - before
	}
	validate := func(m *session.Manager, n int) func() {
		return func() {
			for range n {
				if _, err := m.Validate(t.Context(), token); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	validate(m, 1)() // loads the script, and asks for the policy
	if n := count(validate(m, 100)); n != 100 {
		t.Errorf("100 Validates are %d scripts; want 100", n)
	}
	now = now.Add(2 * time.Minute)
	validate(m, 1)()               // loads the other script
	now = now.Add(2 * time.Minute) // the next one touches, the others do not
	if n := count(validate(m, 100)); n != 101 {
		t.Errorf("100 Validates with a touch are %d scripts; want 101", n)
	}
	cached := manager(t, open(t, client, redissession.Config{MaxStale: time.Minute}), cfg)
	validate(cached, 1)()
	if n := count(validate(cached, 100)); n != 0 {
		t.Errorf("100 Validates with the cache are %d scripts", n)
	}
}

// TestCachedIsMarked: a store says which answers it did not ask Redis for.
func TestCachedIsMarked(t *testing.T) {
	t.Parallel()
	store := open(t, dial(t, backends.Redis(t)), redissession.Config{Prefix: "test:" + rand.Text(), MaxStale: time.Minute})
	r := driver.Record{Key: driver.KeyOf("u", "s"), ID: rand.Text(), UserID: "u", SID: "s", Version: 1}
	now := time.Now()
	r.CreatedAt, r.RotatedAt, r.LastSeen, r.IdleAt, r.ExpiresAt = now, now, now, now.Add(time.Hour), now.Add(time.Hour)
	if _, err := store.Create(t.Context(), r, driver.Limit{Now: now, Bound: now, Max: 1}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, true} {
		got, err := store.Load(t.Context(), r.Key, driver.Touch{Now: now, Fresh: i == 2})
		if err != nil || got.Cached != want {
			t.Fatalf("Load %d: cached %t, %v", i, got.Cached, err)
		}
	}
}

// TestCacheIsBounded: what another process revokes is dead soon, and what this
// one revokes at once; verbs that change something never ask the cache.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	addr := backends.Redis(t)
	cfg := redissession.Config{Prefix: "test:" + rand.Text(), MaxStale: 5 * time.Second}
	a := manager(t, open(t, dial(t, addr), cfg), session.Config{})
	b := manager(t, open(t, dial(t, addr), cfg), session.Config{})
	for i, token := range logins(t, a, 60) {
		for _, m := range []*session.Manager{a, b, a, b} {
			if _, err := m.Validate(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if i < 59 {
			err = a.Revoke(t.Context(), token)
		} else {
			err = a.RevokeEveryone(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Validate(t.Context(), token); !gone(err) {
			t.Fatalf("in the process that revoked: %v", err)
		}
		if err := b.Update(t.Context(), token, func(p []byte) ([]byte, error) { return p, nil }); !gone(err) {
			t.Fatalf("Update in another process: %v", err)
		}
		revoked := time.Now()
		for _, err = b.Validate(t.Context(), token); err == nil; _, err = b.Validate(t.Context(), token) {
			if time.Since(revoked) > cfg.MaxStale+time.Second {
				t.Fatal("another process's cache outlives MaxStale")
			}
		}
		if !gone(err) {
			t.Fatal(err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := redissession.New(nil, redissession.Config{}); err == nil {
		t.Error("no client is accepted")
	}
	client := dial(t, backends.Redis(t))
	for _, cfg := range []redissession.Config{{Prefix: "a{b}"}, {MaxStale: -1}} {
		if _, err := redissession.New(client, cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}
