package lazy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/migration/passhash"
)

// timing makes refusals take the same time. Hashes of one source cost anything
// from microseconds to a second, and a user who does not exist has none; so every
// refusal lasts as long as the costliest verification does.
type timing struct {
	once  sync.Mutex // held while the source is read
	ready bool

	mu    sync.Mutex
	base  time.Duration // of the costliest scheme; never falls
	extra time.Duration // what a busy machine adds now
	decoy passhash.Stored
}

// maxFloor bounds the wait, whatever a busy machine makes of it.
const maxFloor = 5 * time.Second

// defaultDecoy is some bcrypt hash of cost 10; its password proves nothing.
var defaultDecoy = passhash.Stored{Value: "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}

// Calibrate reads the whole source once and verifies one hash of each kind and
// cost, so that a refusal lasts as long as the costliest one takes: a legacy system
// that has raised its cost over the years has the costly hashes in its last rows.
// Reading a million rows takes some seconds. Call it at start; otherwise the first
// login does it. With Config.Duration nothing is read. It does nothing the second
// time.
func (l *Lazy) Calibrate(ctx context.Context) error {
	l.timing.once.Lock()
	defer l.timing.once.Unlock()
	if l.timing.ready || l.cfg.Duration > 0 {
		return nil
	}
	tried := make(map[string]bool)
	for after := ""; ; {
		page, err := l.src.Page(ctx, after, 1000)
		if err != nil {
			return fmt.Errorf("lazy: read the source: %w", err)
		}
		for i := range page {
			s := page[i].Password
			if kind, err := passhash.Kind(s); err == nil && !tried[kind] && len(tried) < maxKinds {
				tried[kind] = true
				l.timing.try(s)
			}
		}
		if len(page) == 0 || page[len(page)-1].Key == after {
			break
		}
		after = page[len(page)-1].Key
	}
	l.timing.ready = true
	return nil
}

// maxKinds bounds the hashes that are verified: a source has a handful.
const maxKinds = 64

// try measures a hash and keeps the costliest as the decoy.
func (t *timing) try(s passhash.Stored) {
	start := time.Now()
	_ = passhash.Verify(s, "no password") // only its duration counts
	took := time.Since(start)
	t.mu.Lock()
	defer t.mu.Unlock()
	if took >= t.base {
		t.base, t.decoy = min(took, maxFloor), s
	}
}

// observe follows the slower verifications: up at once, down slowly, and never
// below the costliest scheme.
func (t *timing) observe(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	more := min(took, maxFloor) - t.base
	if more > t.extra {
		t.extra = more
		return
	}
	t.extra -= t.extra / 64
}

// left is the time that a refusal has to wait yet.
func (t *timing) left(start time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.base + t.extra - time.Since(start)
}

// decoyHash is what is verified for somebody who has no hash.
func (t *timing) decoyHash() passhash.Stored {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.decoy == (passhash.Stored{}) {
		return defaultDecoy
	}
	return t.decoy
}
