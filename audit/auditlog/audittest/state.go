package audittest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

func write(t *testing.T, s driver.Store, writes ...driver.Write) {
	t.Helper()
	must(t, s.Append(t.Context(), driver.Batch{Writes: writes}))
}

func testState(t *testing.T, h Harness) {
	ctx := t.Context()
	big := bytes.Repeat([]byte{0, 1, 0xff, '\''}, 256<<10)
	write(t, h.Store, driver.Write{Kind: "k", Key: "a", Value: big}, driver.Write{Kind: "other", Key: "a", Value: []byte("o")})
	if r, ok := record(t, h.Again, "k", "a"); !ok || !bytes.Equal(r.Value, big) || r.Key != "a" || r.Version != 1 {
		t.Errorf("a value of 1 MB came back with %d bytes, version %d, %v", len(r.Value), r.Version, ok)
	}
	write(t, h.Store, driver.Write{Kind: "k", Key: "a", Value: []byte("2"), Version: 1})
	write(t, h.Store, driver.Write{Kind: "k", Key: "a", Value: []byte("3"), Version: driver.Any})
	if r, _ := record(t, h.Again, "k", "a"); string(r.Value) != "3" || r.Version != 3 {
		t.Errorf("after three writes: %q, version %d", r.Value, r.Version)
	}
	old := driver.Batch{Writes: []driver.Write{{Kind: "k", Key: "a", Version: 2}}}
	wantError(t, h.Store.Append(ctx, old), driver.ErrConflict, "removing another version")
	gone := driver.Batch{Writes: []driver.Write{{Kind: "k", Key: "nobody", Version: 1}}}
	wantError(t, h.Store.Append(ctx, gone), driver.ErrConflict, "removing a version of what is not there")

	write(t, h.Store, driver.Write{Kind: "k", Key: "a", Version: 3}, driver.Write{Kind: "k", Key: "nobody", Version: driver.Any})
	if _, ok := record(t, h.Again, "k", "a"); ok {
		t.Error("a removed record is there")
	}
	if r, ok := record(t, h.Again, "other", "a"); !ok || string(r.Value) != "o" {
		t.Error("removing a record removed one of another kind")
	}
	write(t, h.Store, driver.Write{Kind: "k", Key: "a", Value: []byte("new")})
	if r, _ := record(t, h.Again, "k", "a"); string(r.Value) != "new" {
		t.Errorf("written after it was removed: %q", r.Value)
	}
	if n, _, err := h.Store.Backlog(ctx); n != 0 || err != nil {
		t.Errorf("writes without events left a backlog of %d, %v", n, err)
	}
	records, err := h.Store.Get(ctx, "k")
	if len(records) != 0 || err != nil {
		t.Errorf("Get without keys returned %d records, %v", len(records), err)
	}
}

func testStateOrder(t *testing.T, h Harness) {
	ctx := t.Context()
	keys := []string{"A", "B", "Z", "a", "a/1", "a/10", "a/2", "a_", "aa", "b"} // bytewise
	for _, i := range []int{3, 1, 9, 0, 7, 2, 5, 8, 4, 6} {
		write(t, h.Store, driver.Write{Kind: "k", Key: keys[i], Value: []byte(keys[i])})
	}
	write(t, h.Store, driver.Write{Kind: "l", Key: "a0", Value: []byte("other kind")})
	for _, c := range []struct {
		after string
		last  bool
		limit int
		want  []string
	}{
		{"", false, 100, keys},
		{"", false, 2, keys[:2]},
		{"a", false, 3, keys[4:7]},
		{"a/1", false, 100, keys[5:]},
		{"b", false, 5, nil},
		{"", true, 2, []string{"b", "aa"}},
		{"B", true, 100, []string{"A"}},
		{"A", true, 100, nil},
	} {
		records, err := h.Again.List(ctx, "k", c.after, c.last, c.limit)
		must(t, err)
		var got []string
		for _, r := range records {
			if string(r.Value) != r.Key {
				t.Errorf("record %q has the value %q", r.Key, r.Value)
			}
			got = append(got, r.Key)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("List(%q, %v, %d) = %v; want %v", c.after, c.last, c.limit, got, c.want)
		}
	}
	records, err := h.Again.Get(ctx, "k", "b", "missing", "A", "a")
	must(t, err)
	if len(records) != 3 {
		t.Errorf("Get of three keys and a missing one returned %d", len(records))
	}
}
