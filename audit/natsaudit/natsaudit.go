// Package natsaudit publishes the events of an audit log to NATS JetStream.
//
//	js, err := jetstream.New(conn)
//	…
//	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
//		Name: "AUDIT", Subjects: []string{"audit.>"}, Duplicates: 15 * time.Minute,
//	})
//	…
//	deliver, err := natsaudit.New(js, natsaudit.Config{Prefix: "audit"})
//	…
//	events, err := auditlog.New(store, seal, auditlog.Config{
//		Sinks: []auditlog.Sink{{Name: "nats", Policy: auditlog.Durable, Deliver: deliver}},
//	})
//
// The events of an organization have a subject of their own, "audit.org.org_abc", so that
// a subscriber can be allowed to read that one alone. Those without an organization are
// under "audit.log" and checkpoints under "audit.checkpoint". Bytes of an organization's id
// other than ASCII letters, digits, "_" and "-" are written as "=" and two hexadecimal
// digits.
//
// Each message has the subject and the event's id as its Nats-Msg-Id. JetStream drops a
// repetition within the Duplicates of the stream, two minutes unless you say otherwise; a
// sink that fails is tried again after up to five minutes, so give it more. Receivers ignore
// an id that they have.
package natsaudit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/encode"
)

// Config holds what a Deliver needs to know of the subjects.
type Config struct {
	Prefix   string          // Of every subject: "audit", or "logs.audit". Each log needs its own. Required.
	Encoding auditlog.Format // Defaults to JSON.
}

var prefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// New returns a Deliver that publishes events one by one, in order, and waits until
// JetStream has stored each. A message that is larger than the server or the stream
// takes is rejected; any other failure is tried again, a full stream too.
func New(js jetstream.JetStream, cfg Config) (auditlog.Deliver, error) {
	if js == nil || !prefix.MatchString(cfg.Prefix) {
		return nil, errors.New("natsaudit: js must not be nil, nor Config.Prefix other than names with dots between them")
	}
	if err := encode.Check(cfg.Encoding); err != nil {
		return nil, err
	}
	return func(ctx context.Context, d auditlog.Delivery) error {
		for _, e := range d.Entries {
			text, err := encode.Event(cfg.Encoding, e)
			if err != nil {
				return err
			}
			subject := cfg.Prefix + ".log"
			if e.Organization != "" {
				subject = cfg.Prefix + ".org." + token(e.Organization)
			}
			if err := publish(ctx, js, subject, e.ID, text); err != nil {
				return err
			}
		}
		if len(d.Checkpoint) == 0 {
			return nil
		}
		text, err := json.Marshal(map[string]string{"checkpoint": string(d.Checkpoint)})
		if err != nil {
			return fmt.Errorf("natsaudit: encoding a checkpoint: %w", err)
		}
		return publish(ctx, js, cfg.Prefix+".checkpoint", d.Key, text)
	}, nil
}

// token is an id as one token of a subject. No two ids have the same one.
func token(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		if c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func publish(ctx context.Context, js jetstream.JetStream, subject, id string, text []byte) error {
	_, err := js.Publish(ctx, subject, text, jetstream.WithMsgID(subject+":"+id))
	refused, ok := errors.AsType[*jetstream.APIError](err)
	if errors.Is(err, nats.ErrMaxPayload) || ok && refused.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum {
		return fmt.Errorf("%w: %w", auditlog.ErrRejected, err)
	}
	if err != nil {
		return fmt.Errorf("natsaudit: publishing: %w", err)
	}
	return nil
}
