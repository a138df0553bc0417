package auditlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Sums are written when so many events or so much time have come together: each
// write is of the records of whole days. A report reads the events since then.
const (
	rollUpEvents = 10_000
	rollUpEvery  = time.Minute
	rollUpMost   = 40_000 // Events of one step.
)

// rollUp brings the sums up to date when it is time. Read is the cursor as the last call has
// read it.
func (l *Log) rollUp(ctx context.Context, read *readCursor) error {
	for {
		n, err := l.rollUpStep(ctx, read)
		if err != nil || n < rollUpMost {
			return err
		}
	}
}

// rollUpStep adds the next events to the sums and moves the cursor in the same
// transaction, so that each event counts once. It returns how many there were.
func (l *Log) rollUpStep(ctx context.Context, read *readCursor) (int, error) {
	if _, err := read.again(ctx, l.store); err != nil || read.bad != nil {
		return 0, cmp.Or(err, read.bad)
	}
	at, version := read.at, read.version
	h, _, err := readHead(ctx, l.store)
	if err != nil {
		return 0, fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	now := l.cfg.Now().UTC()
	age := now.Sub(at.At)
	if h.Size <= at.Next || h.Size-at.Next < rollUpEvents && age >= 0 && age < rollUpEvery {
		return 0, nil
	}
	expired, _, err := readExpired(ctx, l.store)
	if err != nil {
		return 0, err
	}
	if expired.Event != at.Expired {
		if err := l.dropSums(ctx, expired.Months); err != nil {
			return 0, err
		}
	}
	s, n := newSums(at, expired.months()), 0
	next, err := follow(ctx, l.store, at.Next, rollUpMost, func(r *driver.Row) { s.take(r); n++ })
	if err != nil {
		return 0, err
	}
	s.reach(next)
	at = rolledUp{Next: next, At: now, Open: s.open, Logged: s.logged, Expired: expired.Event}
	cursor, err := writeOf(kindCursor, rollUpCursor, at, version)
	if err != nil {
		return 0, err
	}
	writes, err := l.sumWrites(ctx, s)
	if err != nil {
		return 0, err
	}
	if err := l.store.Append(ctx, driver.Batch{Writes: append(writes, cursor)}); err != nil {
		return 0, fmt.Errorf("auditlog: writing sums: %w", err)
	}
	return n, nil
}

// sumWrites adds to the records that are there.
func (l *Log) sumWrites(ctx context.Context, s *sums) ([]driver.Write, error) {
	records := make(map[recordKey]cells, len(s.scopes))
	keys := make(map[string][]string)
	for k, c := range s.scopes {
		r := k.record()
		records[r] = c
		keys[r.kind] = append(keys[r.kind], r.key)
	}
	versions := make(map[recordKey]int64)
	for kind, some := range keys {
		there, err := l.store.Get(ctx, kind, some...)
		if err != nil {
			return nil, fmt.Errorf("auditlog: reading sums: %w", err)
		}
		for _, r := range there {
			k := recordKey{kind, r.Key}
			versions[k] = r.Version
			old := make(cells)
			if err := old.decodeInto(r.Value); err != nil {
				return nil, err
			}
			old.merge(records[k])
			records[k] = old
		}
	}
	writes := make([]driver.Write, 0, len(records)+1)
	for k, c := range records {
		c.trim()
		writes = append(writes, driver.Write{Kind: k.kind, Key: k.key, Value: c.encode(), Version: versions[k]})
	}
	sortBy(writes, func(a, b driver.Write) int { // databases lock rows in one order
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Key, b.Key))
	})
	return writes, nil
}

// day is what is summed of one day.
type day struct {
	Date string
	cells
}

// daysOf returns the sums of a period, of everything or of one organization by its key, with
// the events that are not in the stored sums yet.
func (l *Log) daysOf(ctx context.Context, org, from, to string) ([]day, error) {
	for range 10 {
		var at rolledUp
		version, err := readState(ctx, l.store, kindCursor, rollUpCursor, &at)
		if err != nil {
			return nil, err
		}
		expired, _, err := readExpired(ctx, l.store)
		if err != nil {
			return nil, err
		}
		s := newSums(at, expired.months())
		if _, err := follow(ctx, l.store, at.Next, 1<<62, s.take); err != nil {
			return nil, err
		}
		byDay, err := l.storedDays(ctx, org, from, to)
		if err != nil {
			return nil, err
		}
		again, err := readState(ctx, l.store, kindCursor, rollUpCursor, &at)
		if err != nil {
			return nil, err
		}
		if again != version {
			continue // the sums have moved on while they were read
		}
		maps.DeleteFunc(byDay, func(date string, _ cells) bool { return s.expired[monthIn(date)] })
		for k, c := range s.scopes {
			if k.org != org || k.day < from || k.day >= to {
				continue
			}
			if byDay[k.day] == nil {
				byDay[k.day] = make(cells)
			}
			byDay[k.day].merge(c)
		}
		return sortedDays(byDay), nil
	}
	return nil, errors.New("auditlog: the sums moved on ten times while they were read")
}

// partOf sums the events of a part of a day. An attempt is where it began, so that the
// hours around it are read too; they are of all organizations, because an attempt may
// have its organization by another event.
func (l *Log) partOf(ctx context.Context, org string, p Period) (day, error) {
	expired, _, err := readExpired(ctx, l.store)
	if err != nil {
		return day{}, err
	}
	s := newSums(rolledUp{}, expired.months())
	s.only = p
	for rows, err := range l.rows(ctx, Filter{Period: Period{p.From.Add(-openFor), p.To.Add(openFor)}}) {
		if err != nil {
			return day{}, err
		}
		for i := range rows {
			if rows[i].Sealed {
				s.add(&rows[i])
			}
		}
		if n := len(rows); n > 0 { // bounds what is open
			maps.DeleteFunc(s.open, func(_ string, a attempt) bool { return !near(a.Index, rows[n-1].Index) })
		}
	}
	date := p.From.UTC().Format(dayForm)
	d := day{date, s.of(date, org)}
	d.trim()
	return d, nil
}

func sortedDays(byDay map[string]cells) []day {
	var days []day
	for date, c := range byDay {
		c.trim()
		days = append(days, day{date, c})
	}
	sortBy(days, func(a, b day) int { return strings.Compare(a.Date, b.Date) })
	return days
}

func (l *Log) storedDays(ctx context.Context, org, from, to string) (map[string]cells, error) {
	kind, prefix := kindSum, ""
	if org != "" {
		kind, prefix = kindOrgSum, org+"/"
	}
	byDay := make(map[string]cells)
	for after := prefix + from; ; {
		records, err := l.store.List(ctx, kind, after, false, page)
		if err != nil {
			return nil, fmt.Errorf("auditlog: reading sums: %w", err)
		}
		for _, r := range records {
			if after = r.Key; after >= prefix+to {
				return byDay, nil
			}
			k, ok := scopeOf(recordKey{kind, r.Key})
			if !ok {
				continue // of nobody here
			}
			if byDay[k.day] == nil {
				byDay[k.day] = make(cells)
			}
			if err := byDay[k.day].decodeInto(r.Value); err != nil {
				return nil, err
			}
		}
		if len(records) < page {
			return byDay, nil
		}
	}
}

// dropSums removes the sums of months.
func (l *Log) dropSums(ctx context.Context, months []string) error {
	for _, month := range months {
		days, err := l.storedDays(ctx, "", month, month+"~")
		if err != nil {
			return err
		}
		for date, c := range days {
			var writes []driver.Write
			drop := func(k scope) {
				r := k.record()
				writes = append(writes, driver.Write{Kind: r.kind, Key: r.key, Version: driver.Any})
			}
			for part := range uint8(sumParts) {
				drop(scope{slot: slot{date, part}})
			}
			for key := range c {
				if org, ok := strings.CutPrefix(key, ofOrg); ok {
					drop(scope{slot{day: date}, orgKey(org)})
				}
			}
			if err := l.store.Append(ctx, driver.Batch{Writes: writes}); err != nil {
				return fmt.Errorf("auditlog: removing sums of %s: %w", date, err)
			}
		}
	}
	return nil
}
