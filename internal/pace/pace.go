package pace

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// maxRoutes bounds what is learnt, in case an id is taken for a word.
const maxRoutes = 512

// pauses are those after answers of 429 that name no time.
var pauses = retry.Backoff{First: 500 * time.Millisecond, Last: 8 * time.Second}

// NoRoom is the error of a wait that would be too long.
type NoRoom struct{ After time.Duration } // Zero: not known.

// Error names no route.
func (e *NoRoom) Error() string { return "no room in the bucket" }

// Pacer lets requests through. It is safe for concurrent use.
type Pacer struct {
	budget  float64
	mu      sync.Mutex
	routes  map[string]*route
	buckets map[string]*bucket
	changed chan struct{} // Closed by the next answer.
	tenant  int           // The size of the bucket of operations outside of the groups.
	events  uint64        // Requests and answers are numbered: times are too coarse to order them.
}

// New returns a Pacer that spends at most that share of each bucket, from 0 to
// 1; one token is always ours.
func New(budget float64) *Pacer {
	return &Pacer{budget: budget, routes: map[string]*route{}, buckets: map[string]*bucket{}, changed: make(chan struct{})}
}

// route is what is known of one operation.
type route struct {
	name     string
	turn     chan struct{} // Held by the one waiter that watches, in the order of arrival.
	bucket   *bucket       // Nil: no answer has named one.
	known    bool          // There was an answer that would have named a bucket if there was one.
	inflight int
	refusals int       // 429s in a row.
	blocked  time.Time // Nobody goes before: a 429 said so.
	probing  bool      // It named a time that is not believed: ask one by one.
	probeAt  time.Time // When the next may go, one by one.
}

// Pass is the permission to send one request.
type Pass struct {
	Waited time.Duration // Whole milliseconds; 0: it went at once.
	pacer  *Pacer
	route  *route
	bucket *bucket
	event  uint64
}

// Acquire waits until a request of the route may be sent, at most limit unless
// that is negative. Its error is that of ctx or a *NoRoom. Every Pass must be
// given back with Done.
func (p *Pacer) Acquire(ctx context.Context, name string, limit time.Duration) (*Pass, error) {
	start, r := time.Now(), p.route(name)
	left := func() time.Duration { return limit - time.Since(start) }
	waited, err := r.enter(ctx, limit)
	if err != nil {
		return nil, err
	}
	defer func() { <-r.turn }()
	for ; ; waited = true {
		pass, delay, changed := p.try(r)
		if pass != nil {
			if waited {
				pass.Waited = time.Since(start).Truncate(time.Millisecond)
			}
			return pass, nil
		}
		if limit >= 0 && delay > left() {
			return nil, &NoRoom{delay}
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// enter waits for the turn, at most limit unless that is negative.
func (r *route) enter(ctx context.Context, limit time.Duration) (waited bool, err error) {
	select {
	case r.turn <- struct{}{}:
		return false, nil
	default:
	}
	var expired <-chan time.Time
	if limit >= 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case r.turn <- struct{}{}:
		return true, nil
	case <-expired:
		return true, &NoRoom{}
	case <-ctx.Done():
		return true, ctx.Err()
	}
}

// try spends a token, or says when to try again.
func (p *Pacer) try(r *route) (*Pass, time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if delay := p.delay(r, now); delay > 0 {
		return nil, delay, p.changed
	}
	r.inflight++
	r.probeAt = now.Add(probeEvery)
	if r.bucket != nil {
		r.bucket.take(now)
	}
	p.events++
	return &Pass{pacer: p, route: r, bucket: r.bucket, event: p.events}, 0, nil
}

// delay is how long to wait before it makes sense to look again; zero lets one
// request through.
func (p *Pacer) delay(r *route, now time.Time) time.Duration {
	switch wait := r.blocked.Sub(now); {
	case wait > 0:
		return wait
	case r.probing, !r.known && r.inflight > 0:
		return r.probeAt.Sub(now)
	case r.bucket == nil:
		return 0
	}
	return r.bucket.delay(now, p.reserve(r.bucket))
}

// reserve is what stays in b for others.
func (p *Pacer) reserve(b *bucket) float64 {
	return float64(b.size - max(1, int(p.budget*float64(b.size))))
}

// Done gives the pass back with what the answer said; nil when there is none.
// refused says that it is a 429 because of a bucket.
func (pass *Pass) Done(resp *http.Response, refused bool) {
	p, r, now := pass.pacer, pass.route, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	r.inflight--
	if pass.bucket != nil {
		pass.bucket.inflight--
	}
	p.events++
	if resp != nil {
		o := observe(resp, now)
		if o.size > 0 {
			r.bucket = p.bucket(r.name, o)
			r.bucket.observe(pass.event, p.events, now, o)
		}
		r.learn(o, refused, now)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// learn keeps what an answer means for the route alone. Auth0's own word on when
// to come back counts, up to MaxRetryAfter; the reset caps a growing pause
// otherwise, because it is not certain whether it means the next token or a full
// bucket.
func (r *route) learn(o observation, refused bool, now time.Time) {
	r.known = r.known || o.known
	if !refused {
		if o.known {
			r.refusals, r.probing = 0, false
		}
		return
	}
	r.refusals++
	pause := pauses.Pause(r.refusals)
	if o.reset > 0 {
		pause = max(min(pause, o.reset), 50*time.Millisecond)
	}
	if o.retryAfter > 0 {
		pause = o.retryAfter
	}
	if until := now.Add(pause); until.After(r.blocked) {
		r.blocked, r.probeAt = until, until
	}
	r.probing = o.retryAfter >= MaxRetryAfter
}

// bucket returns the one that an answer is about: that of the route's group if
// the answer names its size, or the one that all others of this size share.
func (p *Pacer) bucket(route string, o observation) *bucket {
	name, g := fmt.Sprint(o.size), groups[route]
	if g.name == "" {
		p.tenant = o.size
	}
	if g.size == o.size && o.size != p.tenant {
		name = g.name
	}
	if p.buckets[name] == nil {
		if len(p.buckets) >= maxRoutes {
			clear(p.buckets) // Sizes that Auth0 does not have. Routes keep theirs.
		}
		p.buckets[name] = &bucket{size: o.size, level: float64(o.left)}
	}
	return p.buckets[name]
}

// route returns what is known of the operation with that name.
func (p *Pacer) route(name string) *route {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[name] == nil && len(p.routes) >= maxRoutes {
		name = "" // All the rest.
	}
	if p.routes[name] == nil {
		p.routes[name] = &route{name: name, turn: make(chan struct{}, 1)}
	}
	return p.routes[name]
}
