// Package retry has what repeating a call needs: how long to wait, how to wait,
// and what the other side says about it.
package retry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Backoff is a pause that doubles with every failure, from First to at most
// Last. Both must be at least 2 ns.
type Backoff struct{ First, Last time.Duration }

// Pause returns the pause after the nth failure, from 1. A random part of up to
// a half is taken off, so that clients that failed together do not come back
// together.
func (b Backoff) Pause(n int) time.Duration {
	d := b.First
	for ; n > 1 && d < b.Last; n-- {
		d += min(d, b.Last-d)
	}
	return d/2 + rand.N(d/2)
}

// Sleep waits for d, or until ctx ends and returns its error. With d at most
// zero it only looks whether ctx has ended.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// After returns what Retry-After says, in both forms of RFC 9110 section 10.2.3,
// between zero and limit. A date is read against the Date of the same answer,
// because clocks differ, or else against now. Without the header, or with
// something else in it, After returns zero.
func After(header http.Header, now time.Time, limit time.Duration) time.Duration {
	value := header.Get("Retry-After")
	// Of digits that are too many ParseUint makes the largest number.
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return min(time.Duration(min(seconds, math.MaxUint32))*time.Second, limit)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(ServerTime(header, now))), limit)
}

// ServerTime returns the Date of an answer, or now if it has none.
func ServerTime(header http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return now
}
