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
	ttl, stale time.Duration // stale: age up to which a value serves when it cannot be read again.
	read       func(context.Context, K) (loaded[V], error)
	entries    *lru.Cache[K, *once.Call[loaded[V]]]
}

// loaded is a value as of the moment at which reading it began.
type loaded[V any] struct {
	value V
	asOf  time.Time // Zero: nothing was ever read.
}

func newLoader[K comparable, V any](max int, ttl, stale time.Duration, read func(context.Context, K) (loaded[V], error)) *loader[K, V] {
	return &loader[K, V]{ttl: ttl, stale: stale, read: read, entries: lru.New[K, *once.Call[loaded[V]]](max)}
}

// now makes a read whose value is as of its beginning.
func now[K, V any](read func(context.Context, K) (V, error)) func(context.Context, K) (loaded[V], error) {
	return func(ctx context.Context, key K) (loaded[V], error) {
		start := time.Now()
		value, err := read(ctx, key)
		return loaded[V]{value, start}, err
	}
}

func (l *loader[K, V]) entry(key K) *once.Call[loaded[V]] {
	return l.entries.GetOr(key, func() *once.Call[loaded[V]] { return &once.Call[loaded[V]]{Detach: loadTimeout, Settle: keepValue[V]} })
}

// keepValue keeps the last value beside a failure.
func keepValue[V any](last, now once.Outcome[loaded[V]]) once.Outcome[loaded[V]] {
	if now.Err != nil {
		now.Value = last.Value
	}
	return now
}

func (l *loader[K, V]) reader(key K) func(context.Context) (loaded[V], error) {
	return func(ctx context.Context) (loaded[V], error) { return l.read(ctx, key) }
}

// start begins to read what get will be asked for.
func (l *loader[K, V]) start(ctx context.Context, key K) {
	l.entry(key).Start(ctx, l.serves, l.reader(key))
}

// get returns the value, or an UnavailableError, with the last known value beside.
func (l *loader[K, V]) get(ctx context.Context, key K) (loaded[V], error) {
	entry := l.entry(key)
	if last := entry.Last(); last.Err != nil && l.usable(last.Value) { // do not wait for what has just failed
		entry.Start(ctx, l.serves, l.reader(key))
		return last.Value, nil
	}
	got, err := entry.Do(ctx, l.serves, l.reader(key))
	if err == nil {
		return got, nil
	}
	if got = entry.Last().Value; l.usable(got) {
		return got, nil
	}
	return got, &UnavailableError{RetryAfter: retryAfter(err), Err: err}
}

func (l *loader[K, V]) usable(v loaded[V]) bool {
	return !v.asOf.IsZero() && time.Since(v.asOf) <= l.stale
}

// serves reports whether the outcome of the last read is still remembered.
func (l *loader[K, V]) serves(last once.Outcome[loaded[V]]) bool {
	if last.Err != nil {
		return time.Since(last.At) < retryAfter(last.Err)
	}
	return time.Since(last.Value.asOf) < l.ttl
}

// invalidate forgets what match matches, and what reads in progress will bring.
func (l *loader[K, V]) invalidate(match func(K) bool) { l.entries.DropIf(match) }

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return min(max(e.RetryAfter, minRetry), maxRetry)
	}
	return minRetry
}

func orDefault[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}
