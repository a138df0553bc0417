package tenancy

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	loadTimeout = 10 * time.Second
	minRetry    = time.Second
	maxRetry    = 30 * time.Second
)

// loader reads values through a cache: each at most once in its TTL, once for
// all who ask at the same time, apart from the context of whoever asked first.
// A failure is remembered too, for as long as the answer said, so that a rate
// limit is not made worse.
type loader[K comparable, V any] struct {
	ttl  time.Duration
	read func(context.Context, K) (V, error)

	entries *lru[K, loaded[V]]
	mu      sync.Mutex
	flights map[K]*load[V]
}

type loaded[V any] struct {
	value V
	err   error
	until time.Time
}

// load is a read in progress. Its result is set before done is closed.
type load[V any] struct {
	done   chan struct{}
	result loaded[V]
}

func newLoader[K comparable, V any](max int, ttl time.Duration, read func(context.Context, K) (V, error)) *loader[K, V] {
	return &loader[K, V]{ttl: ttl, read: read, entries: newLRU[K, loaded[V]](max), flights: make(map[K]*load[V])}
}

func (l *loader[K, V]) get(ctx context.Context, key K) (V, error) {
	if e, ok := l.entries.get(key); ok && time.Now().Before(e.until) {
		return e.value, e.err
	}
	f := l.join(ctx, key)
	select {
	case <-f.done:
		return f.result.value, f.result.err
	case <-ctx.Done():
		var none V
		return none, &UnavailableError{RetryAfter: minRetry, Err: context.Cause(ctx)}
	}
}

func (l *loader[K, V]) join(ctx context.Context, key K) *load[V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f, ok := l.flights[key]; ok {
		return f
	}
	f := &load[V]{done: make(chan struct{})}
	if e, ok := l.entries.get(key); ok && time.Now().Before(e.until) { // stored since get looked
		f.result = e
		close(f.done)
		return f
	}
	l.flights[key] = f
	go l.run(context.WithoutCancel(ctx), key, f)
	return f
}

func (l *loader[K, V]) run(ctx context.Context, key K, f *load[V]) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	start := time.Now() // the value is at least as old as the question
	value, err := l.read(ctx, key)
	f.result = loaded[V]{value: value, until: start.Add(l.ttl)}
	if err != nil {
		wait := retryAfter(err)
		f.result = loaded[V]{err: &UnavailableError{RetryAfter: wait, Err: err}, until: time.Now().Add(wait)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flights[key] == f { // not invalidated meanwhile
		delete(l.flights, key)
		l.entries.put(key, f.result)
	}
	close(f.done)
}

// invalidate forgets what match matches, and what reads in progress will bring.
func (l *loader[K, V]) invalidate(match func(K) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.flights {
		if match(key) {
			delete(l.flights, key)
		}
	}
	l.entries.dropIf(match)
}

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return min(max(e.RetryAfter, minRetry), maxRetry)
	}
	return minRetry
}
