package sessiontest

import (
	"reflect"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

var loadTests = map[string]func(*testing.T, Harness){
	"returns what was created":               testLoadReturns,
	"answers ErrNone and creates nothing":    testLoadMissing,
	"moves LastSeen when it is due":          testTouch,
	"leaves LastSeen when it is not due":     testNoTouch,
	"ends at the idle deadline to the milli": testIdleBoundary,
	"ends at the absolute deadline":          testAbsoluteBoundary,
	"does not revive what has expired":       testExpiredTouch,
	"tells whose revoked session it was":     testRevokedRecord,
}

func testLoadReturns(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	if got := wantLive(t, h.Again, r.Key, start); !reflect.DeepEqual(got, r) {
		t.Fatalf("Load =\n%+v, want\n%+v", got, r)
	}
	bare := newRecord("u2", start)
	bare = withSID(bare, "")
	bare.Methods, bare.Device, bare.Payload = nil, driver.Device{}, nil
	create(t, h.Store, bare)
	if got := wantLive(t, h.Again, bare.Key, start); !reflect.DeepEqual(got, bare) {
		t.Fatalf("Load =\n%+v, want\n%+v", got, bare)
	}
}

func testLoadMissing(t *testing.T, h Harness) {
	k := newKey(driver.Record{UserID: "u1"})
	touch := driver.Touch{Now: start, IfBefore: start.Add(time.Hour), IdleAt: start.Add(time.Hour)}
	for range 2 {
		_, err := h.Store.Load(t.Context(), k, touch)
		wantError(t, "Load", err, driver.ErrNone)
	}
}

func testTouch(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	now := start.Add(30 * time.Minute)
	got, err := h.Store.Load(t.Context(), r.Key, driver.Touch{Now: now, IfBefore: start.Add(time.Millisecond), IdleAt: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	r.LastSeen, r.IdleAt = now, now.Add(time.Hour)
	if !reflect.DeepEqual(got, r) {
		t.Fatalf("Load =\n%+v, want\n%+v", got, r)
	}
	later := start.Add(80 * time.Minute) // past the first deadline, not the second
	if got := wantLive(t, h.Again, r.Key, later); !reflect.DeepEqual(got, r) {
		t.Fatalf("Load afterwards =\n%+v, want\n%+v", got, r)
	}
}

func testNoTouch(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	now := start.Add(30 * time.Minute)
	got, err := h.Store.Load(t.Context(), r.Key, driver.Touch{Now: now, IfBefore: start, IdleAt: now.Add(time.Hour)})
	if err != nil || !got.LastSeen.Equal(start) {
		t.Fatalf("LastSeen = %v, %v; it is not before IfBefore", got.LastSeen, err)
	}
	wantLoad(t, h.Again, r.Key, start.Add(61*time.Minute), driver.ErrExpired, driver.ErrNone)
}

func testIdleBoundary(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	wantLive(t, h.Store, r.Key, r.IdleAt.Add(-time.Millisecond))
	got, err := peek(t, h.Store, r.Key, r.IdleAt)
	wantError(t, "Load", err, driver.ErrExpired)
	if got.UserID != "u1" {
		t.Fatalf("an expired record has UserID %q", got.UserID)
	}
}

func testAbsoluteBoundary(t *testing.T, h Harness) {
	r := newRecord("u1", start)
	r.ExpiresAt = start.Add(10 * time.Minute) // the identity provider's session_expiry
	create(t, h.Store, r)
	wantLive(t, h.Store, r.Key, r.ExpiresAt.Add(-time.Millisecond))
	wantLoad(t, h.Store, r.Key, r.ExpiresAt, driver.ErrExpired)
}

func testExpiredTouch(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	late := r.IdleAt.Add(time.Second)
	for range 2 {
		_, err := h.Store.Load(t.Context(), r.Key, driver.Touch{Now: late, IfBefore: late, IdleAt: late.Add(time.Hour)})
		wantError(t, "Load", err, driver.ErrExpired, driver.ErrNone)
	}
}

func testRevokedRecord(t *testing.T, h Harness) {
	r := create(t, h.Store, newRecord("u1", start))
	del(t, h.Store, driver.Selector{Form: driver.SelectKey, Key: r.Key})
	touch := driver.Touch{Now: start, IfBefore: start.Add(time.Hour), IdleAt: start.Add(2 * time.Hour)}
	for range 2 {
		got, err := h.Again.Load(t.Context(), r.Key, touch)
		wantError(t, "Load", err, driver.ErrRevoked)
		if got.ID != r.ID || got.UserID != "u1" || got.Payload != nil {
			t.Fatalf("a revoked record is %+v; want ID and UserID, and no Payload", got)
		}
	}
	wantLoad(t, h.Again, r.Key, r.ExpiresAt, driver.ErrRevoked, driver.ErrNone)
}
