package auditlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

const (
	recountPage  = 16      // Records of sums of one read, or more while they are small: one may have megabytes.
	recountSmall = 1 << 20 // Bytes of a read.
)

// recount compares the stored sums with those of the events. It holds as many sums as it
// may; the others are compared in further readings of the events. Run may add to
// the sums meanwhile: each record is compared with the events up to where the cursor stood
// when it was read.
type recount struct {
	l        *Log
	expired  map[string]bool
	s        *sums
	cursor   readCursor
	compared int64 // Version of the cursor up to which is counted.
	seen     map[scope]bool
}

func newRecount(ctx context.Context, l *Log) (*recount, error) {
	c := &recount{l: l}
	_, err := c.cursor.again(ctx, l.store)
	return c, err
}

// begin makes c count from the first event on.
func (c *recount) begin(from slot) {
	c.s, c.seen, c.compared = newSums(rolledUp{}, c.expired), make(map[scope]bool), -1
	c.s.held = window{from: from, most: c.l.recountCells}
}

// take counts an event of the log, which follows those before.
func (c *recount) take(r *driver.Row) {
	if r.Index < c.cursor.at.Next {
		c.s.take(r)
	}
}

// finish is called when all events before the cursor were taken that are in the log.
func (c *recount) finish(ctx context.Context) error {
	c.s.reach(c.cursor.at.Next)
	if err := c.consistently(ctx, func() error { return nil }); err != nil {
		return err
	}
	for {
		for _, kind := range []string{kindOrgSum, kindSum} {
			if err := c.stored(ctx, kind); err != nil {
				return err
			}
		}
		if err := c.missing(ctx); err != nil {
			return err
		}
		if c.s.held.to == (slot{}) {
			return nil
		}
		c.begin(c.s.held.to)
		if err := c.follow(ctx); err != nil {
			return err
		}
	}
}

// stored compares the records that are there.
func (c *recount) stored(ctx context.Context, kind string) error {
	limit := recountPage
	for after := ""; ; {
		var records []driver.Record
		err := c.consistently(ctx, func() (err error) {
			records, err = c.l.store.List(ctx, kind, after, false, limit)
			return err
		})
		if err != nil {
			return err
		}
		size := 0
		for _, r := range records {
			after = r.Key
			size += len(r.Value)
			k, ok := scopeOf(recordKey{kind, r.Key})
			if !ok {
				name := strings.Trim(strconv.QuoteToASCII(r.Key), `"`) // a writer may have chosen anything
				return &TamperError{Kind: inserted, Record: recordKey{kind, name}.String()}
			}
			if err := c.compare(k, r.Value); err != nil {
				return err
			}
		}
		if len(records) < limit {
			return nil
		}
		if limit = min(2*limit, page); size > recountSmall {
			limit = recountPage
		}
	}
}

// missing looks for the sums that no record had.
func (c *recount) missing(ctx context.Context) error {
	scopes := slices.Collect(maps.Keys(c.s.scopes))
	sortBy(scopes, func(a, b scope) int { return cmp.Or(a.slot.compare(b.slot), strings.Compare(a.org, b.org)) })
	for _, k := range scopes {
		if c.seen[k] {
			continue
		}
		var records []driver.Record
		err := c.consistently(ctx, func() (err error) { // it may have come after its place was passed
			records, err = c.l.store.Get(ctx, k.record().kind, k.record().key)
			return err
		})
		if err != nil {
			return err
		}
		if len(records) == 0 && c.s.scopes[k] != nil {
			return &TamperError{Kind: deleted, Record: k.record().String()}
		}
		for _, r := range records {
			if err := c.compare(k, r.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *recount) compare(k scope, value []byte) error {
	if c.expired[monthIn(k.day)] || !c.s.held.has(k.slot) {
		return nil
	}
	want := c.s.scopes[k]
	if want == nil {
		return &TamperError{Kind: inserted, Record: k.record().String()}
	}
	c.seen[k] = true
	if want.trim(); !bytes.Equal(want.encode(), value) {
		return &TamperError{Kind: edited, Record: k.record().String()}
	}
	return nil
}

// consistently reads something between two looks at the cursor, until it has not moved,
// and counts up to it.
func (c *recount) consistently(ctx context.Context, read func() error) error {
	for range 10 {
		if err := read(); err != nil {
			return fmt.Errorf("auditlog: reading sums: %w", err)
		}
		moved, err := c.cursor.again(ctx, c.l.store)
		if err != nil {
			return err
		}
		if !moved {
			return c.follow(ctx)
		}
	}
	return errors.New("auditlog: the sums moved on ten times while they were compared")
}

// follow counts the events before the cursor, and compares what it has of open attempts.
func (c *recount) follow(ctx context.Context) error {
	if c.compared == c.cursor.version {
		return nil
	}
	h, _, err := readHead(ctx, c.l.store)
	if err != nil {
		return fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	wrong := &TamperError{Kind: edited, Record: recordKey{kindCursor, rollUpCursor}.String()}
	if c.cursor.bad != nil || c.cursor.at.Next > h.Size || c.cursor.at.Next < c.s.next {
		return wrong
	}
	if _, err := follow(ctx, c.l.store, c.s.next, int(c.cursor.at.Next-c.s.next), c.take); err != nil {
		return err
	}
	c.s.reach(c.cursor.at.Next)
	stored := newSums(c.cursor.at, c.expired) // without what expired
	if !maps.Equal(stored.open, c.s.open) || !maps.Equal(stored.logged, c.s.logged) {
		return wrong
	}
	c.compared = c.cursor.version
	return nil
}
