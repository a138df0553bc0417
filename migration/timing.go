package migration

import (
	"context"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/migration/passhash"
)

// timing makes refusals take the same time. Hashes of one source cost anything
// from microseconds to a second, and a user who does not exist has none; so every
// refusal lasts as long as the slower verifications do.
type timing struct {
	once  sync.Mutex // held while the source is sampled
	ready bool

	mu    sync.Mutex
	floor time.Duration
	decoy passhash.Stored
}

// maxFloor bounds the wait, whatever a busy machine makes of it.
const maxFloor = 5 * time.Second

// defaultDecoy is some bcrypt hash of cost 10; its password proves nothing.
var defaultDecoy = passhash.Stored{Value: "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}

// calibrate verifies one hash of each format that the first users have, before
// the first answer, so that the first refusals last as long as the later ones.
// Without an answer from the source the next login tries again.
func (l *Lazy) calibrate(ctx context.Context) error {
	l.timing.once.Lock()
	defer l.timing.once.Unlock()
	if l.timing.ready {
		return nil
	}
	page, err := l.src.Page(ctx, "", 32)
	if err != nil {
		return ctx.Err()
	}
	tried := make(map[string]bool)
	for i := range page {
		s := page[i].Password
		if format, err := passhash.Identify(s); err == nil && !tried[format] {
			tried[format] = true
			l.timing.try(s)
		}
	}
	l.timing.ready = true
	return nil
}

// try measures a hash and keeps the slowest as the decoy.
func (t *timing) try(s passhash.Stored) {
	start := time.Now()
	_ = passhash.Verify(s, "no password") // only its duration counts
	took := time.Since(start)
	t.mu.Lock()
	slower := took >= t.floor
	if slower {
		t.decoy = s
	}
	t.mu.Unlock()
	t.observe(took)
}

// observe follows the slower verifications: up at once, down slowly.
func (t *timing) observe(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if took > t.floor {
		t.floor = min(took, maxFloor)
		return
	}
	t.floor -= (t.floor - took) / 64
}

// left is the time that a refusal has to wait yet.
func (t *timing) left(start time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.floor - time.Since(start)
}

// decoyHash is what is verified for somebody who has no hash.
func (t *timing) decoyHash() passhash.Stored {
	t.mu.Lock()
	defer t.mu.Unlock()
	return orDefault(t.decoy, defaultDecoy)
}
