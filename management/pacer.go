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
// operations share it. On some plans there is one for all, on others one for
// each group of operations, on most there are both. So an operation of a
// documented group whose answers name that group's size has the group's bucket;
// all others whose answers name the same size share one, until an answer shows
// that they cannot: see [bucket.contradicts].
type pacer struct {
	budget float64

	mu      sync.Mutex
	routes  map[string]*route
	shared  map[string]*bucket // By what bucketName says.
	tenant  int                // The size of the bucket for all operations, when there is one.
	first   *bucket            // The first one learnt: what a new route is taken to use.
	unknown *bucket            // Before the first answer.
	free    *bucket            // Of routes whose answers name no limit.
	silent  bool               // There was such an answer.
}

func newPacer(budget float64) *pacer {
	return &pacer{
		budget: budget, routes: map[string]*route{}, shared: map[string]*bucket{},
		unknown: newBucket(0, 0), free: newBucket(0, 0),
	}
}

// route is what is known of one operation.
type route struct {
	name     string
	learnt   *bucket // Nil before the first answer.
	own      bool    // Found to have a bucket of its own.
	charged  *bucket // Where its requests in flight are counted.
	inflight int
	moved    chan struct{} // Closed when learnt changes.
}

// move puts the route into b.
func (r *route) move(b *bucket) {
	if r.learnt == b {
		return
	}
	r.learnt = b
	close(r.moved)
	r.moved = make(chan struct{})
}

// charge counts the requests in flight in b from now on.
func (r *route) charge(b *bucket) {
	if r.charged != nil {
		r.charged.inflight -= r.inflight
	}
	b.inflight += r.inflight
	r.charged = b
}

// pass is the permission to send one request.
type pass struct {
	route  *route
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

// acquire waits until a request of the route may be sent, at most limit unless
// that is negative, and returns how long it waited.
func (p *pacer) acquire(ctx context.Context, name string, limit time.Duration) (*pass, time.Duration, error) {
	w := &waiter{ctx: ctx, limit: limit, start: time.Now()}
	if limit >= 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		w.expired = timer.C
	}
	r := p.route(name)
	for {
		b, moved := p.current(r)
		// One waiter at a time watches the bucket; channels hand the turn on
		// in the order of arrival.
		entered, err := w.enter(b, moved)
		if err != nil {
			return nil, time.Since(w.start), err
		}
		if !entered {
			continue
		}
		granted, err := p.watch(w, r, b)
		<-b.turn
		if granted != nil || err != nil {
			return granted, time.Since(w.start), err
		}
	}
}

// watch waits for a token of b. It returns nil and no error when the route was
// found to use another bucket.
func (p *pacer) watch(w *waiter, r *route, b *bucket) (*pass, error) {
	for {
		p.mu.Lock()
		if p.lookup(r) != b {
			p.mu.Unlock()
			return nil, nil
		}
		now := time.Now()
		delay := b.delay(now, p.reserve(b))
		if delay <= 0 {
			r.charge(b)
			r.inflight++
			b.take(now)
			p.mu.Unlock()
			return &pass{r, now}, nil
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
	now, r := time.Now(), granted.route
	before := r.charged
	before.inflight--
	r.inflight--
	b := before
	if o.answered {
		b = p.learn(granted, o, now)
		b.answered++
		r.charge(b)
	}
	if o.known {
		b.observe(granted.sentAt, now, o)
	}
	if o.refused {
		b.refuse(now, o)
	} else if o.answered {
		b.refusals = 0
	}
	before.notify()
	if b != before {
		b.notify()
	}
}

// learn returns the bucket that the answer is about and puts the route there.
func (p *pacer) learn(granted *pass, o observation, now time.Time) *bucket {
	r := granted.route
	switch {
	case o.known:
		r.move(p.bucketFor(granted, o, now))
		if p.first == nil {
			p.first = r.learnt
		}
	case r.learnt == nil: // An answer without the headers: there is no limit.
		r.move(p.free)
		p.silent = true
	}
	return r.learnt
}

func (p *pacer) bucketFor(granted *pass, o observation, now time.Time) *bucket {
	r := granted.route
	if r.own {
		if r.learnt.size == o.size {
			return r.learnt
		}
		return newBucket(o.size, o.left)
	}
	name := p.bucketName(r.name, o.size)
	b := p.shared[name]
	switch {
	case b == nil:
		b = newBucket(o.size, o.left)
		p.shared[name] = b
	case b.contradicts(granted.sentAt, now, o.left):
		r.own = true
		b = newBucket(o.size, o.left)
	}
	return b
}

// bucketName tells the bucket of a documented group from one known by its size
// alone.
func (p *pacer) bucketName(route string, size int) string {
	g, documented := groups[route]
	if !documented {
		p.tenant = size
	}
	if documented && g.size == size && size != p.tenant {
		return g.name
	}
	return strconv.Itoa(size)
}

// route returns what is known of the operation with that name.
func (p *pacer) route(name string) *route {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[name] == nil && len(p.routes) >= maxRoutes {
		name = "" // All the rest.
	}
	if p.routes[name] == nil {
		p.routes[name] = &route{name: name, moved: make(chan struct{})}
	}
	return p.routes[name]
}

// current is where the route waits, until moved is closed.
func (p *pacer) current(r *route) (b *bucket, moved <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lookup(r), r.moved
}

func (p *pacer) lookup(r *route) *bucket {
	switch {
	case r.learnt != nil:
		return r.learnt
	case p.shared[groups[r.name].name] != nil:
		return p.shared[groups[r.name].name]
	case p.first != nil:
		return p.first
	case p.silent:
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

// enter waits for the turn at b. It is false when the route has moved.
func (w *waiter) enter(b *bucket, moved <-chan struct{}) (bool, error) {
	select {
	case b.turn <- struct{}{}:
		return true, nil
	default:
	}
	select {
	case b.turn <- struct{}{}:
		return true, nil
	case <-moved:
		return false, nil
	case <-w.expired:
		return false, noRoom(0)
	case <-w.ctx.Done():
		return false, w.ended()
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
