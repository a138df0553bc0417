package management

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// maxRoutes bounds what is learnt, in case an id is taken for a word.
const maxRoutes = 512

// pacer learns the token buckets of the tenant from the headers of its answers
// and lets requests through so that a share of every bucket stays untouched.
//
// Auth0 says how large a bucket is and what is left in it, but not which
// operations share it: on some plans there is one for all, on others one for
// each group of operations (https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy).
// So operations whose answers name the same size are taken to share a bucket
// until an answer shows that they cannot: see [bucket.contradicts].
type pacer struct {
	budget float64

	mu      sync.Mutex
	routes  map[string]*bucket
	own     map[string]bool // Routes that were found to have a bucket of their own.
	bySize  map[int]*bucket
	first   *bucket // The first one learnt: what a new route is taken to use.
	unknown *bucket // Before the first answer.
	free    *bucket // Of routes whose answers name no limit.
}

func newPacer(budget float64) *pacer {
	return &pacer{
		budget: budget, routes: map[string]*bucket{}, own: map[string]bool{}, bySize: map[int]*bucket{},
		unknown: newBucket(0, 0), free: newBucket(0, 0),
	}
}

// pass is the permission to send one request.
type pass struct {
	route  string
	bucket *bucket
	sentAt time.Time
}

// observation is what an answer says of the bucket.
type observation struct {
	known      bool // The headers are there.
	size, left int
	reset      time.Duration // Until tokens are added; zero when it is not said.
	refused    bool          // 429 because of a bucket.
	retryAfter time.Duration
	answered   bool // By something that would have named a limit if there was one.
}

func (a *answer) observation() observation {
	if a.err != nil {
		return observation{}
	}
	h, now := a.resp.Header, time.Now()
	status := a.status()
	o := observation{
		answered:   status < 500 && status != http.StatusUnauthorized,
		refused:    status == http.StatusTooManyRequests && !a.jobSlots(),
		retryAfter: retryAfter(h, now),
		reset:      untilReset(h, now),
	}
	size, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err1 == nil && err2 == nil && size > 0 {
		o.known, o.answered, o.size, o.left = true, true, size, max(0, left)
	}
	return o
}

// untilReset reads X-RateLimit-Reset, the Unix time at which tokens are added.
func untilReset(header http.Header, now time.Time) time.Duration {
	at, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || at <= 0 {
		return 0
	}
	return max(0, time.Unix(at, 0).Sub(serverTime(header, now)))
}

// acquire waits until a request of route may be sent, at most limit unless that
// is negative, and returns how long it waited.
func (p *pacer) acquire(ctx context.Context, route string, limit time.Duration) (*pass, time.Duration, error) {
	start := time.Now()
	w := &waiter{ctx: ctx, limit: limit, start: start}
	if limit >= 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		w.expired = timer.C
	}
	for {
		b := p.of(route)
		// One waiter at a time watches the bucket; channels hand the turn on
		// in the order of arrival.
		if err := w.enter(b); err != nil {
			return nil, time.Since(start), err
		}
		granted, err := p.watch(w, route, b)
		<-b.turn
		if granted != nil || err != nil {
			return granted, time.Since(start), err
		}
	}
}

// watch waits for a token of b. It returns nil and no error when the route was
// found to use another bucket.
func (p *pacer) watch(w *waiter, route string, b *bucket) (*pass, error) {
	for {
		p.mu.Lock()
		if p.lookup(route) != b {
			p.mu.Unlock()
			return nil, nil
		}
		now := time.Now()
		delay := b.delay(now, p.reserve(b))
		if delay <= 0 {
			b.take(now)
			p.mu.Unlock()
			return &pass{route, b, now}, nil
		}
		changed := b.changed
		p.mu.Unlock()
		if err := w.wait(delay, changed); err != nil {
			return nil, err
		}
	}
}

// done returns a pass with what the answer said.
func (p *pacer) done(granted *pass, o observation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	granted.bucket.inflight--
	b := granted.bucket
	if o.answered {
		b = p.learn(granted, o, now)
		b.answered++
	}
	if o.known {
		b.observe(granted.sentAt, now, o)
	}
	if o.refused {
		b.refuse(now, o)
	} else if o.answered {
		b.refusals = 0
	}
	granted.bucket.notify()
	if b != granted.bucket {
		b.notify()
	}
}

// learn returns the bucket that the answer is about and puts the route there.
func (p *pacer) learn(granted *pass, o observation, now time.Time) *bucket {
	route := granted.route
	b := p.free
	switch {
	case o.known && p.own[route]:
		if b = p.routes[route]; b.size != o.size {
			b = newBucket(o.size, o.left)
		}
	case o.known:
		b = p.bySize[o.size]
		if b == nil {
			b = newBucket(o.size, o.left)
			p.bySize[o.size] = b
		} else if b.contradicts(granted.sentAt, now, o.left) {
			p.own[route] = true
			b = newBucket(o.size, o.left)
		}
	case p.routes[route] != nil: // This answer alone is silent.
		return p.routes[route]
	}
	if p.first == nil && o.known {
		p.first = b
	}
	if len(p.routes) < maxRoutes {
		p.routes[route] = b
	} else {
		delete(p.own, route)
	}
	return b
}

func (p *pacer) of(route string) *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lookup(route)
}

func (p *pacer) lookup(route string) *bucket {
	switch {
	case p.routes[route] != nil:
		return p.routes[route]
	case p.first != nil:
		return p.first
	case len(p.routes) > 0: // Answers come, and none names a limit.
		return p.free
	}
	return p.unknown
}

// reserve is what stays in b for others. One token is always ours.
func (p *pacer) reserve(b *bucket) float64 {
	return float64(b.size - max(1, int(p.budget*float64(b.size))))
}

// waiter is one caller of acquire.
type waiter struct {
	ctx     context.Context
	limit   time.Duration // Negative: as long as ctx lets it.
	start   time.Time
	expired <-chan time.Time
}

func (w *waiter) enter(b *bucket) error {
	select {
	case b.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-w.expired:
		return noRoom(0)
	case <-w.ctx.Done():
		return w.ended()
	}
}

// wait sleeps for delay, or until the bucket has changed. It fails at once when
// delay is more than the caller would wait.
func (w *waiter) wait(delay time.Duration, changed <-chan struct{}) error {
	if w.limit >= 0 && delay > w.limit-time.Since(w.start) {
		return noRoom(delay)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-changed:
		return nil
	case <-w.ctx.Done():
		return w.ended()
	}
}

// ended is for a context that has ended: by its deadline it was too short for
// the rate limit, canceled it says nothing about that.
func (w *waiter) ended() error {
	err := error(silent{w.ctx.Err(), "waiting for room in the bucket: " + describe(w.ctx.Err())})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", resource.ErrRateLimited, err)
	}
	return &resource.Error{Err: err}
}

// noRoom is the refusal without asking Auth0.
func noRoom(after time.Duration) error {
	return &resource.Error{RetryAfter: after, Err: fmt.Errorf("%w: no room in the bucket within Config.MaxWait", resource.ErrRateLimited)}
}
