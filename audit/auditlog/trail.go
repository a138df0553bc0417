package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/auth0kit/auth0kit/audit"
)

// Trail is one organization's view of the log: it reaches no event of another
// organization, and none without one.
type Trail struct {
	log *Log
	org string
}

// Trail returns the view of an organization. An empty id is an error.
func (l *Log) Trail(orgID string) (*Trail, error) {
	if orgID == "" || len(orgID) > audit.MaxID {
		return nil, fmt.Errorf("auditlog: orgID must have 1 to %d bytes", audit.MaxID)
	}
	return &Trail{l, orgID}, nil
}

// within narrows a filter to the organization.
func (t *Trail) within(f Filter) (Filter, error) {
	if f.Organization != "" && f.Organization != t.org {
		return f, errors.New("auditlog: Filter.Organization is not the trail's")
	}
	f.Organization = t.org
	return f, nil
}

// Query does what Query of a Log does, within the organization.
func (t *Trail) Query(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	f, err := t.within(f)
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return t.log.Query(ctx, f)
}

// Report does what Report of a Log does, within the organization.
func (t *Trail) Report(ctx context.Context, p Period) (*Report, error) {
	return t.log.report(ctx, t.org, p)
}

// Archive does what Archive of a Log does, within the organization.
func (t *Trail) Archive(ctx context.Context, w io.Writer, f Filter, kept ...[]byte) error {
	f, err := t.within(f)
	if err != nil {
		return err
	}
	return t.log.Archive(ctx, w, f, kept...)
}

// Prove does what Prove of a Log does. An event that is not the organization's is
// not found.
func (t *Trail) Prove(ctx context.Context, eventID string) (*Proof, error) {
	rows, err := t.log.store.Find(ctx, []string{eventID})
	if err != nil {
		return nil, fmt.Errorf("auditlog: reading an event: %w", err)
	}
	if len(rows) == 0 || rows[0].Organization != t.org {
		return nil, ErrNotFound
	}
	if _, err := parseLeafOf(t.org, rows[0]); err != nil {
		return nil, err
	}
	return t.log.Prove(audit.NewContext(ctx, t.origin(ctx)), eventID)
}

// origin is the context's, with the organization, so that the reading is in the
// organization's trail.
func (t *Trail) origin(ctx context.Context) audit.Origin {
	o := audit.FromContext(ctx)
	o.Organization = t.org
	return o
}
