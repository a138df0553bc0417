package audit

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Recorder records events. Implementations are safe for concurrent use, keep no
// reference to the event's maps after they return, and return an error unless the
// event is stored as safely as they document.
type Recorder interface {
	Record(ctx context.Context, e Event) error
}

// Discard records nothing. It is what a nil Recorder in a Config means.
var Discard Recorder = discard{}

type discard struct{}

func (discard) Record(context.Context, Event) error { return nil }

// ErrNotRecorded is returned when an event is not in the log. A method that grants
// something then undoes it; a method that takes something away leaves it done and
// joins this error to its own.
var ErrNotRecorded = errors.New("audit: not recorded")

// Record completes e from ctx, validates it and hands it to r; a nil r is Discard.
// Fields set in e win over the context. Times become UTC, truncated to
// microseconds, as stores keep them. Any error is ErrNotRecorded.
func Record(ctx context.Context, r Recorder, e Event) error {
	e = e.complete(ctx)
	if err := e.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	if r == nil {
		return nil
	}
	if err := r.Record(ctx, e); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotRecorded, e.Action, err)
	}
	return nil
}

// Origin holds where a request comes from, who makes it, and what it belongs to.
type Origin struct {
	Actor        Ref
	OnBehalfOf   Ref
	Correlation  string
	IP           string
	UserAgent    string
	Organization string
}

type originKey struct{}

// NewContext returns a context whose events carry o.
func NewContext(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// FromContext returns what NewContext put into ctx, or the zero Origin.
func FromContext(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

func (e Event) complete(ctx context.Context) Event {
	o := FromContext(ctx)
	if e.ID == "" {
		e.ID = rand.Text()
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Actor = cmp.Or(e.Actor, o.Actor)
	e.OnBehalfOf = cmp.Or(e.OnBehalfOf, o.OnBehalfOf)
	e.Correlation = clean(cmp.Or(e.Correlation, o.Correlation), MaxID)
	e.IP, _, _ = strings.Cut(cmp.Or(e.IP, o.IP), "%")
	e.UserAgent = clean(cmp.Or(e.UserAgent, o.UserAgent), MaxValue)
	e.Organization = cmp.Or(e.Organization, o.Organization)
	return e.stored()
}

// stored is e with its times as stores keep them: Postgres rounds what is finer
// than a microsecond, and a proof must be of what is read back.
func (e Event) stored() Event {
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	e.LoggedAt = e.LoggedAt.UTC().Truncate(time.Microsecond)
	return e
}

// clean bounds what a client may send freely, a User-Agent or the id of a
// request: neither must be able to keep a login out of the log.
func clean(s string, limit int) string {
	cut := strings.ToValidUTF8(s[:min(len(s), limit)], "")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, cut)
}
