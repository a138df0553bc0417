package auditlog

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

func (m *memory) Acquire(_ context.Context, holder string, ttl time.Duration) (driver.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	mine := m.lease.Holder == holder
	if !mine && m.lease.Holder != "" && now.Before(m.ends) && m.ends.Before(now.Add(2*ttl)) {
		return driver.Lease{}, driver.ErrLeased
	}
	if !mine {
		m.lease = driver.Lease{Holder: holder, Fence: m.lease.Fence + 1}
	}
	m.ends = now.Add(ttl)
	return m.lease, nil
}

func (m *memory) Release(_ context.Context, l driver.Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lease == l {
		m.lease.Holder = ""
	}
	return nil
}

func (m *memory) Pending(_ context.Context, limit int) ([]driver.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var blocks []driver.Block
	events := 0
	for _, number := range slices.Sorted(maps.Keys(m.pending)) {
		if events >= limit {
			break
		}
		b := driver.Block{Number: number, Hashes: bytes.Clone(m.pending[number].hashes)}
		blocks, events = append(blocks, b), events+b.Count()
	}
	return blocks, nil
}

func (m *memory) Seal(_ context.Context, l driver.Lease, ttl time.Duration, s driver.Sealing) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lease != l || l.Holder == "" {
		return driver.ErrFenced
	}
	if err := m.check(s.Writes); err != nil {
		return err
	}
	if m.taken(s.Placed) {
		return driver.ErrConflict
	}
	m.ends = time.Now().Add(ttl)
	for _, p := range s.Placed {
		m.placed[p.Block] = p
		m.order = append(m.order, p)
		delete(m.pending, p.Block)
	}
	sortBy(m.order, func(a, b driver.Placed) int { return cmp.Compare(a.First, b.First) })
	m.apply(s.Writes)
	return nil
}

func (m *memory) taken(placed []driver.Placed) bool {
	firsts := make(map[uint64]bool, len(placed))
	blocks := make(map[int64]bool, len(placed))
	for _, p := range placed {
		_, there := slices.BinarySearchFunc(m.order, p.First, func(o driver.Placed, first uint64) int { return cmp.Compare(o.First, first) })
		if _, known := m.placed[p.Block]; known || there || firsts[p.First] || blocks[p.Block] {
			return true
		}
		firsts[p.First], blocks[p.Block] = true, true
	}
	return false
}

func (m *memory) Backlog(context.Context) (events int, since time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.pending {
		events += len(b.hashes) / hashSize
		if since.IsZero() || b.since.Before(since) {
			since = b.since
		}
	}
	return events, since, nil
}

func (m *memory) Get(_ context.Context, kind string, keys ...string) ([]driver.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []driver.Record
	for _, key := range keys {
		if r, ok := m.state[kind][key]; ok {
			found = append(found, cloned(r))
		}
	}
	return found, nil
}

func (m *memory) List(_ context.Context, kind, after string, last bool, limit int) ([]driver.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.Sorted(maps.Keys(m.state[kind]))
	if last {
		slices.Reverse(keys)
	}
	var found []driver.Record
	for _, key := range keys {
		if after != "" && (key == after || key > after == last) {
			continue
		}
		if found = append(found, cloned(m.state[kind][key])); len(found) == limit {
			break
		}
	}
	return found, nil
}

func cloned(r driver.Record) driver.Record {
	r.Value = bytes.Clone(r.Value)
	return r
}

func (m *memory) check(writes []driver.Write) error {
	for _, w := range writes {
		if w.Version != driver.Any && w.Version != m.state[w.Kind][w.Key].Version {
			return driver.ErrConflict
		}
	}
	return nil
}

func (m *memory) apply(writes []driver.Write) {
	for _, w := range writes {
		if w.Value == nil {
			delete(m.state[w.Kind], w.Key)
			continue
		}
		if m.state[w.Kind] == nil {
			m.state[w.Kind] = make(map[string]driver.Record)
		}
		version := m.state[w.Kind][w.Key].Version + 1
		m.state[w.Kind][w.Key] = driver.Record{Key: w.Key, Value: bytes.Clone(w.Value), Version: version}
	}
}

func (m *memory) Span(_ context.Context, from, to time.Time) (sealed []driver.Range, unsealed int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var indexes []uint64
	for _, r := range m.rows {
		if r = m.place(r); r.At.Before(from) || !r.At.Before(to) {
			continue
		}
		if !r.Sealed {
			unsealed++
			continue
		}
		indexes = append(indexes, r.Index)
	}
	slices.Sort(indexes)
	for _, i := range indexes {
		sealed = extend(sealed, driver.Range{From: i, To: i + 1})
	}
	return sealed, unsealed, nil
}

// extend appends a range, in one with the last where they touch.
func extend(ranges []driver.Range, r driver.Range) []driver.Range {
	if n := len(ranges); n > 0 && ranges[n-1].To == r.From {
		ranges[n-1].To = r.To
		return ranges
	}
	return append(ranges, r)
}

func (m *memory) Drop(_ context.Context, from, to time.Time, below uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = slices.DeleteFunc(m.rows, func(r driver.Row) bool {
		placed := m.place(r)
		gone := placed.Sealed && placed.Index < below && !r.At.Before(from) && r.At.Before(to)
		if gone {
			delete(m.ids, r.ID)
		}
		return gone
	})
	return nil
}
