package auditlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

const page = 500 // Rows of one read.

// Query returns the events that match, ordered by time and then by ID. It reads a
// page at a time; break stops reading, and an error ends the sequence. It first
// records that someone reads, as "audit.query" with the actor of ctx; if that
// fails, nothing is read.
func (l *Log) Query(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := l.access(ctx, "query", f); err != nil {
			yield(Entry{}, err)
			return
		}
		for rows, err := range l.rows(ctx, f) {
			var entries []Entry
			if err == nil {
				entries, err = l.entries(ctx, f.Organization, rows)
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// access records that the log is read.
func (l *Log) access(ctx context.Context, verb string, f Filter) error {
	return audit.Record(ctx, l, audit.Event{
		Type: "audit", Action: "audit." + verb, Target: withoutPseudonym(f.Subject), Organization: f.Organization,
		Outcome: audit.Success, Source: "auth0kit/auditlog", Metadata: f.metadata(),
	})
}

// withoutPseudonym is a reference that is no person where it names one by a pseudonym: it
// would get another.
func withoutPseudonym(r audit.Ref) audit.Ref {
	if r.Kind == person && strings.HasPrefix(r.ID, pseudonymPrefix) {
		r.Kind = "pseudonym"
	}
	return r
}

// metadata describes the filter without the person.
func (f Filter) metadata() map[string]string {
	m := make(map[string]string)
	put := func(key, value string) {
		if value != "" {
			m[key] = value
		}
	}
	put("type", f.Type)
	put("action", f.Action)
	put("correlation", f.Correlation)
	if f.Outcome != nil {
		put("outcome", f.Outcome.String())
	}
	for key, t := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !t.IsZero() {
			put(key, t.UTC().Format(time.RFC3339))
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

// resolve makes the store's filter; none is true when nobody can match.
func (l *Log) resolve(ctx context.Context, f Filter) (d driver.Filter, none bool, err error) {
	d = driver.Filter{
		Type: f.Type, Action: f.Action, Organization: f.Organization, Correlation: f.Correlation,
		Outcome: f.Outcome, From: f.From, To: f.To, Subject: column(f.Subject),
	}
	if before, _, ok := strings.Cut(f.Action, "."); ok && d.Type == "" {
		d.Type = before // which has an index
	}
	if f.Subject.Kind != person {
		return d, false, nil
	}
	index, err := l.open(ctx)
	if err != nil {
		return d, false, err
	}
	names, err := l.subjects.pseudonyms(ctx, index, []audit.Ref{f.Subject})
	if err != nil {
		return d, false, err
	}
	name, known := names[f.Subject]
	if known {
		d.Subject = person + ":" + name
	}
	return d, name == tombstone || !known && !strings.HasPrefix(f.Subject.ID, pseudonymPrefix), nil
}

// rows reads what matches, a page at a time.
func (l *Log) rows(ctx context.Context, f Filter) iter.Seq2[[]driver.Row, error] {
	return func(yield func([]driver.Row, error) bool) {
		d, none, err := l.resolve(ctx, f)
		if err != nil || none {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		for {
			rows, err := l.store.Query(ctx, d, page)
			if err != nil {
				yield(nil, fmt.Errorf("auditlog: reading events: %w", err))
				return
			}
			if !yield(rows, nil) || len(rows) < page {
				return
			}
			d.AfterAt, d.AfterID = rows[page-1].At, rows[page-1].ID
		}
	}
}

// entries opens rows with the keys that are still there. Rows that were read for an
// organization must be sealed as its own.
func (l *Log) entries(ctx context.Context, org string, rows []driver.Row) ([]Entry, error) {
	leaves := make([]*leaf, len(rows))
	var names []string
	for i, r := range rows {
		var err error
		if leaves[i], err = parseLeafOf(org, r); err != nil {
			return nil, err
		}
		for _, b := range leaves[i].Sealed {
			if !slices.Contains(names, b.Subject) {
				names = append(names, b.Subject)
			}
		}
	}
	keys, err := l.subjects.open(ctx, names)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		e := Entry{Sealed: r.Sealed, Index: r.Index}
		if e.Event, e.Forgotten, err = leaves[i].event(keys); err != nil {
			return nil, err
		}
		entries[i] = e
	}
	return entries, nil
}

// Status says how the log is doing.
type Status struct {
	Size     uint64 // Sealed events.
	Unsealed int    // Recorded and not sealed yet.
	// SealingLag is how long the oldest of those has waited. It grows when no
	// process is in Run; 5 seconds are normal under load.
	SealingLag time.Duration
	Unsummed   uint64 // Sealed events that a report still reads one by one; 10,000 are normal.
	Spooled    int    // Events of this process that wait in Config.Spool.
}

// Status returns the state of the log, read from the store. It is not recorded. With an
// error only Spooled is set.
func (l *Log) Status(ctx context.Context) (*Status, error) {
	spooled := l.spool.count()
	h, _, err1 := readHead(ctx, l.store)
	events, since, err2 := l.store.Backlog(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return &Status{Spooled: spooled}, fmt.Errorf("auditlog: status: %w", err)
	}
	var summed rolledUp
	if _, err := readState(ctx, l.store, kindCursor, rollUpCursor, &summed); err != nil {
		return &Status{Spooled: spooled}, err
	}
	s := &Status{Spooled: spooled, Size: h.Size, Unsealed: events, Unsummed: h.Size - min(summed.Next, h.Size)}
	if events > 0 {
		s.SealingLag = max(l.cfg.Now().Sub(since), 0)
	}
	return s, nil
}
