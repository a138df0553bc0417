package auditlog

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// NewMemoryStore returns a store in memory, for tests and for programs that end
// soon: it grows with every event and loses all of them with the process.
func NewMemoryStore() driver.Store {
	return &memory{
		ids: make(map[string]driver.Place), pending: make(map[int64]pendingBlock), placed: make(map[int64]driver.Placed),
		state: make(map[string]map[string]driver.Record),
	}
}

type memory struct {
	mu      sync.Mutex
	rows    []driver.Row // In the order of places.
	ids     map[string]driver.Place
	blocks  int64
	pending map[int64]pendingBlock
	placed  map[int64]driver.Placed
	order   []driver.Placed // By First.
	state   map[string]map[string]driver.Record
	lease   driver.Lease
	ends    time.Time
}

type pendingBlock struct {
	hashes []byte
	since  time.Time
}

func (m *memory) Append(ctx context.Context, b driver.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := make(map[string]bool, len(b.Events))
	for _, e := range b.Events {
		if _, there := m.ids[e.ID]; there || fresh[e.ID] {
			return driver.ErrExists
		}
		fresh[e.ID] = true
	}
	if err := m.check(b.Writes); err != nil {
		return err
	}
	m.apply(b.Writes)
	if len(b.Events) == 0 {
		return nil
	}
	m.blocks++
	for i, e := range b.Events {
		e.At, e.LoggedAt = micro(e.At), micro(e.LoggedAt)
		e.Leaf = bytes.Clone(e.Leaf)
		m.ids[e.ID] = driver.Place{Block: m.blocks, Position: i}
		m.rows = append(m.rows, driver.Row{Event: e, Place: m.ids[e.ID]})
	}
	m.pending[m.blocks] = pendingBlock{hashes: bytes.Clone(b.Hashes), since: micro(b.Events[0].LoggedAt)}
	return nil
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// place completes a row. Rows share their leaf with the store, which never
// changes it.
func (m *memory) place(r driver.Row) driver.Row {
	if p, ok := m.placed[r.Place.Block]; ok && r.Place.Position < p.Count {
		r.Sealed, r.Index = true, p.First+uint64(r.Place.Position)
	}
	return r
}

func (m *memory) Find(_ context.Context, ids []string) ([]driver.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []driver.Row
	for _, id := range ids {
		if place, ok := m.ids[id]; ok {
			if at, ok := slices.BinarySearchFunc(m.rows, place, comparePlace); ok {
				found = append(found, m.place(m.rows[at]))
			}
		}
	}
	return found, nil
}

func comparePlace(r driver.Row, p driver.Place) int {
	return cmp.Or(cmp.Compare(r.Place.Block, p.Block), cmp.Compare(r.Place.Position, p.Position))
}

func (m *memory) Query(_ context.Context, f driver.Filter, limit int) ([]driver.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []driver.Row
	for _, r := range m.rows {
		if matches(f, &r.Event) {
			found = append(found, m.place(r))
		}
	}
	slices.SortFunc(found, func(a, b driver.Row) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return found[:min(limit, len(found))], nil
}

func matches(f driver.Filter, e *driver.Event) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	later := cmp.Or(e.At.Compare(f.AfterAt), cmp.Compare(e.ID, f.AfterID)) > 0
	return (f.AfterAt.IsZero() || later) &&
		(f.From.IsZero() || !e.At.Before(f.From)) && (f.To.IsZero() || e.At.Before(f.To)) &&
		(f.Outcome == nil || *f.Outcome == e.Outcome) &&
		(f.Subject == "" || f.Subject == e.Actor || f.Subject == e.OnBehalfOf || f.Subject == e.Target) &&
		is(f.Type, e.Type) && is(f.Action, e.Action) && is(f.Organization, e.Organization) && is(f.Correlation, e.Correlation)
}

func (m *memory) Sealed(_ context.Context, from uint64, limit int) ([]driver.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []driver.Row
	start := sort.Search(len(m.order), func(i int) bool { return m.order[i].First+uint64(m.order[i].Count) > from })
	for _, p := range m.order[start:] {
		at, _ := slices.BinarySearchFunc(m.rows, driver.Place{Block: p.Block}, comparePlace)
		for ; at < len(m.rows) && m.rows[at].Place.Block == p.Block; at++ {
			if r := m.place(m.rows[at]); r.Sealed && r.Index >= from {
				found = append(found, r)
			}
			if len(found) == limit {
				return found, nil
			}
		}
	}
	return found, nil
}

func (m *memory) Unsealed(_ context.Context, after driver.Place, limit int) ([]driver.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []driver.Row
	for _, r := range m.rows {
		r = m.place(r)
		if r.Sealed || after != (driver.Place{}) && comparePlace(r, after) <= 0 {
			continue
		}
		if h := m.pending[r.Place.Block].hashes; len(h) >= (r.Place.Position+1)*hashSize {
			r.Hash = bytes.Clone(h[r.Place.Position*hashSize:][:hashSize])
		}
		if found = append(found, r); len(found) == limit {
			break
		}
	}
	return found, nil
}
