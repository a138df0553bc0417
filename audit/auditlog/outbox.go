package auditlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/retry"
)

const (
	deliverBatch  = 100    // Events of one delivery.
	outboxPage    = 500    // Rows that are read for it.
	bestEffortLag = 10_000 // Events after which BestEffort gives up the oldest.
	kindDead      = "dead" // By sink and place.
)

var deliverBackoff = retry.Backoff{First: time.Second, Last: 5 * time.Minute}

// outbox is where a sink stands: the log itself holds what waits.
type outbox struct {
	Next        uint64    `json:"next"`            // The first event that it does not have.
	Until       uint64    `json:"until,omitempty"` // The end of the delivery under way, so that its key stays.
	State       SinkState `json:"state"`
	Failing     time.Time `json:"failing,omitzero"` // Since when.
	Attempts    int       `json:"attempts,omitempty"`
	LastError   string    `json:"error,omitempty"`
	LastSuccess time.Time `json:"success,omitzero"`
	Dropped     uint64    `json:"dropped,omitempty"`
	Dead        uint64    `json:"dead,omitempty"`
	Checkpoint  uint64    `json:"checkpoint,omitempty"` // Size of the last one.
	Gap         *gap      `json:"gap,omitempty"`        // Not recorded yet.
}

type gap struct {
	From, To, Events uint64
	Since            time.Time
}

// runner delivers to one sink.
type runner struct {
	l    *Log
	name string // In the store: the sink's, or "stream/" and the id.
	org  string // Whose stream it is.
	sink Sink
	// still reports whether the stream is as it was; nil for a sink of the program.
	still func(ctx context.Context) (bool, error)
}

func sinkKey(name string) string { return "sink/" + name }

// run delivers until ctx ends.
func (r *runner) run(ctx context.Context) {
	for {
		wait, err := r.step(ctx)
		if err != nil {
			wait = retryIn
		}
		if retry.Sleep(ctx, wait) != nil {
			return
		}
	}
}

// step makes one delivery, and returns how long to wait for the next.
func (r *runner) step(ctx context.Context) (time.Duration, error) {
	if r.still != nil {
		if ok, err := r.still(ctx); err != nil || !ok {
			return retryIn, err
		}
	}
	var box outbox
	version, err := readState(ctx, r.l.store, kindCursor, sinkKey(r.name), &box)
	if err != nil {
		return 0, err
	}
	h, _, err := readHead(ctx, r.l.store)
	if err != nil {
		return 0, fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	if version == 0 {
		return 0, r.place(ctx)
	}
	if box.State != Active {
		return retryIn, nil
	}
	if r.sink.Checkpoints && h.Size > box.Checkpoint {
		return r.checkpoint(ctx, box, version)
	}
	if r.sink.Policy == BestEffort && h.Size > box.Next+bestEffortLag {
		to := h.Size - bestEffortLag/2
		box.drop(to, to-box.Next, r.l.cfg.Now())
		return 0, r.save(ctx, box, version, audit.Event{})
	}
	rows, until, gone, err := r.batch(ctx, box, h.Size)
	if err != nil {
		return 0, err
	}
	if gone > 0 {
		box.missed(until, gone, r.l.cfg.Now())
	}
	if len(rows) == 0 {
		if until == box.Next {
			return retryIn, r.flushGap(ctx, box, version)
		}
		box.Next, box.Until = until, 0
		return 0, r.save(ctx, box, version, audit.Event{})
	}
	if box.Until == 0 {
		box.Until = until
		if err := r.save(ctx, box, version, audit.Event{}); err != nil {
			return 0, err
		}
		version++
	}
	return r.attempt(ctx, box, version, rows)
}

// place gives a new sink its place, behind what is sealed now.
func (r *runner) place(ctx context.Context) error {
	h, _, err := readHead(ctx, r.l.store)
	if err != nil {
		return fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	err = r.save(ctx, outbox{Next: h.Size, State: Active}, 0, audit.Event{})
	if errors.Is(err, driver.ErrConflict) {
		return nil // it has one
	}
	return err
}

// batch returns the next events that pass the filter, the index behind them, and how many
// retention removed before, which it does while a sink is paused.
func (r *runner) batch(ctx context.Context, box outbox, size uint64) (rows []driver.Row, until, gone uint64, err error) {
	match, err := r.l.matcher(ctx, r.sink.Filter)
	if err != nil {
		return nil, 0, 0, err
	}
	all, err := r.l.store.Sealed(ctx, box.Next, outboxPage)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("auditlog: reading events: %w", err)
	}
	for i, row := range all {
		if box.Until > 0 && row.Index >= box.Until {
			return rows, box.Until, 0, nil
		}
		if match(&row) {
			rows = append(rows, row)
		}
		if until = row.Index + 1; box.Until == 0 && len(rows) == deliverBatch {
			return rows, until, lacking(box.Next, until, i+1), nil
		}
	}
	if box.Until > 0 {
		return rows, box.Until, 0, nil
	}
	if len(all) < outboxPage {
		until = max(until, size, box.Next)
	}
	return rows, until, lacking(box.Next, until, len(all)), nil
}

func lacking(from, to uint64, rows int) uint64 { return to - from - min(to-from, uint64(rows)) }

// attempt delivers once.
func (r *runner) attempt(ctx context.Context, box outbox, version int64, rows []driver.Row) (time.Duration, error) {
	taken := len(rows)
	err := r.deliver(ctx, rows, fmt.Sprintf("%s:%d-%d", r.name, box.Next, box.Until-1))
	refused := err
	if errors.Is(err, ErrRejected) {
		taken, err = r.oneByOne(ctx, &box, &version, rows)
	}
	now := r.l.cfg.Now().UTC()
	switch {
	case err == nil && taken > 0:
		e := box.Gap.event(r.name, r.org)
		box.Next, box.Until, box.Failing, box.Attempts, box.LastError, box.LastSuccess, box.Gap = box.Until, 0, time.Time{}, 0, "", now, nil
		return 0, r.save(ctx, box, version, e)
	case err == nil: // a receiver that takes nothing at all fails, although each event has its place
		e := r.failed(&box, refused, now)
		box.Next, box.Until, box.Attempts = box.Until, 0, 0
		return 0, r.save(ctx, box, version, e)
	case ctx.Err() != nil:
		return 0, ctx.Err()
	}
	box.Attempts++
	e := r.failed(&box, err, now)
	if r.sink.Policy == BestEffort {
		box.drop(box.Until, uint64(len(rows)), now)
	}
	return deliverBackoff.Pause(box.Attempts), r.save(ctx, box, version, e)
}

// failed notes a failure, and disables a Durable sink that has failed for too long: the
// event says so.
func (r *runner) failed(box *outbox, err error, now time.Time) audit.Event {
	if box.LastError = classOf(err); box.Failing.IsZero() || now.Before(box.Failing) { // the clock went back
		box.Failing = now
	}
	if r.sink.Policy == BestEffort || now.Sub(box.Failing) <= r.l.cfg.GiveUp {
		return audit.Event{}
	}
	box.State = Disabled
	return r.event("audit.sink_disable", audit.Failure, map[string]string{
		"failing_since": box.Failing.Format(time.RFC3339), "from": strconv.FormatUint(box.Next, 10), "error": box.LastError,
	})
}

// oneByOne finds the events that the receiver rejects and makes them dead letters.
func (r *runner) oneByOne(ctx context.Context, box *outbox, version *int64, rows []driver.Row) (taken int, err error) {
	for _, row := range rows {
		key := fmt.Sprintf("%s:%d-%d", r.name, row.Index, row.Index)
		err := r.deliver(ctx, []driver.Row{row}, key)
		if err == nil {
			taken++
			continue
		}
		if !errors.Is(err, ErrRejected) {
			return taken, err
		}
		if err := r.bury(ctx, box, version, row); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// bury keeps a dead letter and counts it once, however often it is rejected.
func (r *runner) bury(ctx context.Context, box *outbox, version *int64, row driver.Row) error {
	key := deadKey(r.name, row.Index)
	there, err := r.l.store.Get(ctx, kindDead, key)
	if err != nil || len(there) > 0 {
		return err
	}
	w, err := writeOf(kindDead, key, row.ID, 0)
	if err != nil {
		return err
	}
	box.Dead++
	if err := r.save(ctx, *box, *version, audit.Event{}, w); err != nil {
		return fmt.Errorf("auditlog: keeping a dead letter: %w", err)
	}
	*version++
	return nil
}

func deadKey(name string, index uint64) string { return fmt.Sprintf("%s/%020d", name, index) }

func (r *runner) deliver(ctx context.Context, rows []driver.Row, key string) error {
	entries, err := r.l.sinkEntries(ctx, r.sink, rows)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	return r.sink.Deliver(ctx, Delivery{Key: key, Entries: entries})
}

func (r *runner) checkpoint(ctx context.Context, box outbox, version int64) (time.Duration, error) {
	signed, c, err := r.l.newest(ctx)
	if err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	err = r.sink.Deliver(limited, Delivery{Key: fmt.Sprintf("%s:checkpoint:%d", r.name, c.size), Checkpoint: signed})
	if err != nil && r.sink.Policy == Durable && !errors.Is(err, ErrRejected) {
		box.Attempts++
		e := r.failed(&box, err, r.l.cfg.Now().UTC())
		return deliverBackoff.Pause(box.Attempts), r.save(ctx, box, version, e)
	}
	if box.Checkpoint = c.size; box.Until == 0 { // only an event that is taken ends a failure of events
		box.Failing, box.Attempts, box.LastError = time.Time{}, 0, ""
	}
	return 0, r.save(ctx, box, version, audit.Event{})
}

// drop passes over events.
func (box *outbox) drop(to, events uint64, now time.Time) {
	box.missed(to, events, now)
	box.Next, box.Until = to, 0
}

// missed notes events that the sink will not get.
func (box *outbox) missed(to, events uint64, now time.Time) {
	if box.Gap == nil {
		box.Gap = &gap{From: box.Next, Since: now}
	}
	box.Gap.To, box.Gap.Events = to, box.Gap.Events+events
	box.Dropped += events
}

// event says what was dropped; the zero Event when nothing was.
func (g *gap) event(name, org string) audit.Event {
	if g == nil {
		return audit.Event{}
	}
	return sinkEvent("audit.sink_gap", audit.Failure, name, org, map[string]string{
		"from": strconv.FormatUint(g.From, 10), "to": strconv.FormatUint(g.To, 10), "events": strconv.FormatUint(g.Events, 10),
	})
}

// flushGap records a gap that no success has ended for a minute.
func (r *runner) flushGap(ctx context.Context, box outbox, version int64) error {
	if box.Gap == nil {
		return nil
	}
	if age := r.l.cfg.Now().Sub(box.Gap.Since); age >= 0 && age < time.Minute {
		return nil
	}
	e := box.Gap.event(r.name, r.org)
	box.Gap = nil
	return r.save(ctx, box, version, e)
}

func (r *runner) event(action string, o audit.Outcome, m map[string]string) audit.Event {
	return sinkEvent(action, o, r.name, r.org, m)
}

func sinkEvent(action string, o audit.Outcome, name, org string, m map[string]string) audit.Event {
	return audit.Event{Action: action, Outcome: o, Target: audit.Ref{Kind: "sink", ID: name}, Organization: org, Metadata: m}
}

// save writes the outbox, with an event if there is one. A conflict means that it was
// paused or moved meanwhile: the next step reads it again.
func (r *runner) save(ctx context.Context, box outbox, version int64, e audit.Event, more ...driver.Write) error {
	w, err := writeOf(kindCursor, sinkKey(r.name), box, version)
	if err != nil {
		return err
	}
	if e.Action != "" {
		return r.l.recordWith(ctx, e, append(more, w)...)
	}
	return r.l.store.Append(ctx, driver.Batch{Writes: append(more, w)})
}
