// Package sessiontest tests implementations of session.Store: every sentence of
// the contract is a subtest, and the races that other session libraries lose are
// run through a session.Manager hundreds of times.
//
//	func TestStore(t *testing.T) {
//		sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
//			return sessiontest.Harness{Store: mystore.New(…)}
//		})
//	}
//
// A store that is a session.Replay, Outbox or Sweeper too is tested as one.
// [Model] compares a store with a simple model under random operations.
package sessiontest

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session"
)

// Harness is a store under test.
type Harness struct {
	// Store is empty and nobody else's.
	Store session.Store
	// Again is the same data through another client, as a second process has it.
	// Defaults to Store.
	Again session.Store
	// Sibling is another empty store in the same database, by a prefix of its own.
	// Without one its subtest is skipped.
	Sibling session.Store
	// Rounds is how often each race is run. Defaults to 300.
	Rounds int
}

// Run tests the store that open makes for each subtest.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	groups := map[string]map[string]func(*testing.T, Harness){
		"create": createTests, "load": loadTests, "replace": replaceTests, "delete": deleteTests,
		"list": listTests, "values": valueTests, "replay": replayTests, "outbox": outboxTests,
		"sweep": sweepTests, "races": raceTests,
	}
	for group, tests := range groups {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h := open(t)
					if h.Again == nil {
						h.Again = h.Store
					}
					if h.Rounds == 0 {
						h.Rounds = 300
					}
					test(t, h)
				})
			}
		})
	}
}

// start is a time like any other. Stores get all times from their caller.
var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// newRecord is a live record that ends an hour after at when idle.
func newRecord(userID string, at time.Time) session.Record {
	r := session.Record{
		Key: newKey(userID), ID: rand.Text(), UserID: userID, SID: "sid-" + rand.Text(), Version: 1,
		CreatedAt: at, RotatedAt: at, LastSeen: at, IdleAt: at.Add(time.Hour), ExpiresAt: at.Add(24 * time.Hour),
		Methods: []session.Method{{Name: "pwd", At: at}, {Name: "otp", At: at.Add(-time.Minute)}},
		Device:  session.Device{UserAgent: "Mozilla/5.0", IP: "192.0.2.7"},
		Payload: []byte("sealed " + userID),
	}
	rand.Read(r.CSRF[:])
	return r
}

func newKey(userID string) session.Key {
	k := session.Key{Tag: session.Tag(userID)}
	rand.Read(k.Hash[:])
	return k
}

func create(t *testing.T, s session.Store, r session.Record) session.Record {
	t.Helper()
	ended, err := s.Create(t.Context(), r, session.Limit{Now: r.CreatedAt, Max: 20})
	if err != nil || len(ended) > 0 {
		t.Fatalf("Create = %v, %v; want none, nil", ended, err)
	}
	return r
}

// peek loads without a touch.
func peek(t *testing.T, s session.Store, k session.Key, now time.Time) (session.Record, error) {
	t.Helper()
	return s.Load(t.Context(), k, session.Touch{Now: now, Fresh: true})
}

func wantLive(t *testing.T, s session.Store, k session.Key, now time.Time) session.Record {
	t.Helper()
	r, err := peek(t, s, k, now)
	if err != nil {
		t.Fatalf("Load = %v; the record must be live", err)
	}
	return r
}

func wantLoad(t *testing.T, s session.Store, k session.Key, now time.Time, want ...error) {
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

func del(t *testing.T, s session.Store, sel session.Selector) []session.Ended {
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
