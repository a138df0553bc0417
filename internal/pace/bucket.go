package pace

import (
	"math/rand/v2"
	"time"
)

const (
	// probeEvery is how often an unknown or empty bucket is tried when Auth0
	// does not say when to.
	probeEvery = time.Second

	// maxProbe bounds that pause when it does: clocks may differ by hours.
	maxProbe = time.Minute

	// maxMeasure is how long a rate is measured at most.
	maxMeasure = 5 * time.Second
)

// bucket is the estimate of one token bucket of the tenant.
type bucket struct {
	size     int
	level    float64 // What is left, as far as is known at levelAt.
	levelAt  time.Time
	rate     float64 // Tokens a second; zero until it is known.
	inflight int
	starved  bool      // Somebody waited since the last answer.
	probeAt  time.Time // When one request may go although the level is too low.
	seen     uint64    // The event of the last answer that was surely newer than the one before.

	// Where the measuring of rate began.
	markLeft int
	markAt   time.Time
	mark     uint64
	since    int // Answers to requests that were sent after it.
}

func (b *bucket) delay(now time.Time, reserve float64) time.Duration {
	b.refill(now)
	missing := reserve + 1 - b.level
	if missing <= 0 {
		return 0
	}
	b.starved = true
	wait := b.probeAt.Sub(now)
	if b.rate > 0 {
		// A little more than computed, so that rounding cannot ask too early. A
		// rate that is too low must not make anybody wait for ever.
		wait = min(time.Duration(missing/b.rate*float64(time.Second))+time.Millisecond, wait+2*probeEvery)
	}
	return wait
}

func (b *bucket) take(now time.Time) {
	b.inflight++
	b.level--
	if !b.probeAt.After(now) {
		b.probeAt = now.Add(probeEvery)
	}
}

func (b *bucket) refill(now time.Time) {
	if elapsed := now.Sub(b.levelAt); elapsed > 0 {
		b.level = min(float64(b.size), b.level+b.rate*elapsed.Seconds())
		b.levelAt = now
	}
}

// observe takes over what an answer says. Answers overtake each other, so only
// one whose request was sent after the last accepted answer came can raise the
// estimate; others can lower it. Requests in flight may not be counted yet.
func (b *bucket) observe(sent, event uint64, now time.Time, o observation) {
	b.refill(now)
	if sent > b.mark {
		b.since++
	}
	worst := float64(o.left - b.inflight)
	if sent < b.seen {
		b.level = min(b.level, worst)
		return
	}
	b.level, b.levelAt, b.seen = worst, now, event
	b.measure(event, now, o.left)
	wait := min(o.reset, maxProbe)
	if wait <= 0 {
		wait = probeEvery
	}
	b.probeAt = now.Add(wait + rand.N(50*time.Millisecond))
}

// measure estimates the rate from two levels and what was spent between them.
// What others spend makes it too low, which is the safe side.
func (b *bucket) measure(event uint64, now time.Time, left int) {
	elapsed, gained := now.Sub(b.markAt), left-b.markLeft+b.since
	full := left >= b.size-1 // Then some of what was added may have run over.
	starved := b.starved
	b.starved = false
	sample := float64(gained) / elapsed.Seconds()
	switch {
	case b.markAt.IsZero() || full && !starved:
	case full && elapsed >= probeEvery/20: // We waited for longer than was needed: try sooner.
		b.rate = min(max(b.rate, sample)*1.25, float64(b.size))
	case full, elapsed < probeEvery, elapsed < maxMeasure && gained < b.size/4:
		return // Too early: Auth0 adds in steps.
	case gained > 0 && b.rate > 0:
		b.rate = (b.rate + sample) / 2
	case gained > 0:
		b.rate = sample
	}
	b.markLeft, b.markAt, b.mark, b.since = left, now, event, 0
}
