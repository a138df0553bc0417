// Package anomalytest is the conformance suite for implementations of
// anomaly.Store.
//
//	func TestStore(t *testing.T) {
//		anomalytest.Run(t, func(t *testing.T) anomalytest.Harness {
//			return anomalytest.Harness{Store: mystore.New(connect(t))}
//		})
//	}
package anomalytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Harness holds the store under test.
type Harness struct {
	Store anomaly.Store // Empty at the start.
	Other anomaly.Store // A store in the same place with another prefix or table; nil skips the test of their independence.
}

// Run tests every sentence of the contract of anomaly.Store. It calls open once
// per subtest.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	cases := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"a missing key is version 0 and leaves dst", missing},
		{"load appends to dst", appends},
		{"save and load", saveAndLoad},
		{"save compares the version", compares},
		{"a failed save changes nothing", unchanged},
		{"save keeps no reference", noReference},
		{"forget", forgets},
		{"a save from before forget", erased},
		{"keys are independent", keys},
		{"binary and large blobs", blobs},
		{"one of many concurrent saves wins", concurrent},
		{"cancelled context", cancelled},
		{"stores with different prefixes are independent", prefixes},
		{"through a detector", detector},
		{"64 logins of one user at once are all learned", contention},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func load(t *testing.T, s anomaly.Store, key anomaly.Key) ([]byte, uint64) {
	t.Helper()
	blob, version, err := s.Load(t.Context(), key, nil)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return blob, version
}

func save(t *testing.T, s anomaly.Store, key anomaly.Key, blob string, version uint64) {
	t.Helper()
	if err := s.Save(t.Context(), key, []byte(blob), version); err != nil {
		t.Fatalf("Save of version %d: %v", version, err)
	}
}

func want(t *testing.T, s anomaly.Store, key anomaly.Key, blob string) uint64 {
	t.Helper()
	got, version := load(t, s, key)
	if string(got) != blob || version == 0 {
		t.Fatalf("Load: %q at version %d, want %q", got, version, blob)
	}
	return version
}

func missing(t *testing.T, h Harness) {
	blob, version, err := h.Store.Load(t.Context(), "nobody", []byte("kept"))
	if err != nil || version != 0 || string(blob) != "kept" {
		t.Fatalf("got %q, version %d, %v", blob, version, err)
	}
}

func appends(t *testing.T, h Harness) {
	save(t, h.Store, "u", "blob", 0)
	blob, _, err := h.Store.Load(t.Context(), "u", []byte("dst "))
	if err != nil || string(blob) != "dst blob" {
		t.Fatalf("got %q, %v", blob, err)
	}
}

func saveAndLoad(t *testing.T, h Harness) {
	save(t, h.Store, "u", "one", 0)
	first := want(t, h.Store, "u", "one")
	save(t, h.Store, "u", "a longer two", first)
	second := want(t, h.Store, "u", "a longer two")
	if second <= first {
		t.Fatalf("version went from %d to %d", first, second)
	}
	save(t, h.Store, "u", "3", second)
	want(t, h.Store, "u", "3")
}

func compares(t *testing.T, h Harness) {
	if err := h.Store.Save(t.Context(), "u", []byte("x"), 7); !errors.Is(err, anomaly.ErrConflict) {
		t.Fatalf("version 7 of a missing key: %v, want ErrConflict", err)
	}
	save(t, h.Store, "u", "one", 0)
	version := want(t, h.Store, "u", "one")
	for _, wrong := range []uint64{0, version - 1, version + 1} {
		if err := h.Store.Save(t.Context(), "u", []byte("x"), wrong); !errors.Is(err, anomaly.ErrConflict) {
			t.Errorf("version %d instead of %d: %v, want ErrConflict", wrong, version, err)
		}
	}
}

func unchanged(t *testing.T, h Harness) {
	save(t, h.Store, "u", "one", 0)
	version := want(t, h.Store, "u", "one")
	if err := h.Store.Save(t.Context(), "u", []byte("lost"), version+1); !errors.Is(err, anomaly.ErrConflict) {
		t.Fatal(err)
	}
	if after := want(t, h.Store, "u", "one"); after != version {
		t.Fatalf("version went from %d to %d", version, after)
	}
}

func noReference(t *testing.T, h Harness) {
	blob := []byte("mine")
	if err := h.Store.Save(t.Context(), "u", blob, 0); err != nil {
		t.Fatal(err)
	}
	copy(blob, "xxxx")
	got, _ := load(t, h.Store, "u")
	copy(got, "yyyy")
	want(t, h.Store, "u", "mine")
}

func forgets(t *testing.T, h Harness) {
	for _, key := range []anomaly.Key{"u", ""} {
		save(t, h.Store, key, "one", 0)
		for range 2 {
			if err := h.Store.Forget(t.Context(), string(key)); err != nil {
				t.Fatalf("Forget: %v", err)
			}
		}
		if blob, version := load(t, h.Store, key); version != 0 || len(blob) != 0 {
			t.Fatalf("after Forget: %q at version %d", blob, version)
		}
		save(t, h.Store, key, "again", 0)
		want(t, h.Store, key, "again")
	}
}

// erased: a save of what was loaded before Forget is refused, also when the key is
// there again.
func erased(t *testing.T, h Harness) {
	for _, key := range []anomaly.Key{"u", ""} {
		save(t, h.Store, key, "before", 0)
		version := want(t, h.Store, key, "before")
		for _, again := range []bool{false, true} {
			if err := h.Store.Forget(t.Context(), string(key)); err != nil {
				t.Fatal(err)
			}
			if again {
				save(t, h.Store, key, "after", 0)
			}
			if err := h.Store.Save(t.Context(), key, []byte("before"), version); !errors.Is(err, anomaly.ErrConflict) {
				t.Errorf("%q, there again %t: %v, want ErrConflict", key, again, err)
			}
		}
	}
}

func keys(t *testing.T, h Harness) {
	names := []anomaly.Key{
		"auth0|1", "auth0|10", "auth0|1 ", "AUTH0|1", "a%b", "a_b", "a*b", "a:b", "{a}", `a"b'c\`, "ключ", "é", "e\u0301",
		anomaly.Key(strings.Repeat("x", 255)), anomaly.Key(strings.Repeat("x", 254)), "",
	}
	for _, name := range names {
		save(t, h.Store, name, name.String(), 0)
	}
	for _, name := range names {
		want(t, h.Store, name, name.String())
	}
	if err := h.Store.Forget(t.Context(), string(names[0])); err != nil {
		t.Fatal(err)
	}
	for _, name := range names[1:] {
		want(t, h.Store, name, name.String())
	}
}

func blobs(t *testing.T, h Harness) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for key, blob := range map[anomaly.Key][]byte{"bytes": all, "": bytes.Repeat(all, 4096)} {
		if err := h.Store.Save(t.Context(), key, blob, 0); err != nil {
			t.Fatal(err)
		}
		if got, _ := load(t, h.Store, key); !bytes.Equal(got, blob) {
			t.Fatalf("%d bytes came back as %d others", len(blob), len(got))
		}
	}
}

func concurrent(t *testing.T, h Harness) {
	for round := range 3 {
		_, version := load(t, h.Store, "u")
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				switch err := h.Store.Save(t.Context(), "u", []byte{byte(i)}, version); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, anomaly.ErrConflict):
					t.Errorf("Save: %v", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d saves of version %d succeeded", round, won.Load(), version)
		}
	}
}

func cancelled(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Store.Load(ctx, "u", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v", err)
	}
	if err := h.Store.Save(ctx, "u", []byte("x"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Save: %v", err)
	}
	if err := h.Store.Forget(ctx, "u"); !errors.Is(err, context.Canceled) {
		t.Errorf("Forget: %v", err)
	}
	if _, version := load(t, h.Store, "u"); version != 0 {
		t.Error("a cancelled Save was stored")
	}
}

func prefixes(t *testing.T, h Harness) {
	if h.Other == nil {
		t.Skip("Harness.Other is nil: the store has no prefixes")
	}
	save(t, h.Store, "u", "mine", 0)
	save(t, h.Other, "u", "theirs", 0)
	if err := h.Other.Forget(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	want(t, h.Store, "u", "mine")
}

// detector learns one user from many goroutines: a profile that was saved over
// would miss devices.
func detector(t *testing.T, h Harness) {
	d := newDetector(t, h)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := d.Learn(t.Context(), attempt(i), anomaly.Proved); err != nil {
				t.Errorf("Learn: %v", err)
			}
		})
	}
	wg.Wait()
	for i := range 5 {
		a, err := d.Assess(t.Context(), attempt(i))
		if err != nil {
			t.Fatal(err)
		}
		isNew := slices.ContainsFunc(a.Findings[:], func(f anomaly.Finding) bool { return f.Kind == anomaly.NewDevice })
		if isNew != (i == 4) {
			t.Errorf("device %d: new %t", i, isNew)
		}
	}
	if err := d.Merge(t.Context()); err != nil {
		t.Fatalf("Merge: %v", err)
	}
	if err := d.Forget(t.Context(), "auth0|u"); err != nil {
		t.Fatal(err)
	}
	if a, err := d.Assess(t.Context(), attempt(0)); err != nil || !a.FirstLogin {
		t.Fatalf("after Forget: %+v, %v", a, err)
	}
}

func newDetector(t *testing.T, h Harness) *anomaly.Detector {
	t.Helper()
	d, err := anomaly.New(h.Store, [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func attempt(i int) anomaly.Attempt {
	return anomaly.Attempt{UserID: "auth0|u", Time: time.Now(), DeviceID: fmt.Sprint("device ", i)}
}

func contention(t *testing.T, h Harness) {
	d := newDetector(t, h)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if err := d.Learn(t.Context(), attempt(i), anomaly.Proved); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
