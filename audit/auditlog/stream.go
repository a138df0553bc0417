package auditlog

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// Stream sends an organization's events to where the organization wants them. It is
// data in the store: every process has it, and it outlives them.
type Stream struct {
	ID        string // Of PutStream; empty for a new one.
	Kind      string // A key of Config.Kinds.
	Target    Target
	Filter    Filter // Within the organization.
	Cleartext bool   // See Sink.
}

// LogValue hides the target.
func (s Stream) LogValue() slog.Value {
	return secret.Shown(slog.String("id", s.ID), slog.String("kind", s.Kind))
}

// Format hides the target from package fmt.
func (s Stream) Format(f fmt.State, _ rune) { secret.Format(f, s) }

// StreamStatus is a stream without its secrets, and how it is doing.
type StreamStatus struct {
	ID, Kind string
	Host     string // Of the target: the rest of a URL may be a secret.
	Filter   Filter
	SinkStatus
}

const (
	kindStream = "stream" // By organization and id.
	maxStreams = 10       // Of one organization.
	minSecret  = 24       // Bytes, as Standard Webhooks asks.
)

// streamRecord is a stream as it is stored.
type streamRecord struct {
	Organization string `json:"org"`
	Kind         string `json:"kind"`
	Target       []byte `json:"target"` // Sealed with the log's keys.
	Filter       Filter `json:"filter"`
	Cleartext    bool   `json:"cleartext,omitempty"`
}

// ErrNoStream is returned when the organization has no stream of that id.
var ErrNoStream = errors.New("auditlog: the organization has no such stream")

func streamKey(org, id string) string { return orgKey(org) + "/" + id }

// PutStream creates a stream, or changes the one with its ID, and records that as
// "audit.stream_put". A new stream begins with what is sealed next. The answer has the
// secrets that were made, this once: when the target brings none, a new stream gets
// one, and an old one keeps its own. The Kind decides which targets it takes.
func (t *Trail) PutStream(ctx context.Context, s Stream) (Stream, error) {
	f, err := t.within(s.Filter)
	if err != nil {
		return Stream{}, err
	}
	old, version, err := t.streamOf(ctx, s.ID)
	if err != nil {
		return Stream{}, err
	}
	shown := s
	switch {
	case s.ID == "":
		if err := t.room(ctx); err != nil {
			return Stream{}, err
		}
		if s.ID = rand.Text(); len(s.Target.Secrets) == 0 {
			s.Target.Secrets = []string{newSecret()}
		}
		shown.ID, shown.Target.Secrets = s.ID, slices.Clone(s.Target.Secrets)
	case len(s.Target.Secrets) == 0:
		s.Target.Secrets, shown.Target.Secrets = old.Target.Secrets, nil
	}
	if _, err := t.log.streamDeliver(s); err != nil {
		return Stream{}, err
	}
	text, err := json.Marshal(target(s.Target))
	if err != nil {
		return Stream{}, fmt.Errorf("auditlog: encoding a stream: %w", err)
	}
	sealed := t.log.ring.Seal(text, []byte(streamKey(t.org, s.ID)))
	w, err := writeOf(kindStream, streamKey(t.org, s.ID), streamRecord{t.org, s.Kind, sealed, f, s.Cleartext}, version)
	if err != nil {
		return Stream{}, err
	}
	e := sinkEvent("audit.stream_put", audit.Success, "stream/"+s.ID, t.org, map[string]string{"kind": s.Kind})
	if version > 0 {
		return shown, t.log.recordWith(ctx, e, w)
	}
	h, _, err := readHead(ctx, t.log.store)
	if err != nil {
		return Stream{}, fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	place, err := writeOf(kindCursor, sinkKey("stream/"+s.ID), outbox{Next: h.Size, State: Active}, 0)
	if err != nil {
		return Stream{}, err
	}
	return shown, t.log.recordWith(ctx, e, w, place)
}

// target is a Target whose JSON has everything.
type target Target

func newSecret() string {
	b := make([]byte, minSecret)
	rand.Read(b)
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// room refuses an organization that has all the streams that it may have.
func (t *Trail) room(ctx context.Context) error {
	all, err := t.records(ctx)
	if err == nil && len(all) >= maxStreams {
		err = fmt.Errorf("auditlog: the organization has %d streams already", maxStreams)
	}
	return err
}

// streamDeliver makes what delivers to a stream's target.
func (l *Log) streamDeliver(s Stream) (Deliver, error) {
	kind := l.cfg.Kinds[s.Kind]
	if kind == nil {
		return nil, fmt.Errorf("auditlog: Stream.Kind %q is none of Config.Kinds", s.Kind)
	}
	return kind(s.Target)
}

// streamOf reads a stream; version is 0 and there is no error when id is empty.
func (t *Trail) streamOf(ctx context.Context, id string) (Stream, int64, error) {
	if id == "" {
		return Stream{}, 0, nil
	}
	records, err := t.log.store.Get(ctx, kindStream, streamKey(t.org, id))
	if err != nil {
		return Stream{}, 0, fmt.Errorf("auditlog: reading streams: %w", err)
	}
	if len(records) == 0 {
		return Stream{}, 0, ErrNoStream
	}
	s, _, err := t.log.openStream(records[0])
	return s, records[0].Version, err
}

// openStream opens a stored stream and says whose it is.
func (l *Log) openStream(r driver.Record) (Stream, string, error) {
	var stored streamRecord
	if err := readRecord(kindStream, r, &stored); err != nil {
		return Stream{}, "", err
	}
	_, id, _ := strings.Cut(r.Key, "/")
	if r.Key != streamKey(stored.Organization, id) || stored.Filter.Organization != stored.Organization {
		return Stream{}, "", errors.New("auditlog: a stream is not where its organization's streams are")
	}
	text, err := l.ring.Open(stored.Target, []byte(r.Key))
	if err != nil {
		return Stream{}, "", fmt.Errorf("auditlog: Seal.Keys do not open a stream: %w", err)
	}
	s := Stream{ID: id, Kind: stored.Kind, Filter: stored.Filter, Cleartext: stored.Cleartext}
	err = json.Unmarshal(text, (*target)(&s.Target))
	return s, stored.Organization, err
}

func (t *Trail) records(ctx context.Context) ([]driver.Record, error) {
	all, err := t.log.store.List(ctx, kindStream, streamKey(t.org, ""), false, maxStreams+1)
	if err != nil {
		return nil, fmt.Errorf("auditlog: reading streams: %w", err)
	}
	return slices.DeleteFunc(all, func(r driver.Record) bool { return !strings.HasPrefix(r.Key, streamKey(t.org, "")) }), nil
}

// runner returns what delivers to a stream of the organization.
func (t *Trail) runner(ctx context.Context, id string) (*runner, int64, error) {
	s, version, err := t.streamOf(ctx, id)
	if err != nil || version == 0 {
		return nil, 0, cmp.Or(err, ErrNoStream)
	}
	return t.log.streamRunner(s, t.org), version, nil
}

// streamRunner returns what delivers to a stream. One whose Kind the program no longer has
// fails, until it is disabled: retention would wait for it for ever otherwise.
func (l *Log) streamRunner(s Stream, org string) *runner {
	deliver, err := l.streamDeliver(s)
	if err != nil {
		deliver = func(context.Context, Delivery) error { return err }
	}
	name := "stream/" + s.ID
	return &runner{l: l, name: name, org: org, sink: Sink{Name: name, Policy: Durable, Filter: s.Filter, Deliver: deliver, Cleartext: s.Cleartext}}
}

// Streams returns the organization's streams, without secrets.
func (t *Trail) Streams(ctx context.Context) ([]StreamStatus, error) {
	records, err := t.records(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]StreamStatus, len(records))
	for i, r := range records {
		s, _, err := t.log.openStream(r)
		if err != nil {
			return nil, err
		}
		all[i] = StreamStatus{ID: s.ID, Kind: s.Kind, Host: hostOf(s.Target.URL), Filter: s.Filter}
		if all[i].SinkStatus, err = (&runner{l: t.log, name: "stream/" + s.ID}).status(ctx); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// RemoveStream ends a stream and forgets its secrets, its place and its dead letters.
// It is recorded as "audit.stream_remove".
func (t *Trail) RemoveStream(ctx context.Context, id string) error {
	_, version, err := t.streamOf(ctx, id)
	if err != nil || version == 0 {
		return cmp.Or(err, ErrNoStream)
	}
	r := &runner{l: t.log, name: "stream/" + id}
	if err := r.dead(ctx, func(record driver.Record) error { return r.dropDead(ctx, record) }); err != nil {
		return err
	}
	e := sinkEvent("audit.stream_remove", audit.Success, "stream/"+id, t.org, nil)
	return t.log.recordWith(ctx, e, driver.Write{Kind: kindStream, Key: streamKey(t.org, id), Version: version},
		driver.Write{Kind: kindCursor, Key: sinkKey("stream/" + id), Version: driver.Any})
}

// PauseStream, ResumeStream and RedeliverStream do what PauseSink, ResumeSink and
// Redeliver of a Log do. A replay begins within the organization's own events.
func (t *Trail) PauseStream(ctx context.Context, id, reason string) error {
	r, _, err := t.runner(ctx, id)
	if err != nil {
		return err
	}
	return r.pause(ctx, reason)
}

// ResumeStream lets a stream go on, see PauseStream.
func (t *Trail) ResumeStream(ctx context.Context, id string, from time.Time) error {
	r, _, err := t.runner(ctx, id)
	if err != nil {
		return err
	}
	return r.resume(ctx, from)
}

// RedeliverStream delivers dead letters again, see PauseStream.
func (t *Trail) RedeliverStream(ctx context.Context, id string) (int, error) {
	r, _, err := t.runner(ctx, id)
	if err != nil {
		return 0, err
	}
	return r.redeliver(ctx)
}

// TestStream sends one event "audit.test", which is not in the log, to the target of a
// stream that need not be stored, and returns what came of it.
func (t *Trail) TestStream(ctx context.Context, s Stream) error {
	if s.ID != "" {
		stored, _, err := t.streamOf(ctx, s.ID)
		if err != nil {
			return err
		}
		s = stored
	}
	if len(s.Target.Secrets) == 0 {
		s.Target.Secrets = []string{newSecret()} // of the moment
	}
	deliver, err := t.log.streamDeliver(s)
	if err != nil {
		return err
	}
	e := sinkEvent("audit.stream_test", audit.Success, "stream/"+s.ID, t.org, map[string]string{"kind": s.Kind})
	if err := t.log.recordWith(ctx, e); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	test := audit.Event{ID: rand.Text(), Time: t.log.cfg.Now().UTC(), Type: "audit", Action: "audit.test", Outcome: audit.Success, Organization: t.org, Source: "auth0kit/auditlog"}
	if err := deliver(ctx, Delivery{Key: "test:" + test.ID, Entries: []Entry{{Event: test}}}); err != nil {
		return fmt.Errorf("auditlog: the test was not taken: %s", classOf(err))
	}
	return nil
}
