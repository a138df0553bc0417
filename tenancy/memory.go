package tenancy

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"
)

// ErrReplayed is returned by a Replay for an id that was spent before.
var ErrReplayed = errors.New("tenancy: used before")

// Replay remembers which DPoP proofs were used. NewMemory returns one for a single
// process, package redistenancy has one for several; tenancytest.Run is the suite
// of the contract.
type Replay interface {
	// Spend returns nil for the first call with an id, and ErrReplayed for every
	// other until until. Any other error means that it is not known.
	Spend(ctx context.Context, id string, until time.Time) error
}

// Memory is a CutoffStore and a Replay for a single process; another process, and
// this one after a restart, knows nothing of it. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	cuts    map[string]memoryCut
	changes int
	spent   map[string]time.Time
	swept   time.Time
}

type memoryCut struct {
	at, until time.Time
	change    int
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{cuts: make(map[string]memoryCut), spent: make(map[string]time.Time)}
}

// Cut implements CutoffStore.
func (m *Memory) Cut(_ context.Context, key string, at, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep()
	m.changes++
	c := m.cuts[key]
	c.change = m.changes
	if at.After(c.at) {
		c.at = at
	}
	if until.After(c.until) {
		c.until = until
	}
	m.cuts[key] = c
	return nil
}

// Cuts implements CutoffStore.
func (m *Memory) Cuts(_ context.Context, after string) (Cuts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	since, err := strconv.Atoi(after)
	if err != nil || since > m.changes {
		since = 0
	}
	cuts := Cuts{At: make(map[string]time.Time), Next: strconv.Itoa(m.changes)}
	for key, c := range m.cuts {
		if c.change > since {
			cuts.At[key] = c.at
		}
	}
	return cuts, nil
}

// Spend implements Replay.
func (m *Memory) Spend(_ context.Context, id string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep()
	if before, ok := m.spent[id]; ok && time.Now().Before(before) {
		return ErrReplayed
	}
	m.spent[id] = until
	return nil
}

// sweep drops what is over, now and then.
func (m *Memory) sweep() {
	now := time.Now()
	if now.Sub(m.swept) < 10*time.Second {
		return
	}
	m.swept = now
	maps.DeleteFunc(m.cuts, func(_ string, c memoryCut) bool { return now.After(c.until) })
	maps.DeleteFunc(m.spent, func(_ string, until time.Time) bool { return now.After(until) })
}
