package auditlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// ErrNoSink is returned when there is no sink or stream of that name, or it is
// Required and so has no place of its own.
var ErrNoSink = errors.New("auditlog: no such sink")

// durable returns the sink of a name that has a place in the log.
func (l *Log) durable(name string) (*runner, error) {
	for _, s := range l.cfg.Sinks {
		if s.Name == name && s.Policy != Required {
			return &runner{l: l, name: name, sink: s}, nil
		}
	}
	return nil, ErrNoSink
}

// PauseSink stops a sink in every process until ResumeSink. Events wait for it in the
// log, unless retention removes them: that is recorded as "audit.sink_gap" when the
// sink goes on. Pausing is recorded as "audit.sink_pause".
func (l *Log) PauseSink(ctx context.Context, name, reason string) error {
	r, err := l.durable(name)
	if err != nil {
		return err
	}
	return r.pause(ctx, reason)
}

// ResumeSink lets a paused or disabled sink go on where it stopped, or, with a time
// that is not zero, from the first event of that time on: a replay. It is recorded as
// "audit.sink_resume".
func (l *Log) ResumeSink(ctx context.Context, name string, from time.Time) error {
	r, err := l.durable(name)
	if err != nil {
		return err
	}
	return r.resume(ctx, from)
}

// Redeliver delivers a sink's dead letters again, and returns how many were taken.
// Those that are rejected again stay.
func (l *Log) Redeliver(ctx context.Context, name string) (int, error) {
	r, err := l.durable(name)
	if err != nil {
		return 0, err
	}
	return r.redeliver(ctx)
}

// Sinks returns how the Durable and BestEffort sinks are doing.
func (l *Log) Sinks(ctx context.Context) ([]SinkStatus, error) {
	var all []SinkStatus
	for _, s := range l.cfg.Sinks {
		if s.Policy == Required {
			continue
		}
		status, err := (&runner{l: l, name: s.Name, sink: s}).status(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, status)
	}
	return all, nil
}

// delivered returns up to which index all sinks and streams that work have the events.
func (l *Log) delivered(ctx context.Context, size uint64) (uint64, error) {
	for after := sinkKey(""); ; {
		records, err := l.store.List(ctx, kindCursor, after, false, page)
		if err != nil {
			return 0, fmt.Errorf("auditlog: reading the places of sinks: %w", err)
		}
		for _, record := range records {
			after = record.Key
			name, ok := strings.CutPrefix(record.Key, sinkKey(""))
			if !ok {
				return size, nil
			}
			var box outbox
			if err := readRecord(kindCursor, record, &box); err != nil {
				return 0, err
			}
			r, err := l.durable(name) // or a stream: a sink that the program no longer has keeps nothing
			if strings.HasPrefix(name, "stream/") || err == nil && r.sink.Policy == Durable {
				if box.State == Active {
					size = min(size, box.Next)
				}
			}
		}
		if len(records) < page {
			return size, nil
		}
	}
}

func (r *runner) status(ctx context.Context) (SinkStatus, error) {
	var box outbox
	version, err1 := readState(ctx, r.l.store, kindCursor, sinkKey(r.name), &box)
	h, _, err2 := readHead(ctx, r.l.store)
	s := SinkStatus{
		Name: r.name, State: box.State, LastError: box.LastError, LastSuccess: box.LastSuccess,
		Waiting: h.Size - min(box.Next, h.Size), Dropped: box.Dropped, DeadLetters: box.Dead,
	}
	if version == 0 {
		s.State, s.Waiting = Active, 0
	}
	if err := errors.Join(err1, err2); err != nil || s.Waiting == 0 {
		return s, err
	}
	oldest, err := r.l.store.Sealed(ctx, box.Next, 1)
	if err != nil {
		return s, fmt.Errorf("auditlog: reading events: %w", err)
	}
	if len(oldest) > 0 {
		s.Lag = max(r.l.cfg.Now().Sub(oldest[0].LoggedAt), 0)
	}
	return s, nil
}

// change reads the outbox, changes it and writes it with an event.
func (r *runner) change(ctx context.Context, e audit.Event, change func(*outbox) error) error {
	for attempt := 0; ; attempt++ {
		var box outbox
		version, err := readState(ctx, r.l.store, kindCursor, sinkKey(r.name), &box)
		if err != nil {
			return err
		}
		if version == 0 {
			h, _, err := readHead(ctx, r.l.store)
			if err != nil {
				return fmt.Errorf("auditlog: reading the tree: %w", err)
			}
			box = outbox{Next: h.Size, State: Active}
		}
		if err := change(&box); err != nil {
			return err
		}
		err = r.save(ctx, box, version, e)
		if !errors.Is(err, driver.ErrConflict) || attempt == 10 {
			return err
		}
	}
}

func (r *runner) pause(ctx context.Context, reason string) error {
	if reason == "" {
		return errors.New("auditlog: pausing a sink needs a reason")
	}
	return r.change(ctx, r.event("audit.sink_pause", audit.Success, map[string]string{"reason": reason}), func(box *outbox) error {
		box.State = Paused
		return nil
	})
}

func (r *runner) resume(ctx context.Context, from time.Time) error {
	e := r.event("audit.sink_resume", audit.Success, nil)
	if !from.IsZero() {
		e.Metadata = map[string]string{"from": from.UTC().Format(time.RFC3339)}
	}
	return r.change(ctx, e, func(box *outbox) error {
		box.State, box.Failing, box.Attempts = Active, time.Time{}, 0
		if from.IsZero() {
			return nil
		}
		ranges, _, err := r.l.store.Span(ctx, from, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			return fmt.Errorf("auditlog: reading events: %w", err)
		}
		if len(ranges) > 0 {
			box.Next, box.Until = ranges[0].From, 0
		}
		return nil
	})
}

func (r *runner) redeliver(ctx context.Context) (taken int, err error) {
	return taken, r.dead(ctx, func(record driver.Record) error {
		done, err := r.redeliverOne(ctx, record)
		if done {
			taken++
		}
		return err
	})
}

// dead calls each for the dead letters.
func (r *runner) dead(ctx context.Context, each func(driver.Record) error) error {
	for after := r.name + "/"; ; {
		records, err := r.l.store.List(ctx, kindDead, after, false, page)
		if err != nil {
			return fmt.Errorf("auditlog: reading dead letters: %w", err)
		}
		for _, record := range records {
			after = record.Key
			if record.Key > deadKey(r.name, 1<<63) {
				return nil
			}
			if err := each(record); err != nil {
				return err
			}
		}
		if len(records) < page {
			return nil
		}
	}
}

func (r *runner) dropDead(ctx context.Context, record driver.Record) error {
	gone := driver.Write{Kind: kindDead, Key: record.Key, Version: driver.Any}
	if err := r.l.store.Append(ctx, driver.Batch{Writes: []driver.Write{gone}}); err != nil {
		return fmt.Errorf("auditlog: removing a dead letter: %w", err)
	}
	return nil
}

func (r *runner) redeliverOne(ctx context.Context, record driver.Record) (bool, error) {
	var id string
	if err := readRecord(kindDead, record, &id); err != nil {
		return false, err
	}
	rows, err := r.l.store.Find(ctx, []string{id})
	if err != nil {
		return false, fmt.Errorf("auditlog: reading an event: %w", err)
	}
	if len(rows) > 0 {
		err := r.deliver(ctx, rows, fmt.Sprintf("%s:%d-%d", r.name, rows[0].Index, rows[0].Index))
		if errors.Is(err, ErrRejected) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("auditlog: sink %q: %s", r.name, classOf(err))
		}
	}
	if err := r.dropDead(ctx, record); err != nil {
		return false, err
	}
	return len(rows) > 0, r.change(ctx, audit.Event{}, func(box *outbox) error {
		box.Dead -= min(box.Dead, 1)
		return nil
	})
}
