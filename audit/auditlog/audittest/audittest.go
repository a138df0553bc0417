// Package audittest tests stores of audit logs. A store that passes Run does what
// package auditlog needs:
//
//	func TestStore(t *testing.T) {
//		audittest.Run(t, func(t *testing.T) audittest.Harness {
//			db := openDatabase(t) // empty
//			return audittest.Harness{Store: mystore.New(db), Again: mystore.New(db), Tamper: …}
//		})
//	}
package audittest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Harness is one empty store under test.
type Harness struct {
	Store driver.Store
	// Again is a second handle on the same data, as another process has. Defaults to
	// Store.
	Again driver.Store
	// Sibling is a store of other data in the same database, empty too. Without one
	// the case that needs it is skipped.
	Sibling driver.Store
	// Tamper changes data behind the store's back. Without it the cases that need it
	// are skipped.
	Tamper *Tamper
}

// Tamper is what somebody who can write to the tables does.
type Tamper struct {
	// Set changes a column of the event with this id: "type", "action", "reason",
	// "actor", "on_behalf_of", "target", "organization" or "correlation" to a string,
	// "at", "logged_at" to a time, "outcome" or "position" to an int, "leaf" to bytes.
	Set func(id, column string, value any) error
	// Delete removes an event's row.
	Delete func(id string) error
	// Insert adds a row in a new block, without a pending row.
	Insert func(e driver.Event) error
	// Swap exchanges the places in the log of two blocks, each known by its first
	// event.
	Swap func(id, other string) error
	// Cut removes the events from an index on, and their places in the log.
	Cut func(from uint64) error
}

// Run runs every case on a store of its own.
func Run(t *testing.T, open func(*testing.T) Harness) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"Append", testAppend},
		{"AppendNothingHalf", testAppendNothingHalf},
		{"AppendMany", testAppendMany},
		{"AppendConcurrently", testAppendConcurrently},
		{"Times", testTimes},
		{"State", testState},
		{"StateOrder", testStateOrder},
		{"Query", testQuery},
		{"QueryOrder", testQueryOrder},
		{"Lease", testLease},
		{"Seal", testSeal},
		{"SealNothingHalf", testSealNothingHalf},
		{"Unsealed", testUnsealed},
		{"Drop", testDrop},
		{"SealedFar", testSealedFar},
		{"Sibling", testSibling},
		{"Log", testLog},
		{"LogOfTwo", testLogOfTwo},
		{"Forget", testForget},
		{"Hold", testHold},
		{"Expiry", testExpiry},
		{"Columns", testColumns},
		{"Forked", testForked},
		{"OtherLog", testOtherLog},
		{"Report", testReport},
		{"Sums", testSums},
		{"Deliver", testDeliver},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			if h.Again == nil {
				h.Again = h.Store
			}
			c.run(t, h)
		})
	}
	runTamperings(t, open)
}

// noon has a fraction that stores must cut to the microsecond, which is kept.
var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	kept = time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)
)

// event is a full event, i seconds after noon.
func event(i int) driver.Event {
	return driver.Event{
		ID: fmt.Sprintf("id-%04d", i), At: noon.Add(time.Duration(i) * time.Second), Type: "session", Action: "session.create",
		Reason: "because", Outcome: audit.Failure, Actor: "user:p_A", OnBehalfOf: "user:p_B", Target: "user:p_C",
		Organization: "org_1", Correlation: "c-1", LoggedAt: noon.Add(time.Hour), Leaf: fmt.Appendf(nil, `{"n":%d,"text":"é\u0000'%%_\\"}`, i),
	}
}

func batch(events ...driver.Event) driver.Batch {
	b := driver.Batch{Events: events}
	for _, e := range events {
		h := sha256.Sum256(append([]byte{0}, e.Leaf...))
		b.Hashes = append(b.Hashes, h[:]...)
	}
	return b
}

// eventOf checks that a row is the event, as stores keep it.
func eventOf(t *testing.T, got driver.Row, want driver.Event) {
	t.Helper()
	want.At, want.LoggedAt = want.At.Truncate(time.Microsecond), want.LoggedAt.Truncate(time.Microsecond)
	same := got.At.Equal(want.At) && got.LoggedAt.Equal(want.LoggedAt) && bytes.Equal(got.Leaf, want.Leaf)
	if loc := got.At.Location(); loc != time.UTC {
		t.Errorf("At is in %v; want UTC", loc)
	}
	e := got.Event
	e.At, e.LoggedAt, e.Leaf, want.At, want.LoggedAt, want.Leaf = time.Time{}, time.Time{}, nil, time.Time{}, time.Time{}, nil
	if !same || fmt.Sprint(e) != fmt.Sprint(want) {
		t.Errorf("got %+v; want %+v", got.Event, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error, rule string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v; want %v", rule, err, want)
	}
}

func find(t *testing.T, s driver.Store, ids ...string) []driver.Row {
	t.Helper()
	rows, err := s.Find(t.Context(), ids)
	must(t, err)
	return rows
}

func record(t *testing.T, s driver.Store, kind, key string) (driver.Record, bool) {
	t.Helper()
	records, err := s.Get(t.Context(), kind, key)
	must(t, err)
	if len(records) == 0 {
		return driver.Record{}, false
	}
	return records[0], true
}

func idsOf(rows []driver.Row) []string {
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func wantIDs(t *testing.T, rows []driver.Row, rule string, ids ...string) {
	t.Helper()
	if got := idsOf(rows); fmt.Sprint(got) != fmt.Sprint(ids) {
		t.Errorf("%s: got %v; want %v", rule, got, ids)
	}
}
