package audittest

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

func testAppend(t *testing.T, h Harness) {
	ctx := t.Context()
	full, bare := event(1), driver.Event{ID: "bare", At: noon, Type: "a", Action: "a.b", LoggedAt: noon, Leaf: []byte{0, 0xff, '\''}}
	b := batch(full, bare)
	b.Writes = []driver.Write{{Kind: "k", Key: "one", Value: []byte("v")}}
	must(t, h.Store.Append(ctx, b))

	rows := find(t, h.Again, full.ID, "missing")
	if len(rows) != 1 {
		t.Fatalf("Find returned %d rows; want the one that is there", len(rows))
	}
	eventOf(t, rows[0], full)
	if r := rows[0]; r.Sealed || r.Place.Block < 1 || r.Place.Position != 0 {
		t.Errorf("an event that was just appended is at %+v, sealed %v", r.Place, r.Sealed)
	}
	rows = find(t, h.Again, "bare")
	if len(rows) != 1 || rows[0].Place.Position != 1 {
		t.Fatalf("the second event of a batch: %+v", rows)
	}
	eventOf(t, rows[0], bare)
	if r, ok := record(t, h.Again, "k", "one"); !ok || string(r.Value) != "v" || r.Version != 1 {
		t.Errorf("the batch's write: %+v, %v", r, ok)
	}
	if n, since, err := h.Again.Backlog(ctx); n != 2 || err != nil || !since.Equal(kept.Add(time.Hour)) {
		t.Errorf("Backlog = %d, %v, %v; want 2 since LoggedAt", n, since, err)
	}
	if rows := find(t, h.Store); len(rows) != 0 {
		t.Errorf("Find of nothing returned %d rows", len(rows))
	}
}

func testAppendNothingHalf(t *testing.T, h Harness) {
	ctx := t.Context()
	first := batch(event(1))
	first.Writes = []driver.Write{{Kind: "k", Key: "a", Value: []byte("1")}}
	must(t, h.Store.Append(ctx, first))

	repeated := batch(event(2), event(1))
	repeated.Writes = []driver.Write{{Kind: "k", Key: "b", Value: []byte("1")}}
	wantError(t, h.Store.Append(ctx, repeated), driver.ErrExists, "an id that is there")
	wantError(t, h.Store.Append(ctx, batch(event(3), event(3))), driver.ErrExists, "an id twice in a batch")

	conflict := batch(event(4))
	conflict.Writes = []driver.Write{{Kind: "k", Key: "b", Value: []byte("1")}, {Kind: "k", Key: "a", Value: []byte("2"), Version: 7}}
	wantError(t, h.Store.Append(ctx, conflict), driver.ErrConflict, "a write with another version")
	conflict.Writes[1].Version = 0
	wantError(t, h.Store.Append(ctx, conflict), driver.ErrConflict, "a write of what must not be there")

	ended, cancel := context.WithCancel(ctx)
	cancel()
	if h.Store.Append(ended, batch(event(5))) == nil {
		t.Error("Append with an ended context returned nil")
	}
	if rows := find(t, h.Again, event(2).ID, event(3).ID, event(4).ID, event(5).ID); len(rows) != 0 {
		t.Errorf("events of batches that failed are there: %v", idsOf(rows))
	}
	if r, _ := record(t, h.Again, "k", "a"); string(r.Value) != "1" || r.Version != 1 {
		t.Errorf("a batch that failed wrote %+v", r)
	}
	if _, ok := record(t, h.Again, "k", "b"); ok {
		t.Error("a batch that failed made its other write")
	}
	if n, _, err := h.Store.Backlog(ctx); n != 1 || err != nil {
		t.Errorf("Backlog = %d, %v; want the one event", n, err)
	}
	blocks, err := h.Store.Pending(ctx, 10)
	must(t, err)
	if len(blocks) != 1 {
		t.Errorf("%d blocks are pending; want 1", len(blocks))
	}
}

func testAppendMany(t *testing.T, h Harness) {
	ctx := t.Context()
	events := make([]driver.Event, driver.MaxBatch)
	for i := range events {
		events[i] = event(i)
	}
	big := event(driver.MaxBatch)
	big.Leaf = bytes.Repeat([]byte("x"), 64<<10)
	big.Actor, big.ID = "user:"+strings.Repeat("é", 120), strings.Repeat("i", audit.MaxID)
	must(t, h.Store.Append(ctx, batch(events...)))
	must(t, h.Store.Append(ctx, batch(big)))

	rows, err := h.Again.Query(ctx, driver.Filter{}, len(events)+10)
	must(t, err)
	if len(rows) != len(events)+1 {
		t.Fatalf("%d rows; want %d", len(rows), len(events)+1)
	}
	eventOf(t, rows[len(events)-1], events[len(events)-1])
	eventOf(t, rows[len(events)], big)
	if p := rows[len(events)-1].Place.Position; p != len(events)-1 {
		t.Errorf("the last event of the batch is at position %d", p)
	}
}

func testAppendConcurrently(t *testing.T, h Harness) {
	ctx := t.Context()
	const writers, each = 8, 12
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			s := []driver.Store{h.Store, h.Again}[w%2]
			for i := range each {
				if err := s.Append(ctx, batch(event(w*1000+2*i), event(w*1000+2*i+1))); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	wg.Wait()
	rows, err := h.Store.Query(ctx, driver.Filter{}, 1000)
	must(t, err)
	places := make(map[driver.Place]string)
	for _, r := range rows {
		if other, taken := places[r.Place]; taken {
			t.Errorf("%s and %s are both at %+v", r.ID, other, r.Place)
		}
		places[r.Place] = r.ID
	}
	if len(rows) != writers*each*2 {
		t.Errorf("%d rows; want %d", len(rows), writers*each*2)
	}
	blocks, err := h.Store.Pending(ctx, 10000)
	must(t, err)
	if len(blocks) != writers*each {
		t.Errorf("%d blocks; want %d", len(blocks), writers*each)
	}
}

// A store that rounds, or keeps local times, gives back what nobody sealed.
func testTimes(t *testing.T, h Harness) {
	ctx := t.Context()
	zone := time.FixedZone("far", 14*3600)
	for i, at := range []time.Time{
		noon, noon.In(zone), time.Date(1970, 1, 1, 0, 0, 0, 999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(2026, 3, 29, 1, 59, 59, 999999999, time.UTC), time.Date(2024, 2, 29, 0, 0, 0, 999999500, zone),
	} {
		e := event(i)
		e.At, e.LoggedAt = at, at
		must(t, h.Store.Append(ctx, batch(e)))
		rows := find(t, h.Again, e.ID)
		if len(rows) != 1 {
			t.Fatalf("%v: %d rows", at, len(rows))
		}
		if want := at.UTC().Truncate(time.Microsecond); !rows[0].At.Equal(want) || !rows[0].LoggedAt.Equal(want) {
			t.Errorf("%v came back as %v and %v; want %v", at, rows[0].At, rows[0].LoggedAt, want)
		}
	}
	rows, err := h.Store.Query(ctx, driver.Filter{From: kept, To: kept.Add(time.Microsecond)}, 10)
	must(t, err)
	wantIDs(t, rows, "a period of one microsecond", "id-0000", "id-0001")
}
