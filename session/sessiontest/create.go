package sessiontest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

var createTests = map[string]func(*testing.T, Harness){
	"evicts the oldest":                       testEvictOldest,
	"evicts the idlest":                       testEvictIdle,
	"refuses at the limit":                    testReject,
	"does not count what has ended":           testLimitCountsLive,
	"keeps the limit under concurrency":       testLimitConcurrent,
	"is refused by a mark on the user":        testUserMark,
	"is refused by a mark on everyone":        testEveryoneMark,
	"is refused by a mark on the SID for all": testSIDMark,
}

// fill makes n sessions, a minute apart.
func fill(t *testing.T, h Harness, userID string, n int) []driver.Record {
	t.Helper()
	var records []driver.Record
	for i := range n {
		records = append(records, create(t, h.Store, newRecord(userID, start.Add(time.Duration(i)*time.Minute))))
	}
	return records
}

func testEvictOldest(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 3)
	now := start.Add(5 * time.Minute)
	r := newRecord("u1", now)
	ended, err := h.Store.Create(t.Context(), r, driver.Limit{Now: now, Max: 2, Policy: driver.EvictOldest})
	if err != nil || !slices.Equal(ended, []driver.Ended{rs[0].Ended(), rs[1].Ended()}) {
		t.Fatalf("Create = %v, %v; want the two oldest", ended, err)
	}
	wantLoad(t, h.Again, rs[0].Key, now, driver.ErrRevoked)
	wantLoad(t, h.Again, rs[1].Key, now, driver.ErrRevoked)
	wantLive(t, h.Again, rs[2].Key, now)
	wantLive(t, h.Again, r.Key, now)
}

func testEvictIdle(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 3)
	now := start.Add(5 * time.Minute)
	touch := driver.Touch{Now: now, IfBefore: now, IdleAt: now.Add(time.Hour)}
	if _, err := h.Store.Load(t.Context(), rs[0].Key, touch); err != nil {
		t.Fatal(err)
	}
	r := newRecord("u1", now)
	ended, err := h.Store.Create(t.Context(), r, driver.Limit{Now: now, Max: 3, Policy: driver.EvictIdle})
	if err != nil || !slices.Equal(ended, []driver.Ended{rs[1].Ended()}) {
		t.Fatalf("Create = %v, %v; want the one that was not used", ended, err)
	}
	wantLive(t, h.Again, rs[0].Key, now)
	wantLoad(t, h.Again, rs[1].Key, now, driver.ErrRevoked)
}

func testReject(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 2)
	now := start.Add(5 * time.Minute)
	r := newRecord("u1", now)
	ended, err := h.Store.Create(t.Context(), r, driver.Limit{Now: now, Max: 2, Policy: driver.Reject})
	wantError(t, "Create", err, driver.ErrLimit)
	if len(ended) > 0 {
		t.Fatalf("a refused Create ended %v", ended)
	}
	wantLoad(t, h.Again, r.Key, now, driver.ErrNone)
	wantLive(t, h.Again, rs[0].Key, now)
	create(t, h.Store, newRecord("u2", now)) // another user's limit is another
}

func testLimitCountsLive(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 3)
	del(t, h.Store, driver.Selector{Key: &rs[1].Key})
	now := start.Add(time.Hour) // the first is idle for an hour, the second revoked
	r := newRecord("u1", now)
	ended, err := h.Store.Create(t.Context(), r, driver.Limit{Now: now, Max: 2, Policy: driver.Reject})
	if err != nil || len(ended) > 0 {
		t.Fatalf("Create = %v, %v; one live session leaves room", ended, err)
	}
}

func testLimitConcurrent(t *testing.T, h Harness) {
	var wg sync.WaitGroup
	for i := range 24 {
		store, policy := h.Store, driver.AtLimit(i%3)
		if i%2 == 1 {
			store = h.Again
		}
		wg.Go(func() {
			l := driver.Limit{Now: start, Max: 3, Policy: policy}
			if _, err := store.Create(t.Context(), newRecord("u1", start), l); err != nil && !errors.Is(err, driver.ErrLimit) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := h.Store.List(t.Context(), "u1", start)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d live sessions, %v; want exactly the limit of 3", len(list), err)
	}
}

func testUserMark(t *testing.T, h Harness) {
	now := start.Add(10 * time.Minute)
	del(t, h.Store, driver.Selector{UserID: "u1", Now: now})
	old := newRecord("u1", now.Add(-time.Millisecond)) // authenticated before
	_, err := h.Again.Create(t.Context(), old, driver.Limit{Now: now, Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
	wantLoad(t, h.Store, old.Key, now, driver.ErrNone)
	create(t, h.Store, newRecord("u1", now))
	create(t, h.Store, newRecord("u2", now.Add(-time.Minute)))
}

func testEveryoneMark(t *testing.T, h Harness) {
	now := start.Add(10 * time.Minute)
	del(t, h.Store, driver.Selector{Everyone: true, Now: now})
	_, err := h.Again.Create(t.Context(), newRecord("u1", now.Add(-time.Millisecond)), driver.Limit{Now: now, Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
	r := create(t, h.Store, newRecord("u1", now))
	wantLive(t, h.Again, r.Key, now)
}

func testSIDMark(t *testing.T, h Harness) {
	del(t, h.Store, driver.Selector{SID: "sid1"})
	r := newRecord("u1", start.Add(time.Minute)) // later, and refused: a session at Auth0 does not come back
	r.SID = "sid1"
	_, err := h.Again.Create(t.Context(), r, driver.Limit{Now: r.CreatedAt, Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
	wantLoad(t, h.Store, r.Key, r.CreatedAt, driver.ErrNone, driver.ErrRevoked)
	list, err := h.Store.List(t.Context(), "u1", r.CreatedAt)
	if err != nil || len(list) > 0 {
		t.Fatalf("List = %v, %v; a refused session must not be there", list, err)
	}
	r = newRecord("u1", start)
	r.SID = "sid2"
	create(t, h.Store, r)
}
