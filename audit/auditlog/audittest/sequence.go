package audittest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

const ttl = time.Minute

func testLease(t *testing.T, h Harness) {
	ctx := t.Context()
	first, err := h.Store.Acquire(ctx, "one", ttl)
	must(t, err)
	if first.Holder != "one" || first.Fence < 1 {
		t.Errorf("the first lease is %+v", first)
	}
	again, err := h.Again.Acquire(ctx, "one", ttl)
	if again != first || err != nil {
		t.Errorf("extended: %+v, %v; want the same lease", again, err)
	}
	_, err = h.Again.Acquire(ctx, "two", ttl)
	wantError(t, err, driver.ErrLeased, "a lease of another holder")

	must(t, h.Store.Release(ctx, driver.Lease{Holder: "one", Fence: first.Fence - 1}))
	_, err = h.Again.Acquire(ctx, "two", ttl)
	wantError(t, err, driver.ErrLeased, "after releasing another fence")

	must(t, h.Store.Release(ctx, first))
	second, err := h.Again.Acquire(ctx, "two", ttl)
	must(t, err)
	if second.Fence <= first.Fence {
		t.Errorf("the fence went from %d to %d; it must grow", first.Fence, second.Fence)
	}
	must(t, h.Store.Release(ctx, first)) // is not there any more
	_, err = h.Store.Acquire(ctx, "one", ttl)
	wantError(t, err, driver.ErrLeased, "after releasing a lease that has passed on")

	// The end of a lease that lies more than 2 ttl ahead is of a clock that went back.
	third, err := h.Store.Acquire(ctx, "three", ttl/3)
	if err != nil || third.Fence <= second.Fence {
		t.Errorf("a lease with an end that cannot be: %+v, %v; want it to be free", third, err)
	}
	must(t, h.Store.Release(ctx, third))
	short, err := h.Store.Acquire(ctx, "four", time.Millisecond)
	must(t, err)
	fifth := taken(t, h.Again, "five")
	if fifth.Fence <= short.Fence {
		t.Errorf("after a lease has ended: fence %d after %d", fifth.Fence, short.Fence)
	}
}

// taken waits for a lease of a millisecond to end by the database's clock.
func taken(t *testing.T, s driver.Store, holder string) driver.Lease {
	t.Helper()
	for range 2000 {
		lease, err := s.Acquire(t.Context(), holder, time.Second)
		if err == nil {
			return lease
		}
		wantError(t, err, driver.ErrLeased, "a lease that has not ended yet")
		time.Sleep(time.Millisecond) // of the database's clock
	}
	t.Fatal("a lease of a millisecond did not end")
	return driver.Lease{}
}

func testSeal(t *testing.T, h Harness) {
	ctx := t.Context()
	one, two, three := batch(event(1), event(2)), batch(event(3)), batch(event(4), event(5))
	for _, b := range []driver.Batch{one, two, three} {
		must(t, h.Store.Append(ctx, b))
	}
	blocks, err := h.Again.Pending(ctx, 100)
	must(t, err)
	if len(blocks) != 3 || !bytes.Equal(blocks[0].Hashes, one.Hashes) || blocks[0].Count() != 2 || blocks[0].Number >= blocks[1].Number {
		t.Fatalf("Pending = %+v", blocks)
	}
	if some, err := h.Again.Pending(ctx, 3); len(some) != 2 || err != nil {
		t.Errorf("Pending(3) = %d blocks, %v; want the two that have 3 events", len(some), err)
	}
	if some, err := h.Again.Pending(ctx, 1); len(some) != 1 || err != nil {
		t.Errorf("Pending(1) = %d blocks, %v; want one, whatever it has", len(some), err)
	}
	lease, err := h.Store.Acquire(ctx, "me", ttl)
	must(t, err)
	// The order of blocks is the sequencer's choice.
	must(t, h.Store.Seal(ctx, lease, ttl, driver.Sealing{
		Placed: []driver.Placed{{First: 0, Block: blocks[2].Number, Count: 2}, {First: 2, Block: blocks[0].Number, Count: 2}},
		Writes: []driver.Write{{Kind: "tree", Key: "head", Value: []byte("4")}},
	}))
	rows, err := h.Again.Sealed(ctx, 0, 100)
	must(t, err)
	wantIDs(t, rows, "the sealed events in order", "id-0004", "id-0005", "id-0001", "id-0002")
	for i, r := range rows {
		if !r.Sealed || r.Index != uint64(i) {
			t.Errorf("row %d has the index %d, sealed %v", i, r.Index, r.Sealed)
		}
	}
	eventOf(t, rows[3], event(2))
	for from, want := range map[uint64][]string{1: {"id-0005", "id-0001"}, 2: {"id-0001", "id-0002"}, 3: {"id-0002"}, 4: {}, 99: {}} {
		rows, err := h.Again.Sealed(ctx, from, 2)
		must(t, err)
		wantIDs(t, rows, fmt.Sprintf("Sealed(%d, 2)", from), want...)
	}
	if r := find(t, h.Again, "id-0002")[0]; !r.Sealed || r.Index != 3 {
		t.Errorf("Find: %+v", r)
	}
	if rows, err := h.Again.Query(ctx, driver.Filter{Subject: "user:p_C"}, 3); err != nil || len(rows) != 3 || !rows[1].Sealed || rows[1].Index != 3 || rows[2].Sealed {
		t.Errorf("Query: %+v, %v", rows, err)
	}
	if r, ok := record(t, h.Again, "tree", "head"); !ok || string(r.Value) != "4" {
		t.Errorf("the write of the seal: %+v", r)
	}
	if n, _, err := h.Again.Backlog(ctx); n != 1 || err != nil {
		t.Errorf("Backlog = %d, %v; want 1", n, err)
	}
	left, err := h.Again.Pending(ctx, 100)
	must(t, err)
	if len(left) != 1 || left[0].Number != blocks[1].Number {
		t.Errorf("Pending after the seal: %+v", left)
	}
}

func testSealNothingHalf(t *testing.T, h Harness) {
	ctx := t.Context()
	for i := range 3 {
		must(t, h.Store.Append(ctx, batch(event(i))))
	}
	blocks, err := h.Store.Pending(ctx, 100)
	must(t, err)
	old, err := h.Store.Acquire(ctx, "old", ttl)
	must(t, err)
	must(t, h.Store.Release(ctx, old))
	lease, err := h.Again.Acquire(ctx, "new", ttl)
	must(t, err)

	seal := func(l driver.Lease, first uint64, block int64, writes ...driver.Write) error {
		return h.Store.Seal(ctx, l, ttl, driver.Sealing{Placed: []driver.Placed{{First: first, Block: block, Count: 1}}, Writes: writes})
	}
	head := driver.Write{Kind: "tree", Key: "head", Value: []byte("1")}
	must(t, seal(lease, 0, blocks[0].Number, head))
	tile := driver.Write{Kind: "tile", Key: "0", Value: []byte("x"), Version: driver.Any}
	wantError(t, seal(old, 1, blocks[1].Number, tile), driver.ErrFenced, "a lease that has passed on")
	wantError(t, seal(driver.Lease{Holder: "new", Fence: lease.Fence + 1}, 1, blocks[1].Number, tile), driver.ErrFenced, "another fence")
	wantError(t, seal(lease, 0, blocks[1].Number, tile), driver.ErrConflict, "a place that is taken")
	wantError(t, seal(lease, 1, blocks[0].Number, tile), driver.ErrConflict, "a block that is sealed")
	wantError(t, seal(lease, 1, blocks[1].Number, tile, head), driver.ErrConflict, "a head of another version")
	must(t, h.Again.Release(ctx, lease))
	wantError(t, seal(lease, 1, blocks[1].Number, tile), driver.ErrFenced, "a released lease")

	if _, ok := record(t, h.Again, "tile", "0"); ok {
		t.Error("a seal that failed made a write")
	}
	rows, err := h.Again.Sealed(ctx, 0, 10)
	must(t, err)
	wantIDs(t, rows, "after seals that failed", "id-0000")
	if left, err := h.Again.Pending(ctx, 10); len(left) != 2 || err != nil {
		t.Errorf("%d blocks are pending, %v; want 2", len(left), err)
	}
}

func testUnsealed(t *testing.T, h Harness) {
	ctx := t.Context()
	one, two := batch(event(1), event(2)), batch(event(3))
	must(t, h.Store.Append(ctx, one))
	must(t, h.Store.Append(ctx, two))
	rows, err := h.Again.Unsealed(ctx, driver.Place{}, 100)
	must(t, err)
	wantIDs(t, rows, "by place", "id-0001", "id-0002", "id-0003")
	for i, r := range rows {
		if want := append(one.Hashes, two.Hashes...)[32*i:][:32]; !bytes.Equal(r.Hash, want) || r.Sealed {
			t.Errorf("row %d: hash %x, want %x", i, r.Hash, want)
		}
	}
	rows, err = h.Again.Unsealed(ctx, rows[0].Place, 1)
	must(t, err)
	wantIDs(t, rows, "the next one", "id-0002")

	sealBlocks(t, h.Store, rows[0].Place.Block)
	rows, err = h.Again.Unsealed(ctx, driver.Place{}, 100)
	must(t, err)
	wantIDs(t, rows, "after a seal", "id-0003")
	if h.Tamper == nil {
		return
	}
	must(t, h.Tamper.Insert(event(9)))
	rows, err = h.Again.Unsealed(ctx, driver.Place{}, 100)
	must(t, err)
	wantIDs(t, rows, "with a stray row", "id-0003", "id-0009")
	if len(rows) == 2 && rows[1].Hash != nil {
		t.Error("a row without a pending row has a hash")
	}
}

// sealBlocks places blocks from index 0 on.
func sealBlocks(t *testing.T, s driver.Store, numbers ...int64) {
	t.Helper()
	lease, err := s.Acquire(t.Context(), "me", ttl)
	must(t, err)
	blocks, err := s.Pending(t.Context(), 1<<20)
	must(t, err)
	var sealing driver.Sealing
	var next uint64
	for _, number := range numbers {
		for _, b := range blocks {
			if b.Number == number {
				sealing.Placed = append(sealing.Placed, driver.Placed{First: next, Block: number, Count: b.Count()})
				next += uint64(b.Count())
			}
		}
	}
	must(t, s.Seal(t.Context(), lease, ttl, sealing))
}

func testDrop(t *testing.T, h Harness) {
	ctx := t.Context()
	month := func(m time.Month) time.Time { return time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC) }
	at := func(id string, when time.Time) driver.Event {
		e := event(0)
		e.ID, e.At = id, when
		return e
	}
	must(t, h.Store.Append(ctx, batch(
		at("jan", month(2).Add(-time.Microsecond)), at("feb1", month(2)), at("mar", month(3)), at("feb2", month(3).Add(-time.Microsecond)),
	)))
	must(t, h.Store.Append(ctx, batch(at("late", month(2)), at("unplaced", month(3)))))
	must(t, h.Store.Append(ctx, batch(at("waiting", month(2)))))
	blocks, err := h.Store.Pending(ctx, 100)
	must(t, err)
	sealBlocks(t, h.Store, blocks[0].Number, blocks[1].Number)

	sealed, unsealed, err := h.Again.Span(ctx, month(2), month(3))
	must(t, err)
	if fmt.Sprint(sealed) != "[{1 2} {3 5}]" || unsealed != 1 {
		t.Errorf("Span = %v, %d; want [{1 2} {3 5}], 1", sealed, unsealed)
	}
	must(t, h.Store.Drop(ctx, month(2), month(3), 4))
	if rows := find(t, h.Again, "jan", "feb1", "mar", "feb2", "late", "waiting", "unplaced"); len(rows) != 5 {
		t.Errorf("after Drop there are %v; want all but feb1 and feb2", idsOf(rows))
	}
	rows, err := h.Again.Sealed(ctx, 0, 100)
	must(t, err)
	wantIDs(t, rows, "gaps where events are gone", "jan", "mar", "late", "unplaced")
	must(t, h.Store.Drop(ctx, month(2), month(3), 4)) // again

	must(t, h.Store.Drop(ctx, month(1), month(2), 6)) // a whole month
	if rows := find(t, h.Again, "jan"); len(rows) != 0 {
		t.Error("January is there")
	}
	must(t, h.Store.Append(ctx, batch(at("feb1", month(1))))) // both are free again
	if rows := find(t, h.Again, "feb1"); len(rows) != 1 || !rows[0].At.Equal(month(1)) {
		t.Errorf("appended after Drop: %+v", rows)
	}
}

func testSibling(t *testing.T, h Harness) {
	if h.Sibling == nil {
		t.Skip("the harness has no Sibling")
	}
	ctx := t.Context()
	b := batch(event(1))
	b.Writes = []driver.Write{{Kind: "k", Key: "a", Value: []byte("1")}}
	must(t, h.Store.Append(ctx, b))
	_, err := h.Store.Acquire(ctx, "me", ttl)
	must(t, err)
	must(t, h.Sibling.Append(ctx, b))
	if _, err := h.Sibling.Acquire(ctx, "you", ttl); err != nil {
		t.Errorf("the sibling's lease: %v", err)
	}
	if n, _, err := h.Sibling.Backlog(ctx); n != 1 || err != nil {
		t.Errorf("the sibling's backlog is %d, %v", n, err)
	}
}

// testSealedFar reads over more blocks than a store looks at in one statement.
func testSealedFar(t *testing.T, h Harness) {
	ctx, gone, all := t.Context(), 510, 520
	february := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for i := range all {
		e := event(i)
		if e.At = february; i >= gone {
			e.At = february.AddDate(0, 1, 0)
		}
		must(t, h.Store.Append(ctx, batch(e)))
	}
	blocks, err := h.Store.Pending(ctx, all)
	must(t, err)
	numbers := make([]int64, len(blocks))
	for i, b := range blocks {
		numbers[i] = b.Number
	}
	sealBlocks(t, h.Store, numbers...)
	sealed := func(rule string, from uint64, limit int, first, end int) {
		t.Helper()
		rows, err := h.Again.Sealed(ctx, from, limit)
		must(t, err)
		var want []string
		for i := first; i < end; i++ {
			want = append(want, event(i).ID)
		}
		wantIDs(t, rows, rule, want...)
	}
	sealed("more than one statement has", 3, 517, 3, all)
	must(t, h.Store.Drop(ctx, february, february.AddDate(0, 1, 0), uint64(gone)))
	sealed("behind what is gone", 0, 5, gone, gone+5)
	sealed("to the end", 3, 100, gone, all)
	sealed("from there", 515, 2, 515, 517)
	sealed("behind the end", uint64(all), 5, 0, 0)
}
