package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/once"
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
	ttl     time.Duration
	read    func(context.Context, K) (V, error)
	entries *lru.Cache[K, *once.Call[loaded[V]]]
}

type loaded[V any] struct {
	value V
	until time.Time
}

func newLoader[K comparable, V any](max int, ttl time.Duration, read func(context.Context, K) (V, error)) *loader[K, V] {
	return &loader[K, V]{ttl: ttl, read: read, entries: lru.New[K, *once.Call[loaded[V]]](max)}
}

func (l *loader[K, V]) get(ctx context.Context, key K) (V, error) {
	entry := l.entries.GetOr(key, func() *once.Call[loaded[V]] { return &once.Call[loaded[V]]{Detach: loadTimeout} })
	got, err := entry.Do(ctx, serves, func(ctx context.Context) (loaded[V], error) {
		start := time.Now() // the value is at least as old as the question
		value, err := l.read(ctx, key)
		return loaded[V]{value, start.Add(l.ttl)}, err
	})
	if err != nil {
		var none V
		return none, &UnavailableError{RetryAfter: retryAfter(err), Err: err}
	}
	return got.value, nil
}

// serves reports whether the outcome of the last read is still remembered.
func serves[V any](last once.Outcome[loaded[V]]) bool {
	if last.Err != nil {
		return time.Since(last.At) < retryAfter(last.Err)
	}
	return time.Now().Before(last.Value.until)
}

// invalidate forgets what match matches, and what reads in progress will bring.
func (l *loader[K, V]) invalidate(match func(K) bool) { l.entries.DropIf(match) }

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return min(max(e.RetryAfter, minRetry), maxRetry)
	}
	return minRetry
}
