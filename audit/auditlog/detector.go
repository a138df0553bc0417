package auditlog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// detected is how far the detections are.
type detected struct {
	Next uint64    `json:"next"`
	At   time.Time `json:"at"` // Of the last event.
}

const detectCursor = "detections"

// detector runs the rules, as long as this process leads.
type detector struct {
	l       *Log
	rules   []func(Entry) []Finding
	next    uint64
	version int64
}

const detectPage = 500 // Rows of one step: their findings fit into one batch.

// newDetector gives the rules the events that they need to know.
func (l *Log) newDetector(ctx context.Context) (*detector, error) {
	d := &detector{l: l}
	var window time.Duration
	for _, rule := range l.cfg.Detections {
		d.rules = append(d.rules, rule.New())
		window = max(window, rule.Window)
	}
	var at detected
	var err error
	if d.version, err = readState(ctx, l.store, kindCursor, detectCursor, &at); err != nil || d.version == 0 {
		return d, err
	}
	d.next = at.Next
	for rows, err := range l.rows(ctx, Filter{Period: Period{From: at.At.Add(-window)}}) {
		if err != nil {
			return nil, err
		}
		entries, err := l.entries(ctx, "", rows)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Sealed && e.Index < d.next {
				d.feed(e)
			}
		}
	}
	return d, nil
}

// step looks at all events that are new.
func (d *detector) step(ctx context.Context) error {
	for {
		var rows []driver.Row
		next, err := follow(ctx, d.l.store, d.next, detectPage, func(r *driver.Row) { rows = append(rows, *r) })
		if err != nil || next == d.next {
			return err
		}
		entries, err := d.l.entries(ctx, "", rows)
		if err != nil {
			return err
		}
		at := detected{Next: next, At: d.l.cfg.Now().UTC()} // where all that is new is gone
		var found []audit.Event
		for _, e := range entries {
			at.At = earlier(e.Time, e.LoggedAt) // a time of the future would hide what came before it
			found = append(found, d.feed(e)...)
		}
		if err := d.write(ctx, at, found); err != nil {
			return err
		}
		d.next = next
		d.version++
	}
}

// feed gives an event to every rule. Findings are not looked at again.
func (d *detector) feed(e Entry) []audit.Event {
	if e.Type == "detection" {
		return nil
	}
	var found []audit.Event
	for i, rule := range d.rules {
		for _, f := range rule(e) {
			found = append(found, f.event(d.l.cfg.Detections[i].Name, e.Time))
		}
	}
	return found
}

// event has an id by what was found, so that it is recorded once. An address is kept where
// events have theirs, which is encrypted.
func (f Finding) event(name string, at time.Time) audit.Event {
	sum := sha256.Sum256([]byte(name + "\x00" + f.Subject.Kind + ":" + f.Subject.ID + "\x00" + strings.Join(f.Because, " ")))
	e := audit.Event{
		ID: "finding:" + hex.EncodeToString(sum[:16]), Time: at, Type: "detection", Action: "detection." + name, Outcome: audit.Success,
		Target: f.Subject, Organization: f.Organization, Source: "auth0kit/detect", Metadata: map[string]string{"because": f.because()},
	}
	if _, err := netip.ParseAddr(f.Subject.ID); err == nil && f.Subject.Kind == "address" {
		e.Target, e.IP = audit.Ref{}, f.Subject.ID
	}
	e.Target = withoutPseudonym(e.Target)
	return e
}

// because has as many ids as there is room for.
func (f Finding) because() string {
	var out string
	for _, id := range f.Because[:min(len(f.Because), 20)] {
		if len(out)+1+len(id) > audit.MaxValue {
			break
		}
		out += " " + id
	}
	return strings.TrimPrefix(out, " ")
}

// write records the findings and moves the cursor in one transaction. When another
// process was faster, this one no longer leads.
func (d *detector) write(ctx context.Context, at detected, found []audit.Event) error {
	cursor, err := writeOf(kindCursor, detectCursor, at, d.version)
	if err != nil {
		return err
	}
	now, err := d.l.loggedAt(ctx)
	if err != nil {
		return err
	}
	kept := found[:0]
	for _, e := range found {
		if e.LoggedAt = now; check(&e) == nil { // a rule of the program's own may name what no event can have
			kept = append(kept, e)
		}
	}
	rows, err := d.l.encode(ctx, kept...)
	if err != nil {
		return err
	}
	if err := d.l.require(ctx, rows...); err != nil {
		return err
	}
	err = d.l.append(ctx, rows[:min(len(rows), driver.MaxBatch)], cursor)
	if errors.Is(err, driver.ErrConflict) {
		return fmt.Errorf("%w: detections", driver.ErrFenced)
	}
	return err
}
