package audittest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// inbox is a receiver that fails every second time, after it has taken what came.
type inbox struct {
	mu    sync.Mutex
	calls int
	keys  map[string]bool
	ids   []string
}

func (b *inbox) deliver(_ context.Context, d auditlog.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys == nil {
		b.keys = make(map[string]bool)
	}
	if b.calls++; !b.keys[d.Key] {
		b.keys[d.Key] = true
		for _, e := range d.Entries {
			b.ids = append(b.ids, e.ID)
		}
	}
	if b.calls%2 == 1 {
		return errors.New("the answer is lost")
	}
	return nil
}

func (b *inbox) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.ids...)
}

// testDeliver gives a sink and a stream of each of two organizations their events, by
// two processes.
func testDeliver(t *testing.T, h Harness) {
	s := newSeal(t)
	var siem inbox
	boxes := map[string]*inbox{"https://one": {}, "https://two": {}}
	cfg := auditlog.Config{
		Sinks: []auditlog.Sink{{Name: "siem", Policy: auditlog.Durable, Filter: auditlog.Filter{Type: "login"}, Deliver: siem.deliver}},
		Kinds: map[string]auditlog.Kind{"test": func(t auditlog.Target) (auditlog.Deliver, error) { return boxes[t.URL].deliver, nil }},
	}
	l, err := auditlog.New(h.Store, s, cfg)
	must(t, err)
	again, err := auditlog.New(h.Again, s, cfg)
	must(t, err)
	for org, url := range map[string]string{"org_1": "https://one", "org_2": "https://two"} {
		trail, err := l.Trail(org)
		must(t, err)
		_, err = trail.PutStream(t.Context(), auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: url}, Filter: auditlog.Filter{Type: "login"}})
		must(t, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, l := range []*auditlog.Log{l, again} {
		wg.Go(func() { _ = l.Run(ctx) }) // ends with ctx
	}
	until(t, "the sink has its place", func() bool {
		s, err := l.Sinks(ctx)
		return err == nil && s[0].State == auditlog.Active
	})
	want := map[string][]string{}
	for i := range 6 {
		e := login(fmt.Sprint("d", i), "auth0|ann")
		e.Organization = []string{"org_1", "org_2", ""}[i%3]
		must(t, audit.Record(ctx, []*auditlog.Log{l, again}[i%2], e))
		want[e.Organization] = append(want[e.Organization], e.ID)
	}
	until(t, "everybody has everything", func() bool {
		return len(siem.all()) >= 6 && len(boxes["https://one"].all()) >= 2 && len(boxes["https://two"].all()) >= 2
	})
	for org, url := range map[string]string{"org_1": "https://one", "org_2": "https://two"} {
		if got := boxes[url].all(); fmt.Sprint(got) != fmt.Sprint(want[org]) {
			t.Errorf("the stream of %s got %v; want %v", org, got, want[org])
		}
	}
	if got := siem.all(); len(got) != 6 {
		t.Errorf("the sink got %v; want each event once", got)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond) // until other goroutines have done it
	}
	t.Fatalf("not within a minute: %s", what)
}
