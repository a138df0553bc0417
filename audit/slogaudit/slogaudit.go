// Package slogaudit records audit events as lines of a structured log. It is for
// the first day, before there is an audit log (package auditlog): whoever keeps
// the lines can edit them, and a line is as durable as the handler's output.
//
//	events, err := slogaudit.New(slog.NewJSONHandler(os.Stderr, nil))
//	…
//	sessions, err := session.New(store, session.Config{Recorder: events})
package slogaudit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/auth0kit/auth0kit/audit"
)

// New returns a Recorder that writes each event to h at level Info, with the
// message "audit" and the event's fields under their JSON names. Personal is left
// out; ids, IP and UserAgent are written. It takes a Handler because a Logger hides
// the errors of its own. A handler that is not enabled for level Info is refused.
func New(h slog.Handler) (audit.Recorder, error) {
	if h == nil {
		return nil, errors.New("slogaudit: handler is nil")
	}
	if !h.Enabled(context.Background(), slog.LevelInfo) {
		return nil, errors.New("slogaudit: handler drops level Info, and with it every event; lower its level")
	}
	return recorder{h}, nil
}

type recorder struct{ h slog.Handler }

// Record implements audit.Recorder.
func (r recorder) Record(ctx context.Context, e audit.Event) error {
	if e.ID == "" {
		return errors.New("audit: Event.ID must be set; audit.Record does it")
	}
	if err := e.Validate(); err != nil {
		return err
	}
	line := slog.NewRecord(e.Time, slog.LevelInfo, "audit", 0)
	line.AddAttrs(attributes(e)...)
	if err := r.h.Handle(ctx, line); err != nil {
		return fmt.Errorf("slogaudit: %w", err)
	}
	return nil
}

func attributes(e audit.Event) []slog.Attr {
	attrs := []slog.Attr{slog.String("id", e.ID), slog.String("action", e.Action), slog.String("outcome", e.Outcome.String())}
	for _, f := range []struct{ name, value string }{
		{"reason", e.Reason}, {"correlation", e.Correlation}, {"ip", e.IP}, {"user_agent", e.UserAgent},
		{"organization", e.Organization}, {"source", e.Source},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.name, f.value))
		}
	}
	for _, f := range []struct {
		name string
		ref  audit.Ref
	}{{"actor", e.Actor}, {"on_behalf_of", e.OnBehalfOf}, {"target", e.Target}} {
		if !f.ref.IsZero() {
			attrs = append(attrs, slog.Group(f.name, slog.String("kind", f.ref.Kind), slog.String("id", f.ref.ID)))
		}
	}
	if len(e.Metadata) > 0 {
		attrs = append(attrs, slog.Any("metadata", e.Metadata))
	}
	return attrs
}
