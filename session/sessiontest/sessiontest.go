// Package sessiontest tests implementations of driver.Store: every sentence of
// the contract is a subtest, and the races that other session libraries lose are
// run through a session.Manager hundreds of times.
//
//	func TestStore(t *testing.T) {
//		sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
//			return sessiontest.Harness{Store: mystore.New(…)}
//		})
//	}
//
// A store that is a driver.Replay, Outbox or Sweeper too is tested as one.
// [Model] compares a store with a simple model under random operations.
package sessiontest

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Harness is a store under test.
type Harness struct {
	// Store is empty and nobody else's.
	Store driver.Store
	// Again is the same data through another client, as a second process has it.
	// Defaults to Store.
	Again driver.Store
	// Sibling is another empty store in the same database, by a prefix of its own.
	// Without one its subtest is skipped.
	Sibling driver.Store
	// Rounds is how often each race is run. Defaults to 300.
	Rounds int
}

// start is a time like any other. Stores get all times from their caller.
var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// newRecord is a live record that ends an hour after at when idle.
func newRecord(userID string, at time.Time) driver.Record {
	r := driver.Record{
		ID: rand.Text(), UserID: userID, Version: 1,
		CreatedAt: at, RotatedAt: at, LastSeen: at, IdleAt: at.Add(time.Hour), ExpiresAt: at.Add(24 * time.Hour),
		Methods: []driver.Method{{Name: "pwd", At: at}, {Name: "otp", At: at.Add(-time.Minute)}},
		Device:  driver.Device{UserAgent: "Mozilla/5.0", IP: "192.0.2.7"},
		Payload: []byte("sealed " + userID),
	}
	rand.Read(r.CSRF[:])
	return withSID(r, "sid-"+rand.Text())
}

// withSID returns r with a SID, under a key that names it.
func withSID(r driver.Record, sid string) driver.Record {
	r.SID = sid
	r.Key = newKey(r)
	return r
}

func newKey(r driver.Record) driver.Key {
	k := driver.KeyOf(r.UserID, r.SID)
	rand.Read(k.Hash[:])
	return k
}

func create(t *testing.T, s driver.Store, r driver.Record) driver.Record {
	t.Helper()
	ended, err := s.Create(t.Context(), r, driver.Limit{Now: r.CreatedAt, Bound: r.CreatedAt, Max: 20})
	if err != nil || len(ended) > 0 {
		t.Fatalf("Create = %v, %v; want none, nil", ended, err)
	}
	return r
}

// peek loads without a touch.
func peek(t *testing.T, s driver.Store, k driver.Key, now time.Time) (driver.Record, error) {
	t.Helper()
	return s.Load(t.Context(), k, driver.Touch{Now: now, Fresh: true})
}

func wantLive(t *testing.T, s driver.Store, k driver.Key, now time.Time) driver.Record {
	t.Helper()
	r, err := peek(t, s, k, now)
	if err != nil {
		t.Fatalf("Load = %v; the record must be live", err)
	}
	return r
}

func wantLoad(t *testing.T, s driver.Store, k driver.Key, now time.Time, want ...error) {
	t.Helper()
	_, err := peek(t, s, k, now)
	wantError(t, "Load", err, want...)
}

// wantError wants one of the errors.
func wantError(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Fatalf("%s = %v, want one of %v", what, err, want)
}

func del(t *testing.T, s driver.Store, sel driver.Selector) []driver.Ended {
	t.Helper()
	if sel.Now.IsZero() {
		sel.Now = start
	}
	sel.MarkUntil = sel.Now.Add(24 * time.Hour)
	ended, err := s.Delete(t.Context(), sel)
	if err != nil {
		t.Fatalf("Delete = %v", err)
	}
	return ended
}
