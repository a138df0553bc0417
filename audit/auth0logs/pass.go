package auth0logs

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/management/resource"
)

// shortest is for how long Auth0 keeps entries at least.
const shortest = 24 * time.Hour

// cursor is the id of the last entry before which nothing can become visible any more, and
// up to when the log is complete. As text: the id, a space and the time.
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
	state
	now     time.Time
	at      cursor
	end     time.Time
	young   bool // There is an entry that is not to be taken yet: Auth0's clock is past end.
	started bool // The beginning of what is covered is known.
	since   time.Time
	lost    []auditlog.Hole
	entries []resource.LogEntry
	last    string // Id of the last entry that was taken.
	waiting []mark // Entries that were taken and that the cursor has not passed.
}

// mark is an entry's id and when Auth0 wrote it.
type mark struct {
	id string
	at time.Time
}

func (i *Ingester) newPass(at cursor) *pass {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.cfg.Now()
	return &pass{Ingester: i, state: i.state, now: now, at: at, since: at.at, end: now.UTC().Add(-i.cfg.Behind)}
}

// ended keeps what the next pass needs.
func (i *Ingester) ended(p *pass) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.state.passed.After(p.now) {
		return // another pass was faster
	}
	i.state = p.state
	i.state.passed, i.state.stored = p.now, make(map[string]bool, len(p.waiting))
	for _, m := range p.waiting {
		i.state.stored[m.id] = true
	}
}

// begin decides from when this pass is complete: from the last one on, unless that is
// longer ago than Auth0 keeps entries. Whoever has read within that time has missed
// nothing, whatever the clock says.
func (p *pass) begin(ctx context.Context) error {
	recent := !p.passed.IsZero() && p.now.Sub(p.passed) < p.cfg.Retention
	if p.since.IsZero() || !recent && p.since.Before(p.end.Add(-p.cfg.Retention)) {
		return nil // from the first entry on
	}
	p.started = true
	if recent || !p.since.Before(p.end.Add(-shortest)) {
		return nil
	}
	for oldest, err := range p.reader.Logs(ctx, "") { // Config.Retention may be longer than the plan's
		if err != nil {
			return err
		}
		p.started = !p.order(oldest).After(p.since)
		break
	}
	return nil
}

// saw notes what an entry says of Auth0's clock.
func (p *pass) saw(e resource.LogEntry) {
	if t := p.stamp(e); t.After(p.reached()) {
		p.newest, p.seen = t, p.now
	}
}

// stamp is when Auth0 wrote an entry; zero where that is not known.
func (p *pass) stamp(e resource.LogEntry) time.Time {
	if t, ok := idTime(e.ID); ok {
		return t
	}
	if e.Time.Year() < 1970 || e.Time.After(p.now.Add(time.Hour)) {
		return time.Time{}
	}
	return e.Time
}

// reached is what Auth0's clock shows at least; zero when that is not known.
func (p *pass) reached() time.Time {
	if p.newest.IsZero() {
		return p.newest
	}
	return p.newest.Add(max(p.now.Sub(p.seen), 0))
}

// proved is up to when all entries were visible.
func (p *pass) proved() time.Time {
	if p.young {
		return p.end
	}
	if p.newest.IsZero() {
		return p.newest
	}
	return earlier(p.end, p.reached().Add(-p.cfg.Behind)).UTC()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p *pass) take(e resource.LogEntry) {
	p.start(p.order(e))
	p.entries = append(p.entries, e)
	p.last = cmp.Or(e.ID, p.last)
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

// next is the cursor behind the entries. Those that another one may still come before are
// stored, and read again.
func (p *pass) next(until time.Time) cursor {
	next := cursor{id: p.at.id, at: later(p.at.at, later(p.since, until))}
	for _, e := range p.entries {
		p.waiting = append(p.waiting, mark{e.ID, p.stamp(e)})
	}
	for len(p.waiting) > 0 && (p.young || !p.waiting[0].at.After(p.proved())) {
		next.id = cmp.Or(p.waiting[0].id, next.id)
		p.waiting = p.waiting[1:]
	}
	return next
}

// store ingests the entries with the cursor, and what is complete now.
func (p *pass) store(ctx context.Context, until time.Time) error {
	if len(p.entries) == 0 && !until.After(p.at.at) && !p.at.at.IsZero() {
		return nil // Auth0 has answered for nothing more
	}
	switch {
	case p.started:
	case p.since.IsZero():
		p.start(p.end) // an empty log
	default:
		p.start(until.Add(-p.cfg.Retention)) // nothing is there any more
	}
	next := p.next(until)
	b := auditlog.Batch{Source: p.Source(), After: p.at.String(), Cursor: next.String(), Lost: p.lost}
	for _, e := range p.entries {
		b.Events = append(b.Events, eventOf(p.tenant, e, p.end.Add(-time.Second)))
	}
	if p.since.Before(until) {
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
	of := 0
	for _, e := range p.entries {
		if !p.stored[e.ID] {
			of++
		}
	}
	reason := "lost"
	if added == of {
		reason = "silent"
	}
	first, last := p.entries[0], p.entries[len(p.entries)-1]
	return audit.Event{
		ID: eventID(p.tenant, "gap:"+cmp.Or(p.last, p.end.String())), Time: p.end, Type: "audit", Action: "audit.stream_gap", Outcome: audit.Failure, Reason: reason,
		Source: p.Source(), Target: audit.Ref{Kind: "source", ID: p.Source()}, Metadata: map[string]string{
			"missed": strconv.Itoa(added), "of": strconv.Itoa(of), "from": p.timeOf(first).UTC().Format(time.RFC3339), "to": p.timeOf(last).UTC().Format(time.RFC3339),
		},
	}
}
