package sessiontest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

var forgetTests = map[string]func(*testing.T, Harness){
	"removes all records of a user alone": testForget,
	"removes the mark on the user":        testForgetMark,
	"leaves no user id behind":            testForgetNames,
	"wins over what is under way":         testForgetRace,
	"lets a SID be deleted afterwards":    testForgetSID,
}

func forget(t *testing.T, s driver.Store, userID string) {
	t.Helper()
	if err := s.Forget(t.Context(), userID); err != nil {
		t.Fatalf("Forget = %v", err)
	}
}

func testForget(t *testing.T, h Harness) {
	rs := fill(t, h, "u1", 3)
	renewed := replace(t, h.Store, rs[0].Key, rotate(rs[0], start), driver.Grace{Now: start, Until: start.Add(time.Hour)})
	other := create(t, h.Store, newRecord("u2", start))
	for range 2 {
		forget(t, h.Again, "u1")
	}
	now := start.Add(5 * time.Minute)
	for _, r := range append(rs, renewed) {
		wantLoad(t, h.Store, r.Key, now, driver.ErrNone, driver.ErrRevoked)
		err := h.Store.Replace(t.Context(), r.Key, next(r, now), driver.Grace{Now: now})
		wantError(t, "Replace", err, driver.ErrNone, driver.ErrRevoked)
	}
	if list, err := h.Store.List(t.Context(), "u1", now); err != nil || len(list) > 0 {
		t.Fatalf("List = %v, %v", list, err)
	}
	wantLive(t, h.Store, other.Key, now)
	create(t, h.Store, newRecord("u1", now)) // as a new user
}

func testForgetMark(t *testing.T, h Harness) {
	now := start.Add(10 * time.Minute)
	del(t, h.Store, driver.Selector{Form: driver.SelectUser, UserID: "u1", Now: now})
	del(t, h.Store, driver.Selector{Form: driver.SelectUser, UserID: "u2", Now: now})
	forget(t, h.Again, "u1")
	create(t, h.Store, newRecord("u1", now.Add(-time.Minute)))
	_, err := h.Store.Create(t.Context(), newRecord("u2", now), driver.Limit{Now: now, Bound: now.Add(-time.Minute), Max: 20})
	wantError(t, "Create", err, driver.ErrRevoked)
}

func testForgetNames(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	forget(t, h.Store, "u1")
	got, err := peek(t, h.Again, r.Key, start)
	wantError(t, "Load", err, driver.ErrNone, driver.ErrRevoked)
	if got.UserID != "" || got.Device != (driver.Device{}) {
		t.Fatalf("Load still names %q", got.UserID)
	}
}

func testForgetRace(t *testing.T, h Harness) {
	for range h.Rounds / 10 {
		r := create(t, h.Store, newRecord("u1", start))
		renewed := rotate(r, start)
		var wg sync.WaitGroup
		wg.Go(func() {
			g := driver.Grace{Now: start, Until: start.Add(time.Minute)}
			err := h.Store.Replace(t.Context(), r.Key, renewed, g)
			if err != nil && !errors.Is(err, driver.ErrNone) && !errors.Is(err, driver.ErrRevoked) {
				t.Errorf("Replace = %v", err)
			}
		})
		wg.Go(func() {
			if err := h.Again.Forget(t.Context(), "u1"); err != nil {
				t.Errorf("Forget = %v", err)
			}
		})
		wg.Wait()
		for _, k := range []driver.Key{r.Key, renewed.Key} {
			wantLoad(t, h.Store, k, start, driver.ErrNone, driver.ErrRevoked)
		}
	}
}

func testForgetSID(t *testing.T, h Harness) {
	a, b := newRecord("u1", start), newRecord("u2", start)
	a, b = withSID(a, "shared"), withSID(b, "shared")
	create(t, h.Store, a)
	create(t, h.Store, b)
	forget(t, h.Store, "u1")
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectSID, SID: "shared"}); len(ended) != 1 || ended[0].UserID != "u2" {
		t.Fatalf("Delete = %v, want the session of u2 alone", ended)
	}
}
