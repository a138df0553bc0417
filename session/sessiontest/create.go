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
	"is refused by a mark on the SID":         testSIDMark,
	"is refused by a mark when it is unknown": testUnknownBound,
	"is refused by the latest of all marks":   testMarksGrow,
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
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: rs[1].Key})
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
	del(t, h.Store, driver.Selector{Form: driver.SelectUser, UserID: "u1", Now: now})
	old := newRecord("u1", now.Add(-time.Millisecond)) // authenticated before
	_, err := h.Again.Create(t.Context(), old, driver.Limit{Now: now, Bound: old.CreatedAt, Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
	wantLoad(t, h.Store, old.Key, now, driver.ErrNone)
	create(t, h.Store, newRecord("u1", now))
	create(t, h.Store, newRecord("u2", now.Add(-time.Minute)))
}

func testEveryoneMark(t *testing.T, h Harness) {
	now := start.Add(10 * time.Minute)
	del(t, h.Store, driver.Selector{Form: driver.SelectEveryone, Now: now})
	_, err := h.Again.Create(t.Context(), newRecord("u1", now), driver.Limit{Now: now, Bound: now.Add(-time.Millisecond), Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
	r := create(t, h.Store, newRecord("u1", now))
	wantLive(t, h.Again, r.Key, now)
}

func testSIDMark(t *testing.T, h Harness) {
	now := start.Add(10 * time.Minute)
	del(t, h.Store, driver.Selector{Form: driver.SelectSID, SID: "sid1", Now: now})
	r := newRecord("u1", now)
	r = withSID(r, "sid1")
	_, err := h.Again.Create(t.Context(), r, driver.Limit{Now: now, Bound: now.Add(-time.Millisecond), Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
	wantLoad(t, h.Store, r.Key, now, driver.ErrNone, driver.ErrRevoked)
	list, err := h.Store.List(t.Context(), "u1", now)
	if err != nil || len(list) > 0 {
		t.Fatalf("List = %v, %v; a refused session must not be there", list, err)
	}
	again := newRecord("u1", now) // a password that was typed again, at a provider that keeps the SID
	again = withSID(again, "sid1")
	wantLive(t, h.Again, create(t, h.Store, again).Key, now)
	r = newRecord("u1", start)
	r = withSID(r, "sid2")
	create(t, h.Store, r)
}

func testUnknownBound(t *testing.T, h Harness) {
	for i, sel := range []driver.Selector{
		{Form: driver.SelectUser, UserID: "u1"}, {Form: driver.SelectSID, SID: "sid1"}, {Form: driver.SelectEveryone},
	} {
		r := newRecord("u2", start)
		if i < 2 {
			r.UserID = []string{"u1", "u3"}[i]
			r = withSID(r, []string{"", "sid1"}[i])
		}
		del(t, h.Store, sel)
		_, err := h.Again.Create(t.Context(), r, driver.Limit{Now: start, Max: 20})
		wantError(t, "Create", err, driver.ErrRevoked)
	}
}

// testMarksGrow: a clock that steps back takes nothing back.
func testMarksGrow(t *testing.T, h Harness) {
	late, early := start.Add(time.Hour), start
	for name, sel := range map[string]driver.Selector{
		"user": {Form: driver.SelectUser, UserID: "u1"}, "sid": {Form: driver.SelectSID, SID: "sid1"},
	} {
		for _, now := range []time.Time{late, early} {
			sel.Now = now
			del(t, h.Store, sel)
		}
		r := newRecord("u1", start)
		if name == "sid" {
			r = newRecord("u2", start)
			r = withSID(r, "sid1")
		}
		_, err := h.Again.Create(t.Context(), r, driver.Limit{Now: late, Bound: late.Add(-time.Millisecond), Max: 20})
		wantError(t, "Create after a mark on the "+name, err, driver.ErrRevoked)
	}
	for _, now := range []time.Time{late, early} {
		del(t, h.Again, driver.Selector{Form: driver.SelectEveryone, Now: now})
	}
	_, err := h.Store.Create(t.Context(), newRecord("u3", start), driver.Limit{Now: late, Bound: late.Add(-time.Millisecond), Max: 20})
	wantError(t, "Create after a mark on everyone", err, driver.ErrRevoked)
}
