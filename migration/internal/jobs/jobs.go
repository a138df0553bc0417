// Package jobs has what a bulk run and a login share about Auth0: repeating calls,
// following import jobs, and finding the connection.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

var pauses = retry.Backoff{First: 500 * time.Millisecond, Last: time.Minute}

// Patience is how long a call is repeated while Auth0 does not answer it. A run of
// a weekend outlives an outage of that length.
const Patience = 30 * time.Minute

// ShortPoll is the shortest time between two looks at a job.
const ShortPoll = 250 * time.Millisecond

// Passing reports whether a call that can be repeated should be.
func Passing(err error) bool {
	return errors.Is(err, resource.ErrRateLimited) || errors.Is(err, resource.ErrUnavailable) ||
		errors.Is(err, resource.ErrOutcomeUnknown)
}

// Backoff is the wait before the attempt after the nth, with jitter, or what Auth0
// asked for when that is longer.
func Backoff(n int, err error) time.Duration {
	d := pauses.Pause(n)
	if e, ok := errors.AsType[*resource.Error](err); ok {
		d = max(d, e.RetryAfter)
	}
	return d
}

// Patiently calls op, which can be repeated, until the tenant answers.
func Patiently[T any](ctx context.Context, op func() (T, error)) (T, error) {
	start := time.Now()
	for n := 1; ; n++ {
		v, err := op()
		if err == nil || !Passing(err) || ctx.Err() != nil || time.Since(start) > Patience {
			return v, err
		}
		if err := retry.Sleep(ctx, Backoff(n, err)); err != nil {
			return v, err
		}
	}
}

// Do is Patiently for a call without a result.
func Do(ctx context.Context, op func() error) error {
	_, err := Patiently(ctx, func() (struct{}, error) { return struct{}{}, op() })
	return err
}

// Next is the wait after a look in vain at a job that has been running for
// elapsed: a thirtieth of that, so that a slot stands empty for a sixtieth of the
// job's time on average. What Auth0 says is left is not asked: it is an estimate,
// and one that is too long would leave the slot empty.
func Next(elapsed time.Duration) time.Duration {
	return min(max(ShortPoll, elapsed/30), 10*time.Second)
}

// Slot is the wait for a job slot that somebody else has had for elapsed.
func Slot(elapsed time.Duration) time.Duration { return Next(elapsed) + rand.N(ShortPoll) }

// Conflict reports whether a code of a job's errors says that another user is
// there already.
func Conflict(code string) bool {
	return strings.HasPrefix(code, "CONFLICT") || code == "DUPLICATED_USER"
}

// NeverLoggedIn reports whether nobody has used the account at Auth0.
func NeverLoggedIn(u *resource.User) bool { return u.LoginsCount == 0 && u.LastLogin.IsZero() }

// Lister is the part of Auth0 that Resolve needs.
type Lister interface {
	DatabaseConnections(ctx context.Context) ([]resource.Connection, error)
}

// Resolve finds a database connection by name, and tells how many others there are.
func Resolve(ctx context.Context, dst Lister, name string) (c *resource.Connection, others int, err error) {
	all, err := Patiently(ctx, func() ([]resource.Connection, error) { return dst.DatabaseConnections(ctx) })
	if err != nil {
		return nil, 0, fmt.Errorf("migration: read the connections: %w", err)
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i], len(all) - 1, nil
		}
	}
	return nil, 0, fmt.Errorf("migration: the tenant has no database connection %s; give Run.Connection the name of one: %w",
		strconv.Quote(name), resource.ErrNotFound)
}
