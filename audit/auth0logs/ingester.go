package auth0logs

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Reader reads the tenant log by checkpoint. *management.Client is one.
type Reader interface {
	// Logs yields the entries after the one with this id, in the order of ids, up to
	// the newest; "" begins with the oldest.
	Logs(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error]
}

// Log takes the events. *auditlog.Log is one.
type Log interface {
	Cursor(ctx context.Context, source string) (string, error)
	Ingest(ctx context.Context, b auditlog.Batch) (added int, err error)
}

// Ingester reads one tenant's log. It is safe for concurrent use.
type Ingester struct {
	tenant string
	reader Reader
	log    Log
	cfg    Config
}

// New returns an Ingester for a tenant, such as "shop.eu.auth0.com". It does no I/O.
func New(tenant string, r Reader, log Log, cfg Config) (*Ingester, error) {
	if tenant == "" || len(tenant) > 150 || strings.ContainsAny(tenant, " \t\r\n") {
		return nil, errors.New("auth0logs: tenant must be a domain such as \"shop.eu.auth0.com\"")
	}
	if r == nil || log == nil {
		return nil, errors.New("auth0logs: reader or log is nil")
	}
	for _, a := range cfg.Authorization {
		if len(a) < minAuthorization {
			return nil, errors.New("auth0logs: Config.Authorization needs at least 16 random bytes: there is no other protection")
		}
	}
	if cfg.Retention == 0 {
		cfg.Retention = 24 * time.Hour
	}
	if cfg.Behind == 0 {
		if cfg.Behind = time.Minute; len(cfg.Authorization) > 0 {
			cfg.Behind = 5 * time.Minute
		}
	}
	if cfg.Every == 0 {
		cfg.Every = 30 * time.Second
	}
	if cfg.Retention < 0 || cfg.Behind < 0 || cfg.Every < 0 {
		return nil, errors.New("auth0logs: Config has a negative duration")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Ingester{tenant, r, log, cfg}, nil
}

// Source is the name of this log in reports: "auth0:" and the tenant.
func (i *Ingester) Source() string { return "auth0:" + i.tenant }

// Run reads until ctx ends, and returns its error. What fails is tried again at the
// next time; the report shows for which time the log is complete.
func (i *Ingester) Run(ctx context.Context) error {
	for {
		_ = i.Poll(ctx) // the report shows what is missing
		if err := retry.Sleep(ctx, i.cfg.Every); err != nil {
			return err
		}
	}
}

const batchSize = 500

// Poll reads once what is new, for programs that have a scheduler of their own. Run
// does it again and again. When another process is faster it returns nil.
func (i *Ingester) Poll(ctx context.Context) error {
	stored, err := i.log.Cursor(ctx, i.Source())
	if err != nil {
		return err
	}
	p := pass{Ingester: i, at: parseCursor(stored), end: i.cfg.Now().UTC().Add(-i.cfg.Behind)}
	p.begin()
	for entry, err := range i.reader.Logs(ctx, p.at.id) {
		if err != nil {
			return err
		}
		if !p.order(entry).Before(p.end) {
			break // entries that come before this one may still become visible
		}
		p.take(entry)
		if len(p.entries) == batchSize {
			if err := p.store(ctx, p.settled()); err != nil {
				return ignoreMoved(err)
			}
		}
	}
	return ignoreMoved(p.store(ctx, p.end))
}

func ignoreMoved(err error) error {
	if errors.Is(err, auditlog.ErrCursorMoved) {
		return nil
	}
	return err
}

// cursor is the id of the last entry, and up to when the log was read with it. As
// text: the id, a space and the time.
type cursor struct {
	id string
	at time.Time
}

func parseCursor(text string) cursor {
	id, at, _ := strings.Cut(text, " ")
	c := cursor{id: id}
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
		c.at = t
	} else if t, ok := idTime(id); ok {
		c.at = t
	}
	return c
}

func (c cursor) String() string {
	if c.at.IsZero() {
		return ""
	}
	return c.id + " " + c.at.UTC().Format(time.RFC3339Nano)
}

// pass is one reading from the cursor up to a time.
type pass struct {
	*Ingester
	at      cursor
	end     time.Time
	started bool // The beginning of what is covered is known.
	since   time.Time
	lost    []auditlog.Hole
	entries []resource.LogEntry
}

// begin decides from when this pass is complete: from the last one on, unless that is
// longer ago than Auth0 keeps entries.
func (p *pass) begin() {
	if p.at.at.IsZero() {
		return // from the first entry on
	}
	if p.since = p.at.at; !p.since.Before(p.end.Add(-p.cfg.Retention)) {
		p.started = true
	}
}

func (p *pass) take(e resource.LogEntry) {
	p.start(p.order(e))
	p.entries = append(p.entries, e)
}

// start sets the beginning by the oldest entry that was still there.
func (p *pass) start(first time.Time) {
	if p.started {
		return
	}
	if !p.since.IsZero() && p.since.Before(first) {
		p.lost = []auditlog.Hole{{Period: auditlog.Period{From: p.since, To: first}, Reason: "retention"}}
	}
	p.since, p.started = first, true
}

// timeOf is when an entry happened. One that does not say so is taken as old.
func (p *pass) timeOf(e resource.LogEntry) time.Time { return timeOf(e, p.end.Add(-time.Second)) }

// order is when an entry has its place among the others: its date, unless the id, by which
// they are ordered, says something else by more than an hour. A date of the future must not
// hold up what follows, and none may move what is complete.
func (p *pass) order(e resource.LogEntry) time.Time {
	t := p.timeOf(e)
	if id, ok := idTime(e.ID); ok && t.Sub(id).Abs() > time.Hour {
		t = id
	}
	if t.After(p.end.Add(p.cfg.Behind + time.Hour)) {
		t = p.end.Add(-time.Second)
	}
	return t
}

// settled is up to when the entries so far are complete: entries are ordered by id,
// which is only about the order of their times.
func (p *pass) settled() time.Time {
	return p.order(p.entries[len(p.entries)-1]).Add(-p.cfg.Behind)
}

// store ingests the entries with the cursor, and what is complete now.
func (p *pass) store(ctx context.Context, until time.Time) error {
	switch {
	case p.started:
	case p.since.IsZero():
		p.start(until) // an empty log: complete from now on
	default:
		p.start(p.end.Add(-p.cfg.Retention)) // nothing is there any more
	}
	next := cursor{id: p.at.id, at: p.at.at}
	if until.After(next.at) {
		next.at = until
	}
	b := auditlog.Batch{Source: p.Source(), After: p.at.String(), Lost: p.lost}
	for _, e := range p.entries {
		b.Events = append(b.Events, eventOf(p.tenant, e, p.end.Add(-time.Second)))
		next.id = cmp.Or(e.ID, next.id)
	}
	if b.Cursor = next.String(); p.since.Before(until) {
		b.Covered = auditlog.Period{From: p.since, To: until}
	}
	added, err := p.log.Ingest(ctx, b)
	if err != nil {
		return err
	}
	gap := gapOf(p, added)
	p.at, p.lost, p.entries = next, nil, nil
	if gap.Action == "" {
		return nil
	}
	_, err = p.log.Ingest(ctx, auditlog.Batch{Source: p.Source(), Events: []audit.Event{gap}})
	return err
}

// gapOf is the event that says what the stream did not bring; the zero Event when
// there is no stream, or it brought all.
func gapOf(p *pass, added int) audit.Event {
	if added == 0 || len(p.cfg.Authorization) == 0 {
		return audit.Event{}
	}
	reason := "lost"
	if added == len(p.entries) {
		reason = "silent"
	}
	first, last := p.entries[0], p.entries[len(p.entries)-1]
	return audit.Event{
		ID: clean("gap:"+p.Source()+":"+last.ID, audit.MaxID), Time: p.end, Type: "audit", Action: "audit.stream_gap", Outcome: audit.Failure, Reason: reason,
		Source: p.Source(), Target: audit.Ref{Kind: "source", ID: p.Source()}, Metadata: map[string]string{
			"missed": strconv.Itoa(added), "of": strconv.Itoa(len(p.entries)), "from": p.timeOf(first).UTC().Format(time.RFC3339), "to": p.timeOf(last).UTC().Format(time.RFC3339),
		},
	}
}
