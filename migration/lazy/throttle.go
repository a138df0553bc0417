package lazy

import (
	"context"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// throttle bounds what each key may do in an hour, by the generic cell rate
// algorithm: a key has one point in time, which an attempt moves on by its share
// of the hour, and which must not lie further ahead than an hour. It is safe for
// concurrent use.
type throttle struct {
	step time.Duration
	max  int
	seed maphash.Seed

	mu    sync.Mutex
	ahead map[uint64]time.Time
}

const window = time.Hour

func newThrottle(perHour, maxEntries int) *throttle {
	return &throttle{
		step: window / time.Duration(perHour), max: maxEntries,
		seed: maphash.MakeSeed(), ahead: make(map[uint64]time.Time),
	}
}

// take counts an attempt, or returns how long the key has to wait.
func (t *throttle) take(key string) (after time.Duration) {
	id, now := maphash.String(t.seed, key), time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	at, known := t.ahead[id]
	if at.Before(now) {
		at = now
	}
	at = at.Add(t.step)
	if after := at.Sub(now) - window; after > 0 {
		return after
	}
	if !known && len(t.ahead) >= t.max {
		t.evict(now)
	}
	t.ahead[id] = at
	return 0
}

// giveBack undoes one take.
func (t *throttle) giveBack(key string) {
	id := maphash.String(t.seed, key)
	t.mu.Lock()
	defer t.mu.Unlock()
	at, known := t.ahead[id]
	if !known {
		return
	}
	if at = at.Add(-t.step); at.After(time.Now()) {
		t.ahead[id] = at
		return
	}
	delete(t.ahead, id)
}

// evict makes room: of some entries, which the map gives in random order, it
// drops the ones whose time has passed, or else the one that is least ahead, so
// that a flood of new keys does not wash away who has guessed much.
func (t *throttle) evict(now time.Time) {
	const sample = 16
	var least uint64
	var leastAt time.Time
	seen, dropped := 0, false
	for id, at := range t.ahead {
		if at.Before(now) {
			delete(t.ahead, id)
			dropped = true
		} else if leastAt.IsZero() || at.Before(leastAt) {
			least, leastAt = id, at
		}
		if seen++; seen == sample {
			break
		}
	}
	if !dropped {
		delete(t.ahead, least)
	}
}

// addressKey is the address, or the network that one IPv6 customer has.
func addressKey(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return network.String()
}

// gate lets a few verifications run and some more wait.
type gate struct {
	running chan struct{}
	waiting atomic.Int64
	max     int64
}

func newGate(running, waiting int) *gate {
	return &gate{running: make(chan struct{}, running), max: int64(waiting)}
}

// enter waits for its turn. leave must be called once.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.max {
		return nil, &ThrottledError{RetryAfter: time.Second}
	}
	select {
	case g.running <- struct{}{}:
		return func() { <-g.running }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
