package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestCompare runs the comparison shortly on SQLite: every run is verified. With
// AUTH0KIT_BENCH=1, on a calm machine, it runs in full on all products and holds
// sealing to 80% of plain inserts and to 5 seconds behind.
func TestCompare(t *testing.T) {
	s := settings{length: 50 * time.Millisecond, pairs: 1, writers: 2, batch: 20, only: "sqlite"}
	full := os.Getenv("AUTH0KIT_BENCH") == "1"
	if full {
		s = settings{length: 5 * time.Second, pairs: 7, writers: 8, batch: 200}
	}
	for _, p := range products {
		if s.only != "" && !strings.EqualFold(s.only, p.name) {
			continue
		}
		r, err := compare(context.Background(), p, s)
		if err != nil {
			t.Fatal(err)
		}
		if r.size == 0 || r.plain == 0 || r.sealed == 0 || r.chained == 0 || r.record == 0 {
			t.Errorf("%+v", r)
		}
		t.Logf("%+v", r)
		if full && (r.ratio < 0.8 || r.behind > 5*time.Second) {
			t.Errorf("%s: sealed/plain is %.2f and %v behind; want 0.80 and 5s", p.name, r.ratio, r.behind)
		}
	}
}

// TestReport makes a report over some thousand events. With AUTH0KIT_BENCH=1, on a calm
// machine, it is over 1,000,000 events on SQLite, in at most 2 seconds.
func TestReport(t *testing.T) {
	n := 6000
	full := os.Getenv("AUTH0KIT_BENCH") == "1"
	if full {
		n = 1_000_000
	}
	r, err := measureReport(context.Background(), products[0], n)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if full && r.full > 2*time.Second {
		t.Errorf("a report over %d events took %v; want 2s", n, r.full)
	}
}
