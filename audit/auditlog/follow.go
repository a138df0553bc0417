package auditlog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// kindCursor has how far those are who read the sealed log behind the sequencer.
const kindCursor = "cursor"

// readState reads one record of JSON into to and returns its version, 0 when
// there is none.
func readState(ctx context.Context, s driver.State, kind, key string, to any) (int64, error) {
	records, err := s.Get(ctx, kind, key)
	if err != nil {
		return 0, fmt.Errorf("auditlog: reading the state of %s: %w", kind, err)
	}
	if len(records) == 0 {
		return 0, nil
	}
	return records[0].Version, readRecord(kind, records[0], to)
}

func readRecord(kind string, r driver.Record, to any) error {
	if err := json.Unmarshal(r.Value, to); err != nil {
		return fmt.Errorf("auditlog: the state of %s is not readable: %w", kind, err)
	}
	return nil
}

// writeOf is the write of a record of JSON that was read with a version.
func writeOf(kind, key string, value any, version int64) (driver.Write, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return driver.Write{}, fmt.Errorf("auditlog: encoding the state of %s: %w", kind, err)
	}
	return driver.Write{Kind: kind, Key: key, Value: text, Version: version}, nil
}

const (
	followPage = 2000 // Rows of one read.
	retryIn    = time.Second
)

// follow calls each for the sealed rows from an index on, up to most of them, and
// returns the index that comes next. Events that are gone are passed over.
func follow(ctx context.Context, s driver.Store, from uint64, most int, each func(*driver.Row)) (next uint64, err error) {
	h, _, err := readHead(ctx, s)
	if err != nil {
		return from, fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	next = from
	for n := 0; n < most && next < h.Size; {
		rows, err := s.Sealed(ctx, next, min(followPage, most-n))
		if err != nil {
			return next, fmt.Errorf("auditlog: reading events: %w", err)
		}
		for i := range rows {
			each(&rows[i])
			next = rows[i].Index + 1
		}
		if n += len(rows); len(rows) < followPage && n < most {
			next = max(next, h.Size) // what is missing at the end is gone
		}
	}
	return next, nil
}

// readCursor is a cursor of sums that is decoded once: it may have many open attempts.
type readCursor struct {
	at      rolledUp
	version int64 // 0 for none.
	bad     error // It is not readable.
}

// again reads it, and reports whether it has moved.
func (c *readCursor) again(ctx context.Context, s driver.State) (moved bool, err error) {
	records, err := s.Get(ctx, kindCursor, rollUpCursor)
	if err != nil {
		return false, fmt.Errorf("auditlog: reading the state of %s: %w", kindCursor, err)
	}
	was := c.version
	switch {
	case len(records) == 0:
		*c = readCursor{}
	case records[0].Version != was:
		*c = readCursor{version: records[0].Version}
		c.bad = readRecord(kindCursor, records[0], &c.at)
	}
	return c.version != was, nil
}
