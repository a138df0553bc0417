// Package risktest is the conformance suite for implementations of risk.Counters.
package risktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/risk"
)

// Harness holds the implementation under test.
type Harness struct {
	Counters risk.Counters // Empty at the start.
	Other    risk.Counters // Counters in the same place with another prefix; nil skips the test of their independence.
}

// Run tests every sentence of the contract of risk.Counters. It calls open once
// per subtest.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	cases := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"events and members", counts},
		{"an empty member reads", reads},
		{"tallies stand in the order of the items", order},
		{"one key several times in a call", repeated},
		{"the window slides", slides},
		{"late events count", late},
		{"many members", many},
		{"odd keys and members", odd},
		{"bad items", bad},
		{"concurrent events are all counted", concurrent},
		{"cancelled context", cancelled},
		{"different prefixes are independent", prefixes},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// now is at the start of a bucket of an hour.
var now = time.Now().Truncate(time.Hour)

func event(key, member string, at time.Time) risk.Count {
	return risk.Count{Key: key, Member: member, Window: time.Hour, At: at}
}

func add(t *testing.T, c risk.Counters, items ...risk.Count) []risk.Tally {
	t.Helper()
	tallies, err := c.Add(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if len(tallies) != len(items) {
		t.Fatalf("%d tallies for %d items", len(tallies), len(items))
	}
	return tallies
}

func want(t *testing.T, what string, got, want risk.Tally) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func counts(t *testing.T, h Harness) {
	want(t, "first", add(t, h.Counters, event("k", "a", now))[0], risk.Tally{Events: 1, Members: 1})
	want(t, "again", add(t, h.Counters, event("k", "a", now))[0], risk.Tally{Events: 2, Members: 1})
	want(t, "another", add(t, h.Counters, event("k", "b", now))[0], risk.Tally{Events: 3, Members: 2})
	want(t, "another key", add(t, h.Counters, event("k2", "b", now))[0], risk.Tally{Events: 1, Members: 1})
}

func reads(t *testing.T, h Harness) {
	want(t, "nothing there", add(t, h.Counters, event("k", "", now))[0], risk.Tally{})
	add(t, h.Counters, event("k", "a", now))
	for range 2 {
		want(t, "reading", add(t, h.Counters, event("k", "", now))[0], risk.Tally{Events: 1, Members: 1})
	}
	if got := add(t, h.Counters); len(got) != 0 {
		t.Errorf("no items: %v", got)
	}
}

func order(t *testing.T, h Harness) {
	for i := range 5 {
		for range i {
			add(t, h.Counters, event(fmt.Sprint("k", i), "m", now))
		}
	}
	var items []risk.Count
	for i := range 5 {
		items = append(items, event(fmt.Sprint("k", 4-i), "", now))
	}
	for i, tally := range add(t, h.Counters, items...) {
		if tally.Events != 4-i {
			t.Errorf("item %d: %+v", i, tally)
		}
	}
}

func repeated(t *testing.T, h Harness) {
	got := add(t, h.Counters, event("k", "a", now), event("k", "b", now))
	want(t, "last", got[1], risk.Tally{Events: 2, Members: 2})
}

func slides(t *testing.T, h Harness) {
	for i := range 8 {
		add(t, h.Counters, event("k", fmt.Sprint(i), now))
	}
	for after, events := range map[time.Duration]int{
		59 * time.Minute: 8, 75 * time.Minute: 6, 90 * time.Minute: 4, 119*time.Minute + 59*time.Second: 0, 10 * time.Hour: 0,
	} {
		got := add(t, h.Counters, event("k", "", now.Add(after)))[0]
		want(t, after.String(), got, risk.Tally{Events: events, Members: events})
	}
}

func late(t *testing.T, h Harness) {
	add(t, h.Counters, event("k", "a", now.Add(30*time.Minute)))
	got := add(t, h.Counters, event("k", "b", now.Add(29*time.Minute)))[0]
	want(t, "a minute late", got, risk.Tally{Events: 2, Members: 2})
}

func many(t *testing.T, h Harness) {
	var items []risk.Count
	for i := range 2000 {
		items = append(items, event("k", fmt.Sprint("member ", i%1000), now))
	}
	got := add(t, h.Counters, items...)[1999]
	if got.Events != 2000 || got.Members < 900 || got.Members > 1100 {
		t.Errorf("%+v, want 2000 events and 1000 members within 10%%", got)
	}
}

func odd(t *testing.T, h Harness) {
	for _, s := range []string{"a b", "{x}", "*", "ключ", "\x00\xff", strings.Repeat("k", 512), "2001:db8::/64"} {
		got := add(t, h.Counters, event(s, s, now), event(s, strings.Repeat(s, 3), now))
		want(t, fmt.Sprintf("%q", s), got[1], risk.Tally{Events: 2, Members: 2})
	}
}

func bad(t *testing.T, h Harness) {
	for name, item := range map[string]risk.Count{
		"no key": event("", "m", now), "long key": event(strings.Repeat("k", 513), "m", now), "no time": event("k", "m", time.Time{}),
		"no window": {Key: "k", Member: "m", At: now},
	} {
		if _, err := h.Counters.Add(t.Context(), []risk.Count{item}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	want(t, "after bad items", add(t, h.Counters, event("k", "", now))[0], risk.Tally{})
}

func concurrent(t *testing.T, h Harness) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if _, err := h.Counters.Add(t.Context(), []risk.Count{event("k", fmt.Sprint(i), now), event("k2", "m", now)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := add(t, h.Counters, event("k", "", now), event("k2", "", now))
	want(t, "k", got[0], risk.Tally{Events: 160, Members: 8})
	want(t, "k2", got[1], risk.Tally{Events: 160, Members: 1})
}

func cancelled(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Counters.Add(ctx, []risk.Count{event("k", "m", now)}); !errors.Is(err, context.Canceled) {
		t.Errorf("Add: %v", err)
	}
}

func prefixes(t *testing.T, h Harness) {
	if h.Other == nil {
		t.Skip("Harness.Other is nil: the counters have no prefixes")
	}
	add(t, h.Counters, event("k", "a", now))
	want(t, "other", add(t, h.Other, event("k", "", now))[0], risk.Tally{})
}
