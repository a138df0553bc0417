package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// ErrCursorMoved is returned by Ingest when the source's cursor is not Batch.After:
// another process was faster. Read the cursor again.
var ErrCursorMoved = errors.New("auditlog: another process has moved the cursor of this source")

// Batch holds events that another log has recorded, such as Auth0's.
type Batch struct {
	Source string // Such as "auth0:tenant.eu.auth0.com"; required.
	// After is the cursor that these events follow, and Cursor the one after them.
	// Leave both empty for events that have no order, as those of a stream.
	After, Cursor string
	Covered       Period        // In which these events and the ones before are complete, as the source's answers show; zero for nothing.
	Lost          []Hole        // What nobody can fill any more.
	Events        []audit.Event // With an ID each, which makes repeating them harmless.
}

// Hole is a time about which events of a source are missing.
type Hole struct {
	Period
	Reason string `json:"reason"` // A lower-case name: "retention", "not_read".
}

const kindSource = "source"

// source is what is known of another log.
type source struct {
	Cursor  string   `json:"cursor,omitempty"`
	Covered []Period `json:"covered,omitempty"` // Ordered and apart.
	Lost    []Hole   `json:"lost,omitempty"`
}

// Cursor returns how far a source was ingested: the Cursor of the last Batch, ""
// before the first.
func (l *Log) Cursor(ctx context.Context, name string) (string, error) {
	var s source
	_, err := readState(ctx, l.store, kindSource, orgKey(name), &s)
	return s.Cursor, err
}

// Ingest records events of another log, with the source's cursor and coverage in
// the same transaction, and returns how many were new. Events that are there
// already are left out. An event that is not valid refuses the whole batch, which
// may have 4,096 events.
func (l *Log) Ingest(ctx context.Context, b Batch) (added int, err error) {
	if b.Source == "" {
		return 0, errors.New("auditlog: Batch.Source is empty")
	}
	if len(b.Events) > driver.MaxBatch {
		return 0, fmt.Errorf("auditlog: Batch has %d events; %d are allowed", len(b.Events), driver.MaxBatch)
	}
	rows, err := l.ingestRows(ctx, b.Events)
	if err != nil {
		return 0, err
	}
	for range 10 {
		var s named
		s.Name = b.Source
		version, err := readState(ctx, l.store, kindSource, orgKey(b.Source), &s)
		if err != nil {
			return 0, err
		}
		if s.Cursor != b.After && b.Cursor != "" {
			return 0, ErrCursorMoved
		}
		fresh, err := l.withoutStored(ctx, withoutRepeated(rows))
		if err != nil {
			return 0, err
		}
		var writes []driver.Write
		if s.take(b) {
			w, err := writeOf(kindSource, orgKey(b.Source), s, version)
			if err != nil {
				return 0, err
			}
			writes = append(writes, w)
		}
		if len(fresh)+len(writes) == 0 {
			return 0, nil
		}
		if err := l.require(ctx, fresh...); err != nil {
			return 0, err
		}
		err = l.store.Append(ctx, driver.Batch{Events: fresh, Hashes: hashesOf(fresh), Writes: writes})
		if err == nil {
			return len(fresh), nil
		}
		if !errors.Is(err, driver.ErrConflict) && !errors.Is(err, driver.ErrExists) {
			return 0, fmt.Errorf("auditlog: storing %d events: %w", len(fresh), err)
		}
	}
	return 0, ErrCursorMoved
}

// named is a source with its name, which a key cannot hold.
type named struct {
	Name string `json:"name"`
	source
}

func (l *Log) ingestRows(ctx context.Context, events []audit.Event) ([]driver.Event, error) {
	now, err := l.loggedAt(ctx)
	if err != nil {
		return nil, err
	}
	checked := make([]audit.Event, len(events))
	for i, e := range events {
		if err := check(&e); err != nil {
			return nil, fmt.Errorf("auditlog: Batch.Events[%d]: %w", i, err)
		}
		e.LoggedAt, e.Time = now, e.Time.UTC().Truncate(time.Microsecond)
		checked[i] = e
	}
	return l.encode(ctx, checked...)
}

// take applies a batch, and reports whether anything has changed.
func (s *source) take(b Batch) bool {
	changed := b.Cursor != "" && b.Cursor != s.Cursor
	if changed {
		s.Cursor = b.Cursor
	}
	if b.Covered.From.Before(b.Covered.To) {
		s.Covered, changed = joined(append(s.Covered, Period{b.Covered.From.UTC(), b.Covered.To.UTC()})), true
	}
	for _, h := range b.Lost {
		h.From, h.To = h.From.UTC(), h.To.UTC()
		if h.From.Before(h.To) && !slices.Contains(s.Lost, h) {
			s.Lost, changed = append(s.Lost, h), true
		}
	}
	return changed
}

// joined returns the union of periods, ordered.
func joined(all []Period) []Period {
	all = slices.Clone(all)
	sortBy(all, func(a, b Period) int { return a.From.Compare(b.From) })
	var out []Period
	for _, p := range all {
		if n := len(out); n > 0 && !p.From.After(out[n-1].To) {
			if p.To.After(out[n-1].To) {
				out[n-1].To = p.To
			}
			continue
		}
		out = append(out, p)
	}
	return out
}

// Coverage says for which time a report has all events of a source.
type Coverage struct {
	Source string `json:"source"`
	Period        // Of the report, up to now.
	Holes  []Hole `json:"holes"` // In Period.
}

// over returns what a source covers of a period.
func (s *named) over(p Period) Coverage {
	c := Coverage{Source: s.Name, Period: p}
	at := p.From
	for _, have := range append(slices.Clone(s.Covered), Period{p.To, p.To}) {
		if have.To.Before(p.From) || have.From.After(p.To) {
			continue
		}
		if at.Before(have.From) {
			c.Holes = append(c.Holes, s.holes(Period{at, have.From})...)
		}
		if have.To.After(at) {
			at = have.To
		}
	}
	return c
}

// holes splits what is not covered by the reasons that are known.
func (s *source) holes(p Period) []Hole {
	var out []Hole
	at := p.From
	lost := slices.Clone(s.Lost)
	sortBy(lost, func(a, b Hole) int { return a.From.Compare(b.From) })
	for _, h := range lost {
		from, to := later(h.From, at), earlier(h.To, p.To)
		if !from.Before(to) {
			continue
		}
		if at.Before(from) {
			out = append(out, Hole{Period{at, from}, "not_read"})
		}
		out = append(out, Hole{Period{from, to}, h.Reason})
		at = to
	}
	if at.Before(p.To) {
		out = append(out, Hole{Period{at, p.To}, "not_read"})
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// coverage returns what all sources cover of a period.
func (l *Log) coverage(ctx context.Context, p Period) ([]Coverage, error) {
	var all []Coverage
	for after := ""; ; {
		records, err := l.store.List(ctx, kindSource, after, false, page)
		if err != nil {
			return nil, fmt.Errorf("auditlog: reading sources: %w", err)
		}
		for _, r := range records {
			var s named
			if err := readRecord(kindSource, r, &s); err != nil {
				return nil, err
			}
			all, after = append(all, s.over(p)), r.Key
		}
		if len(records) < page {
			sortBy(all, func(a, b Coverage) int { return strings.Compare(a.Source, b.Source) })
			return all, nil
		}
	}
}
