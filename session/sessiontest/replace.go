package sessiontest

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

var replaceTests = map[string]func(*testing.T, Harness){
	"puts the new record there":               testReplace,
	"refuses another version":                 testReplaceVersion,
	"creates nothing":                         testReplaceMissing,
	"does not revive the revoked":             testReplaceRevoked,
	"does not revive the expired":             testReplaceExpired,
	"lets the old key work until its grace":   testGrace,
	"lets several old keys work in a row":     testGraceChain,
	"kills all old keys at once without one":  testNoGrace,
	"leaves no old key of a revoked session":  testNoGraceRevoked,
	"lets one of many win":                    testReplaceConcurrent,
	"keeps the place in the user's list":      testReplaceList,
	"keeps the session under its SID":         testReplaceSID,
	"refuses the old key of another's change": testReplaceOldKey,
}

// next is r after a change.
func next(r driver.Record, now time.Time) driver.Record {
	r.Version++
	r.LastSeen, r.IdleAt = now, now.Add(time.Hour)
	r.Payload = []byte("changed")
	return r
}

// rotate is r after a change, with another key.
func rotate(r driver.Record, now time.Time) driver.Record {
	r = next(r, now)
	r.Key, r.RotatedAt = newKey(r), now
	return r
}

func replace(t *testing.T, s driver.Store, k driver.Key, r driver.Record, g driver.Grace) driver.Record {
	t.Helper()
	if err := s.Replace(t.Context(), k, r, g); err != nil {
		t.Fatalf("Replace = %v", err)
	}
	return r
}

func testReplace(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	now := start.Add(time.Minute)
	r2 := next(r, now)
	r2.Methods = append([]driver.Method{{Name: "mfa", At: now}}, r.Methods...)
	r2.CSRF[0]++
	replace(t, h.Store, r.Key, r2, driver.Grace{Now: now})
	if got := wantLive(t, h.Again, r.Key, now); !reflect.DeepEqual(got, r2) {
		t.Fatalf("Load =\n%+v, want\n%+v", got, r2)
	}
}

func testReplaceVersion(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	r2 := replace(t, h.Store, r.Key, next(r, start), driver.Grace{Now: start})
	for _, version := range []int64{1, 2, 4, 5} {
		lost := r2
		lost.Version, lost.Payload = version, []byte("lost")
		wantError(t, "Replace", h.Again.Replace(t.Context(), r.Key, lost, driver.Grace{Now: start}), driver.ErrConflict)
	}
	if got := wantLive(t, h.Store, r.Key, start); string(got.Payload) != "changed" {
		t.Fatalf("Payload = %q", got.Payload)
	}
}

func testReplaceMissing(t *testing.T, h Harness) {
	r := newRecord("u1", start)
	wantError(t, "Replace", h.Store.Replace(t.Context(), r.Key, next(r, start), driver.Grace{Now: start}), driver.ErrNone)
	wantLoad(t, h.Store, r.Key, start, driver.ErrNone)
}

func testReplaceRevoked(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: r.Key})
	for _, r2 := range []driver.Record{next(r, start), rotate(r, start)} {
		err := h.Again.Replace(t.Context(), r.Key, r2, driver.Grace{Now: start, Until: start.Add(time.Minute)})
		wantError(t, "Replace", err, driver.ErrRevoked)
		wantLoad(t, h.Store, r2.Key, start, driver.ErrRevoked, driver.ErrNone)
	}
}

func testReplaceExpired(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	r2 := next(r, r.IdleAt)
	err := h.Store.Replace(t.Context(), r.Key, r2, driver.Grace{Now: r.IdleAt})
	wantError(t, "Replace", err, driver.ErrExpired, driver.ErrNone)
	wantLoad(t, h.Store, r.Key, r.IdleAt, driver.ErrExpired, driver.ErrNone)
}

func testGrace(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	until := start.Add(10 * time.Second)
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: until})
	for _, k := range []driver.Key{r.Key, r2.Key} {
		if got := wantLive(t, h.Again, k, until.Add(-time.Millisecond)); !reflect.DeepEqual(got, r2) {
			t.Fatalf("Load =\n%+v, want\n%+v", got, r2)
		}
	}
	wantReplaced(t, h.Again, r, until)
	wantLive(t, h.Again, r2.Key, until)
}

func testGraceChain(t *testing.T, h Harness) {
	a := create(t, h.Store, newRecord("u1", start))
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	b := replace(t, h.Store, a.Key, rotate(a, at(0)), driver.Grace{Now: at(0), Until: at(10)})
	c := replace(t, h.Store, b.Key, rotate(b, at(5)), driver.Grace{Now: at(5), Until: at(15)})
	for _, k := range []driver.Key{a.Key, b.Key, c.Key} {
		if got := wantLive(t, h.Again, k, at(9)); got.Key != c.Key {
			t.Fatal("an old key must lead to the newest record")
		}
	}
	wantLoad(t, h.Again, a.Key, at(10), driver.ErrReplaced)
	wantLive(t, h.Again, b.Key, at(10))
	wantLoad(t, h.Again, b.Key, at(15), driver.ErrReplaced)
}

func testNoGrace(t *testing.T, h Harness) {
	a := create(t, h.Store, newRecord("u1", start))
	b := replace(t, h.Store, a.Key, rotate(a, start), driver.Grace{Now: start, Until: start.Add(10 * time.Second)})
	c := replace(t, h.Store, b.Key, rotate(b, start), driver.Grace{Now: start})
	wantReplaced(t, h.Again, a, start)
	wantReplaced(t, h.Again, b, start)
	wantLive(t, h.Again, c.Key, start)
	for _, k := range []driver.Key{a.Key, b.Key} {
		err := h.Again.Replace(t.Context(), k, rotate(c, start), driver.Grace{Now: start})
		wantError(t, "Replace", err, driver.ErrReplaced)
	}
}

// testNoGraceRevoked: an old key whose session has ended leads nowhere that its client
// could still arrive at.
func testNoGraceRevoked(t *testing.T, h Harness) {
	ends := map[string]func(driver.Record) driver.Selector{
		"one": func(r driver.Record) driver.Selector {
			return driver.Selector{Form: driver.SelectOne, UserID: r.UserID, ID: r.ID}
		},
		"key": func(r driver.Record) driver.Selector { return driver.Selector{Form: driver.SelectKey, Key: r.Key} },
		"user": func(r driver.Record) driver.Selector {
			return driver.Selector{Form: driver.SelectUser, UserID: r.UserID}
		},
		"sid": func(r driver.Record) driver.Selector { return driver.Selector{Form: driver.SelectSID, SID: r.SID} },
		"others": func(r driver.Record) driver.Selector {
			other := create(t, h.Store, newRecord(r.UserID, start))
			return driver.Selector{Form: driver.SelectOthers, UserID: r.UserID, ID: other.ID, Key: other.Key}
		},
		"everyone": func(driver.Record) driver.Selector { return driver.Selector{Form: driver.SelectEveryone} },
	}
	for _, name := range slices.Sorted(maps.Keys(ends)) { // everyone before others, whose sessions begin afterwards
		sel := ends[name]
		a := create(t, h.Store, newRecord("u-"+name, start))
		b := replace(t, h.Store, a.Key, rotate(a, start), driver.Grace{Now: start, Until: start.Add(time.Second)})
		c := replace(t, h.Store, b.Key, rotate(b, start), driver.Grace{Now: start})
		wantReplaced(t, h.Again, a, start)
		del(t, h.Store, sel(c))
		for _, k := range []driver.Key{a.Key, b.Key, c.Key} {
			wantLoad(t, h.Again, k, start.Add(time.Minute), driver.ErrRevoked)
			err := h.Again.Replace(t.Context(), k, rotate(c, start), driver.Grace{Now: start})
			wantError(t, "Replace", err, driver.ErrRevoked)
		}
	}
	a := create(t, h.Store, newRecord("u-login", start))
	b := replace(t, h.Store, a.Key, rotate(a, start), driver.Grace{Now: start})
	del(t, h.Store, driver.Selector{Form: driver.SelectSuperseded, Key: b.Key, Now: start})
	wantReplaced(t, h.Again, a, start) // its client has another session
}

// wantReplaced wants that the key of r stopped working at that time.
func wantReplaced(t *testing.T, s driver.Store, r driver.Record, at time.Time) {
	t.Helper()
	for _, now := range []time.Time{at, at.Add(time.Minute)} {
		got, err := peek(t, s, r.Key, now)
		wantError(t, "Load", err, driver.ErrReplaced)
		if got.ID != r.ID || got.UserID != r.UserID || !got.RotatedAt.Equal(at) || got.Payload != nil {
			t.Fatalf("Load = %+v; want whose it was and that it was replaced at %v", got, at)
		}
	}
}

func testReplaceConcurrent(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	var wg sync.WaitGroup
	var won atomic.Int32
	for i := range 16 {
		store, r2 := h.Store, rotate(r, start)
		if i%2 == 1 {
			store = h.Again
		}
		wg.Go(func() {
			switch err := store.Replace(t.Context(), r.Key, r2, driver.Grace{Now: start}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, driver.ErrConflict) && !errors.Is(err, driver.ErrReplaced):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d of 16 won, want one", won.Load())
	}
}

func testReplaceList(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	second := create(t, h.Store, newRecord("u1", start.Add(time.Minute)))
	r2 := replace(t, h.Store, r.Key, rotate(r, start.Add(time.Hour/2)), driver.Grace{Now: start, Until: start.Add(time.Second)})
	list, err := h.Again.List(t.Context(), "u1", start)
	if err != nil || len(list) != 2 || list[0].Key != r2.Key || list[1].Key != second.Key {
		t.Fatalf("List = %+v, %v", list, err)
	}
}

func testReplaceSID(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: start.Add(time.Minute)})
	if ended := del(t, h.Again, driver.Selector{Form: driver.SelectSID, SID: r.SID}); len(ended) != 1 || ended[0] != r.Ended() {
		t.Fatalf("Delete = %v", ended)
	}
	wantLoad(t, h.Store, r.Key, start, driver.ErrRevoked)
	wantLoad(t, h.Store, r2.Key, start, driver.ErrRevoked)
}

func testReplaceOldKey(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	r2 := replace(t, h.Store, r.Key, rotate(r, start), driver.Grace{Now: start, Until: start.Add(time.Minute)})
	err := h.Again.Replace(t.Context(), r.Key, rotate(r2, start), driver.Grace{Now: start})
	wantError(t, "Replace", err, driver.ErrConflict)
	wantLive(t, h.Store, r2.Key, start)
}
