package auditlog

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

const lookForStreams = 5 * time.Second

// deliveries are the runners of the process that leads.
type deliveries struct {
	l       *Log
	wg      sync.WaitGroup
	running map[string]running // Streams, by key.
}

type running struct {
	version int64
	stop    context.CancelFunc
}

// place gives every sink of the program its place before anything more is sealed.
func (l *Log) place(ctx context.Context) error {
	for _, s := range l.cfg.Sinks {
		if s.Policy == Required {
			continue
		}
		if err := (&runner{l: l, name: s.Name, sink: s}).place(ctx); err != nil {
			return err
		}
	}
	return nil
}

// deliver runs all sinks and streams until ctx ends. Each has its own goroutine, so
// that a slow one holds up no other.
func (l *Log) deliver(ctx context.Context) {
	d := &deliveries{l: l, running: make(map[string]running)}
	defer d.wg.Wait()
	for _, s := range l.cfg.Sinks {
		if s.Policy != Required {
			r := &runner{l: l, name: s.Name, sink: s}
			d.wg.Go(func() { r.run(ctx) })
		}
	}
	for {
		_ = d.look(ctx) // again in five seconds
		if retry.Sleep(ctx, lookForStreams) != nil {
			return
		}
	}
}

// look starts and ends runners, as the stored streams are.
func (d *deliveries) look(ctx context.Context) error {
	there := make(map[string]bool)
	for after := ""; ; {
		records, err := d.l.store.List(ctx, kindStream, after, false, page)
		if err != nil {
			return fmt.Errorf("auditlog: reading streams: %w", err)
		}
		for _, record := range records {
			after, there[record.Key] = record.Key, true
			if d.running[record.Key].version == record.Version {
				continue
			}
			d.end(record.Key)
			s, org, err := d.l.openStream(record)
			if err != nil {
				continue // its owner sees that it does not move
			}
			r := d.l.streamRunner(s, org)
			r.still = func(ctx context.Context) (bool, error) {
				now, err := d.l.store.Get(ctx, kindStream, record.Key)
				return err == nil && len(now) == 1 && now[0].Version == record.Version, err
			}
			own, stop := context.WithCancel(ctx)
			d.running[record.Key] = running{record.Version, stop}
			d.wg.Go(func() { r.run(own) })
		}
		if len(records) < page {
			break
		}
	}
	for key := range d.running {
		if !there[key] {
			d.end(key)
		}
	}
	return nil
}

func (d *deliveries) end(key string) {
	if r, ok := d.running[key]; ok {
		r.stop()
		delete(d.running, key)
	}
}

// hostOf is the part of a URL that may be shown.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
