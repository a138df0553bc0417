package guardiantest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
)

var recordTests = map[string]func(*testing.T, Harness){
	"Load of nothing is ErrNoRecord":            testNoRecord,
	"Load returns what was saved":               testRoundTrip,
	"Save with old zero makes no second record": testCreateOnce,
	"Save with another version is ErrConflict":  testVersion,
	"Save keeps no reference to Data":           testNoAliasing,
	"keys differ in all parts":                  testKeys,
	"Forget removes all of a subject alone":     testForget,
	"Sweep removes what is over":                testSweep,
	"stores side by side":                       testSibling,
	"a context that has ended is an error":      testContext,
}

func want(t *testing.T, s driver.Store, r driver.Record) {
	t.Helper()
	got, err := s.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if got.Key != r.Key || got.Version != r.Version || !got.Until.Equal(r.Until) || !bytes.Equal(got.Data, r.Data) {
		t.Fatalf("Load = %+v, want %+v", got, r)
	}
	if got.Until.Location() != time.UTC && !got.Until.IsZero() {
		t.Errorf("Until is in %s, want UTC", got.Until.Location())
	}
}

func wantNone(t *testing.T, s driver.Store, k driver.Key) {
	t.Helper()
	if r, err := s.Load(t.Context(), k); !errors.Is(err, driver.ErrNoRecord) {
		t.Fatalf("Load = %+v, %v; want ErrNoRecord", r, err)
	}
}

func testNoRecord(t *testing.T, h Harness) {
	wantNone(t, h.Store, key())
	if err := h.Store.Forget(t.Context(), user); err != nil {
		t.Errorf("Forget of nothing: %v", err)
	}
	sweep(t, h.Store, start, 0)
}

func testRoundTrip(t *testing.T, h Harness) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	subjects := []string{user, "google-oauth2|1", "address 192.0.2.1", "address 2001:db8::/64", "samlp|Ünï|'\"%_\\", strings.Repeat("x", 255)}
	for i, subject := range subjects {
		r := driver.Record{Key: driver.Key{Subject: subject, Kind: driver.KindTOTP}, Version: 1 << (i * 10), Data: all}
		if i%2 == 1 {
			r.Until = start.Add(time.Duration(i) * time.Millisecond)
		}
		save(t, h.Store, r, 0)
		want(t, h.Again, r)
	}
	large := driver.Record{Key: key(), Version: 2, Data: bytes.Repeat(all, 40)}
	save(t, h.Again, large, 1)
	want(t, h.Store, large)
}

func testCreateOnce(t *testing.T, h Harness) {
	first := driver.Record{Key: key(), Version: 7, Data: []byte("first")}
	save(t, h.Store, first, 0)
	second := driver.Record{Key: key(), Version: 9, Data: []byte("second")}
	if err := h.Again.Save(t.Context(), second, 0); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict", err)
	}
	want(t, h.Again, first)
}

func testVersion(t *testing.T, h Harness) {
	r := driver.Record{Key: key(), Version: 7, Data: []byte("first")}
	if err := h.Store.Save(t.Context(), r, 6); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("Save of a record that is not there = %v, want ErrConflict", err)
	}
	wantNone(t, h.Again, key())
	save(t, h.Store, r, 0)
	next := driver.Record{Key: key(), Version: 8, Data: []byte("next"), Until: start}
	for _, old := range []int64{6, 8, -1} {
		if err := h.Again.Save(t.Context(), next, old); !errors.Is(err, driver.ErrConflict) {
			t.Errorf("Save with the version %d = %v, want ErrConflict", old, err)
		}
	}
	want(t, h.Store, r)
	save(t, h.Again, next, 7)
	want(t, h.Store, next)
	if err := h.Store.Save(t.Context(), next, 7); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("the same Save again = %v, want ErrConflict", err)
	}
	next.Version, next.Until = 9, time.Time{} // Kept for ever again.
	save(t, h.Store, next, 8)
	want(t, h.Again, next)
}

func testNoAliasing(t *testing.T, h Harness) {
	data := []byte("data")
	r := driver.Record{Key: key(), Version: 1, Data: data}
	save(t, h.Store, r, 0)
	data[0] = 'X'
	got, err := h.Store.Load(t.Context(), key())
	if err != nil {
		t.Fatal(err)
	}
	got.Data[1] = 'X'
	r.Data = []byte("data")
	want(t, h.Store, r)
}

func testKeys(t *testing.T, h Harness) {
	keys := []driver.Key{
		{Subject: user, Kind: driver.KindTOTP}, {Subject: user, Kind: driver.KindRecovery},
		{Subject: user, Kind: driver.KindAttempts, Factor: string(guardian.LocalTOTP)}, {Subject: user, Kind: driver.KindAttempts, Factor: string(guardian.OTP)},
		{Subject: strings.ToUpper(user), Kind: driver.KindTOTP}, {Subject: user + " ", Kind: driver.KindTOTP},
	}
	for i, k := range keys {
		save(t, h.Store, driver.Record{Key: k, Version: int64(i + 1), Data: []byte{byte(i)}}, 0)
	}
	for i, k := range keys {
		want(t, h.Again, driver.Record{Key: k, Version: int64(i + 1), Data: []byte{byte(i)}})
	}
}

func testForget(t *testing.T, h Harness) {
	other := driver.Record{Key: driver.Key{Subject: user + "3", Kind: driver.KindTOTP}, Version: 1, Data: []byte("other")}
	save(t, h.Store, other, 0)
	for _, kind := range []driver.Kind{driver.KindTOTP, driver.KindRecovery, driver.KindAttempts} {
		save(t, h.Store, driver.Record{Key: driver.Key{Subject: user, Kind: kind}, Version: 1, Data: []byte("x")}, 0)
	}
	for range 2 {
		if err := h.Again.Forget(t.Context(), user); err != nil {
			t.Fatalf("Forget: %v", err)
		}
	}
	for _, kind := range []driver.Kind{driver.KindTOTP, driver.KindRecovery, driver.KindAttempts} {
		wantNone(t, h.Store, driver.Key{Subject: user, Kind: kind})
	}
	want(t, h.Store, other)
	if err := h.Store.Save(t.Context(), driver.Record{Key: key(), Version: 2, Data: []byte("x")}, 1); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("a Save brought a deleted record back: %v", err)
	}
}

func sweep(t *testing.T, s driver.Store, now time.Time, want int) {
	t.Helper()
	if n, err := s.Sweep(t.Context(), now); n != want || err != nil {
		t.Fatalf("Sweep = %d, %v; want %d", n, err, want)
	}
}

func testSweep(t *testing.T, h Harness) {
	record := func(kind driver.Kind, until time.Time) driver.Record {
		r := driver.Record{Key: driver.Key{Subject: user, Kind: kind}, Version: 1, Until: until, Data: []byte("x")}
		save(t, h.Store, r, 0)
		return r
	}
	over, later, always := record("a", start), record("b", start.Add(time.Millisecond)), record("c", time.Time{})
	sweep(t, h.Again, start.Add(-time.Millisecond), 0)
	want(t, h.Store, over)
	sweep(t, h.Again, start, 1)
	wantNone(t, h.Store, over.Key)
	want(t, h.Store, later)
	sweep(t, h.Store, start.Add(100*365*24*time.Hour), 1)
	wantNone(t, h.Again, later.Key)
	want(t, h.Again, always)
}

func testSibling(t *testing.T, h Harness) {
	if h.Sibling == nil {
		t.Skip("Harness.Sibling is nil")
	}
	r := driver.Record{Key: key(), Version: 1, Data: []byte("x")}
	save(t, h.Store, r, 0)
	wantNone(t, h.Sibling, key())
	if err := h.Sibling.Forget(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	want(t, h.Store, r)
}

func testContext(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Store.Load(ctx, key())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Load = %v", err)
	}
	if err := h.Store.Save(ctx, driver.Record{Key: key(), Version: 1, Data: []byte("x")}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Save = %v", err)
	}
	wantNone(t, h.Store, key())
}
