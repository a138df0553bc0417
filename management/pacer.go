package management

import (
	"context"
	"strconv"
	"sync"
	"time"
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
	events  uint64
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
	askedAt  time.Time
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
	event  uint64
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
		b, moved, known := p.current(r)
		// One waiter at a time watches the bucket; channels hand the turn on
		// in the order of arrival.
		entered, err := w.enter(b, moved, known)
		if err != nil {
			return nil, time.Since(w.start), err
		}
		var granted *pass
		if entered {
			granted, err = p.watch(w, r, b)
			<-b.turn
		} else {
			granted = p.ask(r)
		}
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
			defer p.mu.Unlock()
			return p.take(r, b, now), nil
		}
		changed := b.changed
		p.mu.Unlock()
		if err := w.wait(delay, changed); err != nil {
			return nil, err
		}
	}
}

// take spends a token of b on a request that is sent now.
func (p *pacer) take(r *route, b *bucket, now time.Time) *pass {
	r.charge(b)
	r.inflight++
	b.take(now)
	return &pass{route: r, sentAt: now, event: p.next()}
}

// next numbers requests and answers, because times are not fine enough to tell
// which came first.
func (p *pacer) next() uint64 {
	p.events++
	return p.events
}

// ask lets one request of a route through that nothing is known of and that has
// waited in the queue of a bucket which may not be its own.
func (p *pacer) ask(r *route) *pass {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, b := time.Now(), p.lookup(r)
	if r.learnt != nil || r.inflight > 0 || b.blocked.After(now) || now.Sub(r.askedAt) < probeEvery {
		return nil
	}
	r.askedAt = now
	return p.take(r, b, now)
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
		b.observe(granted, p.next(), now, o)
	}
	if o.refused {
		b.refuse(now, o)
	} else if o.answered {
		b.accept()
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
	case b.contradicts(granted, now, o.left):
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

// current is where the route waits, until moved is closed; known says whether
// that is more than a guess.
func (p *pacer) current(r *route) (b *bucket, moved <-chan struct{}, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lookup(r), r.moved, r.learnt != nil
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
