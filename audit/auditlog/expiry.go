package auditlog

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// ErrDrift is returned by Apply when a hold was put or released, or another expiry
// was applied, since the plan. Plan again.
var ErrDrift = errors.New("auditlog: holds or retention changed since the plan")

// Expiry is what PlanExpiry found: whole months of events that retention allows to
// remove.
type Expiry struct {
	Before time.Time
	Events int      // How many events would be removed.
	Held   []string // Names of the holds that keep months which would go otherwise.

	months  []Period
	ranges  []driver.Range
	below   uint64
	guard   driver.Write
	version int64 // Of the record of what expired.
}

// PlanExpiry looks for months that lie wholly before a time, in UTC. A month in
// which a legal hold covers an event, or an event is not sealed yet, is kept whole.
// Events that an active Durable sink or stream does not have yet are kept too; one that
// is paused or disabled keeps nothing. A time of the future is an error.
func (l *Log) PlanExpiry(ctx context.Context, before time.Time) (*Expiry, error) {
	if before.After(l.cfg.Now()) {
		return nil, errors.New("auditlog: before is in the future: the present month would go, and what comes after it would be in no report")
	}
	h, _, err := readHead(ctx, l.store)
	if err != nil {
		return nil, fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	holds, guard, err := l.holds(ctx)
	if err != nil {
		return nil, err
	}
	_, version, err := readExpired(ctx, l.store)
	if err != nil {
		return nil, err
	}
	below, err := l.delivered(ctx, h.Size)
	if err != nil {
		return nil, err
	}
	x := &Expiry{Before: before.UTC(), below: below, guard: guard, version: version}
	for from := (time.Time{}); ; {
		rows, err := l.store.Query(ctx, driver.Filter{From: from, To: x.Before}, 1)
		if err != nil {
			return nil, fmt.Errorf("auditlog: reading events: %w", err)
		}
		if len(rows) == 0 {
			return x, nil
		}
		month := monthOf(rows[0].At)
		if month.To.After(x.Before) {
			return x, nil
		}
		if err := l.planMonth(ctx, x, month, holds); err != nil {
			return nil, err
		}
		from = month.To
	}
}

func monthOf(t time.Time) Period {
	first := time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{From: first, To: first.AddDate(0, 1, 0)}
}

func (l *Log) planMonth(ctx context.Context, x *Expiry, month Period, holds []heldFilter) error {
	for _, h := range holds {
		f, some := within(h.Filter, month)
		if !some {
			continue
		}
		rows, err := l.store.Query(ctx, f, 1)
		if err != nil {
			return fmt.Errorf("auditlog: reading events: %w", err)
		}
		if len(rows) > 0 {
			if !slices.Contains(x.Held, h.Name) {
				x.Held = append(x.Held, h.Name)
			}
			return nil
		}
	}
	sealed, unsealed, err := l.store.Span(ctx, month.From, month.To)
	if err != nil {
		return fmt.Errorf("auditlog: reading events: %w", err)
	}
	if unsealed > 0 {
		return nil
	}
	for _, r := range sealed {
		if r.To = min(r.To, x.below); r.From < r.To {
			x.ranges = append(x.ranges, r)
			x.Events += int(r.To - r.From)
			if n := len(x.months); n == 0 || x.months[n-1] != month {
				x.months = append(x.months, month)
			}
		}
	}
	return nil
}

// within narrows a hold's filter to a month.
func within(f driver.Filter, month Period) (driver.Filter, bool) {
	if f.From.Before(month.From) {
		f.From = month.From
	}
	if f.To.IsZero() || f.To.After(month.To) {
		f.To = month.To
	}
	return f, f.From.Before(f.To)
}

// Apply removes what the plan found. The event "audit.expire" is recorded first,
// with a digest of the indexes that go, so that Verify tells retention from
// deletion; the tree keeps their hashes and every proof still verifies. Reports leave
// out the months of which something was removed from then on, and Run removes their
// sums. When Apply fails after that, plan and apply again. ErrDrift says that the plan
// is out of date; nothing was removed.
func (l *Log) Apply(ctx context.Context, x *Expiry) error {
	if x.Events == 0 {
		return nil
	}
	old, version, err := readExpired(ctx, l.store)
	if err != nil {
		return err
	}
	if version != x.version {
		return ErrDrift
	}
	record := expiredRecord{Event: rand.Text(), Ranges: merged(old.Ranges, x.ranges), Months: old.Months}
	for _, month := range x.months {
		record.Months = append(record.Months, month.From.Format(monthForm))
	}
	slices.Sort(record.Months)
	record.Months = slices.Compact(record.Months)
	digest, err := record.digest()
	if err != nil {
		return err
	}
	value, err := json.Marshal(record)
	if err != nil {
		return err
	}
	e := audit.Event{ID: record.Event, Action: "audit.expire", Metadata: map[string]string{
		"before": x.Before.Format(time.RFC3339), "events": strconv.Itoa(x.Events), "ranges": digest,
	}}
	err = l.recordWith(ctx, e, driver.Write{Kind: kindRetention, Key: expiredKey, Value: value, Version: version}, x.guard)
	if errors.Is(err, driver.ErrConflict) {
		return ErrDrift
	}
	if err != nil {
		return err
	}
	for _, month := range x.months {
		if err := l.store.Drop(ctx, month.From, month.To, x.below); err != nil {
			return fmt.Errorf("auditlog: removing events of %s: %w", month.From.Format(monthForm), err)
		}
	}
	return nil
}

// merged returns the union of two lists of ranges, in order.
func merged(a, b []driver.Range) []driver.Range {
	all := slices.Concat(a, b)
	sortBy(all, func(x, y driver.Range) int { return cmp.Compare(x.From, y.From) })
	var out []driver.Range
	for _, r := range all {
		if n := len(out); n > 0 && r.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}
