package auditlog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// matcher returns whether rows pass a filter.
func (l *Log) matcher(ctx context.Context, f Filter) (func(*driver.Row) bool, error) {
	d, none, err := l.resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	return func(r *driver.Row) bool {
		return !none && is(d.Type, r.Type) && is(d.Action, r.Action) && is(d.Organization, r.Organization) && is(d.Correlation, r.Correlation) &&
			(d.Outcome == nil || *d.Outcome == r.Outcome) && (d.Subject == "" || slices.Contains([]string{r.Actor, r.OnBehalfOf, r.Target}, d.Subject)) &&
			!r.At.Before(d.From) && (d.To.IsZero() || r.At.Before(d.To))
	}, nil
}

func is(want, got string) bool { return want == "" || want == got }

// sinkEntries opens rows as a sink may see them.
func (l *Log) sinkEntries(ctx context.Context, s Sink, rows []driver.Row) ([]Entry, error) {
	if s.Cleartext {
		entries, err := l.entries(ctx, s.Filter.Organization, rows)
		for i := range entries {
			entries[i].Pseudonyms = pseudonymsOf(&rows[i], &entries[i])
		}
		return entries, err
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		leaf, err := parseLeafOf(s.Filter.Organization, r)
		if err != nil {
			return nil, err
		}
		e, _, err := leaf.event(nil)
		if err != nil {
			return nil, err
		}
		entries[i] = Entry{Event: e, Sealed: r.Sealed, Index: r.Index}
	}
	return entries, nil
}

// require delivers events to the sinks that Record waits for.
func (l *Log) require(ctx context.Context, rows ...driver.Event) error {
	for _, s := range l.cfg.Sinks {
		if s.Policy != Required {
			continue
		}
		match, err := l.matcher(ctx, s.Filter)
		if err != nil {
			return err
		}
		for _, e := range rows {
			row := driver.Row{Event: e}
			if !match(&row) {
				continue
			}
			entries, err := l.sinkEntries(ctx, s, []driver.Row{row})
			if err != nil {
				return err
			}
			limited, cancel := context.WithTimeout(ctx, deliverTimeout)
			err = s.Deliver(limited, Delivery{Key: s.Name + ":" + e.ID, Entries: entries})
			cancel()
			if err != nil {
				return fmt.Errorf("auditlog: sink %q: %s", s.Name, classOf(err))
			}
		}
	}
	return nil
}

// pseudonymsOf pairs the users of an entry with what its row calls them.
func pseudonymsOf(r *driver.Row, e *Entry) map[string]string {
	out := make(map[string]string)
	for _, p := range []struct {
		ref    audit.Ref
		column string
	}{{e.Actor, r.Actor}, {e.OnBehalfOf, r.OnBehalfOf}, {e.Target, r.Target}} {
		if name, ok := strings.CutPrefix(p.column, person+":"); ok && name != p.ref.ID {
			out[p.ref.ID] = name
		}
	}
	return out
}
