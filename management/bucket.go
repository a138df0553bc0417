package management

import (
	"math/rand/v2"
	"time"
)

const (
	// probeEvery is how often an unknown or empty bucket is tried when Auth0
	// does not say when to.
	probeEvery = time.Second

	// maxMeasure is how long a rate is measured at most.
	maxMeasure = 5 * time.Second

	// maxProbe bounds that pause when it does: clocks may differ by hours.
	maxProbe = time.Minute
)

// bucket is the estimate of one token bucket of the tenant. pacer.mu guards
// everything but turn.
type bucket struct {
	turn    chan struct{} // Held by the one waiter that watches.
	changed chan struct{} // Closed when the estimate has changed.

	size     int     // Zero: not known, or none.
	level    float64 // What is left, as far as is known at levelAt.
	levelAt  time.Time
	rate     float64 // Tokens a second; zero until it is known.
	inflight int
	starved  bool // Somebody waits, or waited, since the last answer.

	probeAt  time.Time // When one request may go although the level is too low.
	blocked  time.Time // Nobody goes before: a 429 said so.
	refusals int       // 429s in a row.
	probing  bool      // The last one named a time that is not believed: ask one by one.

	// The last answer that was surely newer than the one before.
	seenLeft int
	seenSent time.Time // When its request was sent.
	seen     uint64    // The event of its coming.

	// Where the measuring of rate began.
	markLeft int
	markAt   time.Time
	mark     uint64
	since    int // Answers to requests that were sent after it.
	answered int
}

func newBucket(size, left int) *bucket {
	return &bucket{turn: make(chan struct{}, 1), changed: make(chan struct{}), size: size, level: float64(left)}
}

func (b *bucket) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// delay is how long to wait before it makes sense to look again; zero lets one
// request through.
func (b *bucket) delay(now time.Time, reserve float64) time.Duration {
	if wait := b.blocked.Sub(now); wait > 0 {
		return wait
	}
	switch {
	case b.probing:
		return b.probeAt.Sub(now)
	case b.size == 0:
		return b.probeDelay(now)
	}
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

// probeDelay lets the first request ask alone how large the bucket is. When its
// answer takes long, others follow one by one.
func (b *bucket) probeDelay(now time.Time) time.Duration {
	if b.inflight == 0 || b.answered > 0 {
		return 0
	}
	return b.probeAt.Sub(now)
}

func (b *bucket) take(now time.Time) {
	b.inflight++
	b.level--
	if b.size == 0 || !b.probeAt.After(now) {
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
func (b *bucket) observe(granted *pass, event uint64, now time.Time, o observation) {
	b.refill(now)
	if granted.event > b.mark {
		b.since++
	}
	worst := float64(o.left - b.inflight)
	if granted.event < b.seen {
		b.level = min(b.level, worst)
		return
	}
	b.level, b.levelAt = worst, now
	b.measure(event, now, o.left)
	b.seenLeft, b.seenSent, b.seen = o.left, granted.sentAt, event
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

// contradicts reports whether an answer that says left cannot be about this
// bucket: it has more in it than can have been added since the last answer. That
// is at most twice the measured rate, or what the bucket holds in a second,
// which no plan exceeds; the steps in which Auth0 adds are smaller than half of
// the bucket.
func (b *bucket) contradicts(granted *pass, now time.Time, left int) bool {
	if b.seen == 0 || granted.event < b.seen {
		return false
	}
	size := float64(b.size)
	rate := size
	if b.rate > 0 {
		rate = min(2*b.rate, size)
	}
	most := float64(b.seenLeft) + rate*now.Sub(b.seenSent).Seconds() + size/2 + 1
	return float64(left) > most
}

// refuse empties the bucket after a 429. Auth0's own word on when to come back
// counts, up to maxRetryAfter; the reset header caps a growing pause otherwise,
// because it is not certain whether it means the next token or a full bucket.
func (b *bucket) refuse(now time.Time, o observation) {
	b.refusals++
	pause := pauses.Pause(b.refusals)
	if o.reset > 0 {
		pause = max(min(pause, o.reset), 50*time.Millisecond)
	}
	if o.retryAfter > 0 {
		pause = o.retryAfter
	}
	if until := now.Add(pause); until.After(b.blocked) {
		b.blocked = until
	}
	b.probing = o.retryAfter >= maxRetryAfter
	if b.size > 0 || b.probing {
		b.level = min(b.level, 0)
		b.probeAt = b.blocked
	}
}

// accept notes an answer other than 429.
func (b *bucket) accept() { b.refusals, b.probing = 0, false }
