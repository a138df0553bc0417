package risktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/risk"
)

// DecisionsHarness holds the implementation of risk.Decisions under test.
type DecisionsHarness struct {
	Decisions risk.Decisions // Empty at the start.
	Other     risk.Decisions // Decisions in the same place with another prefix or table; nil skips the test of their independence.
}

// RunDecisions tests every sentence of the contract of risk.Decisions, and that an
// Engine over them completes once and not after Forget. It calls open once per
// subtest.
func RunDecisions(t *testing.T, open func(t *testing.T) DecisionsHarness) {
	cases := []struct {
		name string
		run  func(*testing.T, risk.Decisions)
	}{
		{"take gives what was put, once", takeOnce},
		{"take refuses what is not there, another user's and what has ended", takeRefuses},
		{"list is the newest first, with outcomes", listed},
		{"the newest are kept", newest},
		{"delete", deletes},
		{"odd users and bytes", oddRecords},
		{"one of many concurrent takes wins", race},
		{"cancelled context", cancelledDecisions},
		{"an Engine completes once", completesOnce},
		{"an Engine completes what later records push out without a loss", completesOld},
		{"a late Complete after Forget does nothing", completesLate},
		{"a Complete that Forget overtakes leaves nothing", completesOvertaken},
		{"Complete and Forget at once leave nothing", completesAtOnce},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t).Decisions) })
	}
	t.Run("different prefixes are independent", func(t *testing.T) {
		h := open(t)
		if h.Other == nil {
			t.Skip("DecisionsHarness.Other is nil")
		}
		put(t, h.Decisions, "u", record("a", 0))
		if got := list(t, h.Other, "u"); len(got) != 0 {
			t.Errorf("the other has %d", len(got))
		}
	})
}

// made is when the first record was made.
var made = time.Date(2026, 3, 2, 8, 0, 0, 123e6, time.UTC)

func record(id string, n int) risk.Record {
	at := made.Add(time.Duration(n) * time.Second)
	return risk.Record{ID: id, At: at, Until: at.Add(time.Hour), Sealed: []byte("sealed " + id)}
}

func put(t *testing.T, d risk.Decisions, user string, r risk.Record) {
	t.Helper()
	if err := d.Put(t.Context(), user, r); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, d risk.Decisions, user string) []risk.Record {
	t.Helper()
	got, err := d.List(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func refused(t *testing.T, d risk.Decisions, why, user, id string, now time.Time) {
	t.Helper()
	if sealed, err := d.Take(t.Context(), user, id, "refused", now); !errors.Is(err, risk.ErrNoDecision) {
		t.Errorf("%s: %q, %v", why, sealed, err)
	}
}

func takeOnce(t *testing.T, d risk.Decisions) {
	put(t, d, "u", record("a", 0))
	got, err := d.Take(t.Context(), "u", "a", "step_up_passed", made)
	if err != nil || string(got) != "sealed a" {
		t.Fatalf("%q, %v", got, err)
	}
	refused(t, d, "the second time", "u", "a", made)
	if got := list(t, d, "u"); len(got) != 1 || got[0].Outcome != "step_up_passed" {
		t.Errorf("%+v", got)
	}
}

func takeRefuses(t *testing.T, d risk.Decisions) {
	refused(t, d, "nothing there", "u", "a", made)
	put(t, d, "u", record("a", 0))
	refused(t, d, "another id", "u", "A", made)
	refused(t, d, "another user's", "U", "a", made)
	refused(t, d, "at its end", "u", "a", made.Add(time.Hour))
	never := record("b", 0)
	never.Until = never.At
	put(t, d, "u", never)
	refused(t, d, "made to be listed", "u", "b", made)
	if _, err := d.Take(t.Context(), "u", "a", "refused", made.Add(time.Hour-time.Millisecond)); err != nil {
		t.Errorf("a refusal changed something: %v", err)
	}
}

func listed(t *testing.T, d risk.Decisions) {
	for _, n := range []int{2, 0, 1} {
		put(t, d, "u", record(fmt.Sprint("id ", n), n))
	}
	got := list(t, d, "u")
	if len(got) != 3 {
		t.Fatalf("%d records", len(got))
	}
	for i, r := range got {
		want := record(fmt.Sprint("id ", 2-i), 2-i)
		if r.ID != want.ID || !r.At.Equal(want.At) || !r.Until.Equal(want.Until) || string(r.Sealed) != string(want.Sealed) || r.Outcome != "" {
			t.Errorf("%d: %+v, want %+v", i, r, want)
		}
	}
	if got := list(t, d, "nobody"); len(got) != 0 {
		t.Errorf("nobody has %d", len(got))
	}
}

func newest(t *testing.T, d risk.Decisions) {
	for n := range risk.MaxRecords + 5 {
		put(t, d, "u", record(fmt.Sprint(n), n))
	}
	got := list(t, d, "u")
	if len(got) != risk.MaxRecords || got[0].ID != fmt.Sprint(risk.MaxRecords+4) || got[risk.MaxRecords-1].ID != "5" {
		t.Errorf("%d records, from %s to %s", len(got), got[0].ID, got[len(got)-1].ID)
	}
}

func deletes(t *testing.T, d risk.Decisions) {
	put(t, d, "u", record("a", 0))
	put(t, d, "v", record("a", 0))
	for range 2 {
		if err := d.Delete(t.Context(), "u"); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, d, "deleted", "u", "a", made)
	if got := list(t, d, "u"); len(got) != 0 {
		t.Errorf("%d are left", len(got))
	}
	if got := list(t, d, "v"); len(got) != 1 {
		t.Errorf("the other user has %d", len(got))
	}
}

func oddRecords(t *testing.T, d risk.Decisions) {
	for _, user := range []string{"a b", "{x}", "*", "ключ", strings.Repeat("u", 255), "auth0|1", "auth0|1 "} {
		r := record("id", 0)
		r.Sealed = []byte("\x00\xff" + user)
		put(t, d, user, r)
		got, err := d.Take(t.Context(), user, "id", "abandoned", made)
		if err != nil || string(got) != string(r.Sealed) {
			t.Errorf("%q: %q, %v", user, got, err)
		}
	}
}

func race(t *testing.T, d risk.Decisions) {
	put(t, d, "u", record("a", 0))
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, err := d.Take(t.Context(), "u", "a", "refused", made)
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, risk.ErrNoDecision) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d takes won", won.Load())
	}
}

func cancelledDecisions(t *testing.T, d risk.Decisions) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Put(ctx, "u", record("a", 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	if _, err := d.Take(ctx, "u", "a", "refused", made); !errors.Is(err, context.Canceled) {
		t.Errorf("Take: %v", err)
	}
}
