package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Recorder takes events. Implementations are safe for concurrent use, keep no
// reference to the event's maps after they return, and return an error unless
// the event is as safe as they promise.
type Recorder interface {
	Record(ctx context.Context, e Event) error
}

// Discard records nothing. It is what a nil Recorder in a Config means.
var Discard Recorder = discard{}

type discard struct{}

func (discard) Record(context.Context, Event) error { return nil }

// ErrNotRecorded says that an event is not in the log. A verb that gives
// somebody more undoes itself then; one that takes away stays done and joins
// this error to its own.
var ErrNotRecorded = errors.New("audit: not recorded")

// Record completes e from ctx, validates it and hands it to r; a nil r is
// Discard. What stands in e wins over the context. Any error is ErrNotRecorded.
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

// Origin is where a request comes from and who makes it.
type Origin struct {
	Actor        Ref
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
	e.Time = e.Time.UTC()
	if e.Actor.IsZero() {
		e.Actor = o.Actor
	}
	e.IP = orDefault(e.IP, o.IP)
	e.UserAgent = clean(orDefault(e.UserAgent, o.UserAgent))
	e.Organization = orDefault(e.Organization, o.Organization)
	return e
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// clean bounds what a client may send freely: a hostile User-Agent must not be
// able to keep a login out of the log.
func clean(userAgent string) string {
	cut := strings.ToValidUTF8(userAgent[:min(len(userAgent), MaxValue)], "")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, cut)
}
