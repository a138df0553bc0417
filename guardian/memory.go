package guardian

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

// Memory is a driver.Store in this process: enrollments are lost when the process
// ends. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	records map[driver.Key]driver.Record
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{records: make(map[driver.Key]driver.Record)} }

// Load implements Store.
func (m *Memory) Load(ctx context.Context, k driver.Key) (driver.Record, error) {
	if err := ctx.Err(); err != nil {
		return driver.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, found := m.records[k]
	if !found {
		return driver.Record{}, driver.ErrNoRecord
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// Save implements Store.
func (m *Memory) Save(ctx context.Context, r driver.Record, old int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[r.Key].Version != old {
		return driver.ErrConflict
	}
	r.Data = bytes.Clone(r.Data)
	m.records[r.Key] = r
	return nil
}

// Forget implements driver.Store.
func (m *Memory) Forget(ctx context.Context, subject string) error {
	_, err := m.drop(ctx, func(r driver.Record) bool { return r.Key.Subject == subject })
	return err
}

// Sweep implements Store.
func (m *Memory) Sweep(ctx context.Context, now time.Time) (int, error) {
	return m.drop(ctx, func(r driver.Record) bool { return !r.Until.IsZero() && !r.Until.After(now) })
}

func (m *Memory) drop(ctx context.Context, which func(driver.Record) bool) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.records)
	maps.DeleteFunc(m.records, func(_ driver.Key, r driver.Record) bool { return which(r) })
	return before - len(m.records), nil
}
