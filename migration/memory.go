package migration

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
)

// MemoryLedger is a driver.Ledger in memory, for tests, trials, and migrations
// that are small enough to start again after a crash (which is safe: see
// Run.Name). It keeps some 300 bytes for each user. The zero value is ready to
// use.
type MemoryLedger struct {
	Now func() time.Time // The clock by which leases run out. Defaults to time.Now.

	mu   sync.Mutex
	runs map[string]*memoryRun
}

type memoryRun struct {
	bound    string
	holder   string
	fence    int64
	expires  time.Time
	batches  map[int]driver.Batch
	outcomes map[string]driver.Outcome
}

// NewMemoryLedger returns an empty ledger.
func NewMemoryLedger() *MemoryLedger { return &MemoryLedger{} }

func (m *MemoryLedger) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// run returns the run, made on first use. The caller holds mu.
func (m *MemoryLedger) run(name string) *memoryRun {
	r, ok := m.runs[name]
	if !ok {
		if m.runs == nil {
			m.runs = make(map[string]*memoryRun)
		}
		r = &memoryRun{batches: make(map[int]driver.Batch), outcomes: make(map[string]driver.Outcome)}
		m.runs[name] = r
	}
	return r
}

// Lease implements driver.Ledger.
func (m *MemoryLedger) Lease(ctx context.Context, run, holder string, ttl time.Duration) (driver.Fence, error) {
	if err := ctx.Err(); err != nil {
		return driver.Fence{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, now := m.run(run), m.now()
	if ttl <= 0 {
		if r.holder == holder {
			r.holder = ""
		}
		return driver.Fence{Run: run, N: r.fence}, nil
	}
	if r.holder != holder {
		if r.holder != "" && now.Before(r.expires) {
			return driver.Fence{}, driver.ErrLeased
		}
		r.holder = holder
		r.fence++
	}
	r.expires = now.Add(ttl)
	return driver.Fence{Run: run, N: r.fence}, nil
}

// Bind implements driver.Ledger.
func (m *MemoryLedger) Bind(ctx context.Context, run, fingerprint string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.run(run)
	r.bound = orDefault(r.bound, fingerprint)
	return r.bound, nil
}

// write calls f with the run of a fence that is still the latest.
func (m *MemoryLedger) write(ctx context.Context, f driver.Fence, change func(*memoryRun)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.run(f.Run)
	if f.N == 0 || r.fence != f.N {
		return driver.ErrFenced
	}
	change(r)
	return nil
}

// PutBatch implements driver.Ledger.
func (m *MemoryLedger) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	b.Keys = slices.Clone(b.Keys)
	return m.write(ctx, f, func(r *memoryRun) { r.batches[b.N] = b })
}

// PutOutcomes implements driver.Ledger.
func (m *MemoryLedger) PutOutcomes(ctx context.Context, f driver.Fence, outcomes []driver.Outcome) error {
	return m.write(ctx, f, func(r *memoryRun) {
		for _, o := range outcomes {
			r.outcomes[o.Key] = o
		}
	})
}

// Forget implements driver.Ledger.
func (m *MemoryLedger) Forget(ctx context.Context, run, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[run]
	if r == nil {
		return nil
	}
	delete(r.outcomes, key)
	for n, b := range r.batches {
		if slices.Contains(b.Keys, key) {
			b.Keys = slices.DeleteFunc(slices.Clone(b.Keys), func(k string) bool { return k == key })
			r.batches[n] = b
		}
	}
	return nil
}

// Batches implements driver.Ledger.
func (m *MemoryLedger) Batches(ctx context.Context, run string) iter.Seq2[driver.Batch, error] {
	return func(yield func(driver.Batch, error) bool) {
		m.mu.Lock()
		batches := maps.Clone(m.run(run).batches)
		m.mu.Unlock()
		for _, n := range slices.Sorted(maps.Keys(batches)) {
			if err := ctx.Err(); err != nil {
				yield(driver.Batch{}, err)
				return
			}
			if !yield(batches[n], nil) {
				return
			}
		}
	}
}

// Outcomes implements driver.Ledger. It holds a list of the keys, not of the
// outcomes.
func (m *MemoryLedger) Outcomes(ctx context.Context, run string, keys ...string) iter.Seq2[driver.Outcome, error] {
	return func(yield func(driver.Outcome, error) bool) {
		if len(keys) == 0 {
			keys = m.keys(run)
		}
		for chunk := range slices.Chunk(keys, 512) {
			if err := ctx.Err(); err != nil {
				yield(driver.Outcome{}, err)
				return
			}
			for _, o := range m.lookup(run, chunk) {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}

func (m *MemoryLedger) keys(run string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.run(run).outcomes))
}

func (m *MemoryLedger) lookup(run string, keys []string) []driver.Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, found := m.run(run).outcomes, make([]driver.Outcome, 0, len(keys))
	for _, key := range keys {
		if o, ok := all[key]; ok {
			found = append(found, o)
		}
	}
	return found
}
