package lazy_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// A row whose key cannot be read cannot become a user; its password is guessed as
// rarely as others.
func TestGuessesOfRowsWithoutKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		row := quick(1)
		row.Key = ""
		l := newLazy(t, legacytest.NewTable(row), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), lazy.Config{AccountFailures: 5})
		for i := range 6 {
			_, err := l.Login(t.Context(), migration.Credentials{Identifier: row.Email, Password: "wrong"})
			_, throttled := errors.AsType[*lazy.ThrottledError](err)
			if throttled != (i == 5) {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
	})
}

// Guesses are bounded for each account and each address, in the same way for
// accounts that do not exist; right passwords do not count.
func TestGuessesAreThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rows []migration.Record
		for i := range 30 {
			rows = append(rows, quick(i))
		}
		l := newLazy(t, legacytest.NewTable(rows...), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), lazy.Config{AccountFailures: 5, AddressFailures: 20})
		guess := func(identifier string, address string) error {
			_, err := l.Login(t.Context(), migration.Credentials{Identifier: identifier, Password: "wrong", IP: netip.MustParseAddr(address)})
			return err
		}
		for _, identifier := range []string{"user1@example.com", "nobody@example.com"} {
			for i := range 5 {
				if err := guess(identifier, fmt.Sprintf("198.51.100.%d", i)); !errors.Is(err, lazy.ErrCredentials) {
					t.Fatalf("guess %d of %s: %v", i, identifier, err)
				}
			}
			e, ok := errors.AsType[*lazy.ThrottledError](guess(identifier, "198.51.100.9"))
			if !ok || e.RetryAfter <= 0 || e.RetryAfter > 12*time.Minute {
				t.Fatalf("guess 6 of %s: %v", identifier, e)
			}
			time.Sleep(e.RetryAfter)
			if err := guess(identifier, "198.51.100.9"); !errors.Is(err, lazy.ErrCredentials) {
				t.Errorf("%s after RetryAfter: %v", identifier, err)
			}
		}
		for i := range 20 { // one address, many accounts; a /64 is one address
			if err := guess(fmt.Sprintf("stranger%d@example.com", i), fmt.Sprintf("2001:db8::%x", i+1)); !errors.Is(err, lazy.ErrCredentials) {
				t.Fatalf("guess %d of an address: %v", i, err)
			}
		}
		if _, ok := errors.AsType[*lazy.ThrottledError](guess("another@example.com", "2001:db8::ffff")); !ok {
			t.Error("an address is not throttled")
		}
		for i := 2; i < 30; i++ { // an office behind one address, with passwords that are right
			if _, err := l.Login(t.Context(), as(rows[i])); err != nil {
				t.Fatalf("login %d: %v", i, err)
			}
		}
	})
}

// Memory stays bounded, and a flood of names does not wash a guessed account
// away.
func TestThrottleIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		l := newLazy(t, legacytest.NewTable(quick(1)), legacytest.NewClient(t, tenant), lazy.Config{AccountFailures: 2, MaxEntries: 8})
		guess := func(identifier string) error {
			_, err := l.Login(t.Context(), migration.Credentials{Identifier: identifier, Password: "wrong"})
			return err
		}
		for range 2 {
			if err := guess("victim"); !errors.Is(err, lazy.ErrCredentials) {
				t.Fatal(err)
			}
		}
		for i := range 30 {
			if err := guess(fmt.Sprint("flood", i)); !errors.Is(err, lazy.ErrCredentials) {
				t.Fatal(err)
			}
		}
		if _, ok := errors.AsType[*lazy.ThrottledError](guess("victim")); !ok {
			t.Error("a flood of names has washed a guessed one away")
		}
	})
}

// More logins than may wait are turned away at once, and nobody has to wait for
// a login that has gone.
func TestOverload(t *testing.T) {
	t.Parallel()
	l := newLazy(t, legacytest.NewTable(legacytest.User(1)), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), lazy.Config{Verifications: 1, MaxWaiting: 2})
	var throttled, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := l.Login(t.Context(), migration.Credentials{Identifier: fmt.Sprint("nobody", i), Password: "x"})
			if _, ok := errors.AsType[*lazy.ThrottledError](err); ok {
				throttled.Add(1)
			} else if errors.Is(err, lazy.ErrCredentials) {
				refused.Add(1)
			} else {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if throttled.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d were turned away and %d answered", throttled.Load(), refused.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Login(ctx, as(legacytest.User(1))); !errors.Is(err, context.Canceled) {
		t.Errorf("a login that has gone: %v", err)
	}
}
