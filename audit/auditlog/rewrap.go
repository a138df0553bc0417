package auditlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Rewrap seals under the first of Seal.Keys what is sealed under another: the keys of
// subjects, the targets of streams, and the log's own. To replace a key, put the new one
// behind the old one in every process, then in front in every process, run Rewrap, wait
// until no process has anything in its spool (Status.Spooled), and take the old one out: a
// process that does not have the new one yet cannot record what concerns a person whose key
// is sealed under it. Rewrap returns how many records it has changed and is recorded as
// "audit.rewrap". It may be run again after an error. Backups need the old key as long as
// they are kept.
func (l *Log) Rewrap(ctx context.Context) (int, error) {
	if _, err := l.open(ctx); err != nil {
		return 0, err
	}
	changed := 0
	for _, kind := range []string{kindLog, kindKey, kindStream} {
		n, err := l.rewrapKind(ctx, kind)
		if changed += n; err != nil {
			return changed, err
		}
	}
	return changed, l.recordWith(ctx, audit.Event{Action: "audit.rewrap", Metadata: map[string]string{"records": strconv.Itoa(changed)}})
}

func (l *Log) rewrapKind(ctx context.Context, kind string) (changed int, err error) {
	for after := ""; ; {
		records, err := l.store.List(ctx, kind, after, false, page)
		if err != nil {
			return changed, fmt.Errorf("auditlog: reading the state of %s: %w", kind, err)
		}
		for _, r := range records {
			after = r.Key
			value, err := l.rewrapped(kind, r)
			if err != nil {
				return changed, err
			}
			if value == nil {
				continue
			}
			w := driver.Write{Kind: kind, Key: r.Key, Value: value, Version: r.Version}
			err = l.store.Append(ctx, driver.Batch{Writes: []driver.Write{w}})
			if errors.Is(err, driver.ErrConflict) {
				continue // forgotten or changed meanwhile, and then sealed under the first key
			}
			if err != nil {
				return changed, fmt.Errorf("auditlog: writing the state of %s: %w", kind, err)
			}
			changed++
		}
		if len(records) < page {
			return changed, nil
		}
	}
}

// rewrapped returns a record's new value; nil when it may stay.
func (l *Log) rewrapped(kind string, r driver.Record) ([]byte, error) {
	switch {
	case kind == kindKey:
		return l.underFirst(r.Value, r.Key)
	case kind == kindLog && r.Key == "identity":
		var id identity
		if err := readRecord(kind, r, &id); err != nil {
			return nil, err
		}
		index, err := l.underFirst(id.Index, kindLog)
		if id.Index = index; err != nil || index == nil {
			return nil, err
		}
		return json.Marshal(id)
	case kind == kindStream:
		var s streamRecord
		if err := readRecord(kind, r, &s); err != nil {
			return nil, err
		}
		target, err := l.underFirst(s.Target, r.Key)
		if s.Target = target; err != nil || target == nil {
			return nil, err
		}
		return json.Marshal(s)
	}
	return nil, nil
}

// underFirst returns the value sealed under the first key; nil when it is already.
func (l *Log) underFirst(sealed []byte, bound string) ([]byte, error) {
	const header = 5 // Version and id of the key.
	if len(sealed) > header && bytes.Equal(sealed[:header], l.ring.Seal(nil, nil)[:header]) {
		return nil, nil
	}
	plain, err := l.ring.Open(sealed, []byte(bound))
	if err != nil {
		return nil, fmt.Errorf("auditlog: Seal.Keys do not open a record: %w", err)
	}
	return l.ring.Seal(plain, []byte(bound)), nil
}
