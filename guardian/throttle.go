package guardian

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

const (
	firstDelay = 30 * time.Second // NIST SP 800-63B-4 section 3.2.2 suggests to grow from this
	lastDelay  = 4 * time.Hour    // to an hour. More pays for the second window of a wrong clock.

	freeFailures = 5   // of a user with a factor before there is a delay
	maxFailures  = 100 // NIST SP 800-63B-4 section 3.2.2: no more in a row

	// An address is a bucket that leaks one failure in an hour. While it has addressCalm or
	// more, a user who has addressFree failures in a row is not heard from there, and
	// nothing is counted: innocent people share the address, and one who mistypes so
	// often is one in millions, while a guesser from one address would keep the owners
	// of all accounts that they try waiting, wherever those are.
	addressLeak = time.Hour
	addressFree = 4
	addressCalm = 24
	addressFull = 26
)

// delay is how long nothing is heard after so many failures in a row, the last of
// which had that weight.
func delay(failures, weight int) time.Duration {
	n := failures - freeFailures
	if n < 0 {
		return 0
	}
	if n >= 7 {
		n++ // From half an hour to two: a guesser who makes nobody wait has less of a day left.
	}
	return min(firstDelay<<min(n, 9), lastDelay) * time.Duration(weight) // Doubled nine times it is more.
}

// attempts is the record of KindAttempts: of a user with a factor, or of an address.
type attempts struct {
	Failures int
	Next     time.Time // Of a user: attempts before that are refused.
	Last     time.Time // Of an address: when Failures was counted.
}

func userAttempts(userID string, f Factor) driver.Key {
	return driver.Key{Subject: userID, Kind: driver.KindAttempts, Factor: string(f)}
}

// addressAttempts counts all factors together. Of IPv6 it counts networks of 64
// bits: that is what one person has.
func addressAttempts(ip netip.Addr) driver.Key {
	ip = ip.Unmap().WithZone("")
	where := ip.String()
	if ip.Is6() {
		where = netip.PrefixFrom(ip, 64).Masked().String()
	}
	return driver.Key{Subject: "address " + where, Kind: driver.KindAttempts}
}

// leak is what is left of an address now.
func (a attempts) leak(now time.Time) attempts {
	n := int(min(max(0, now.Sub(a.Last))/addressLeak, addressFull))
	if n >= a.Failures {
		return attempts{Last: now}
	}
	return attempts{Failures: a.Failures - n, Last: a.Last.Add(time.Duration(n) * addressLeak)}
}

// charge is what one attempt has been charged. The zero value is for a Service
// without a Store, which counts nothing.
type charge struct {
	s        *Service
	key      driver.Key
	address  netip.Addr
	weight   int
	was, now attempts
}

// charge counts a failure before the attempt is looked at, so that concurrent
// guesses cannot all be looked at: who succeeds gets it back. It refuses an
// attempt that comes too early, without counting it.
func (s *Service) charge(ctx context.Context, r Request, weight int) (*charge, error) {
	c := &charge{weight: weight}
	if s.store == nil {
		return c, nil
	}
	now := s.now()
	hot, err := s.hot(ctx, r.IP, now)
	if err != nil {
		return c, err
	}
	c.s, c.key, c.address = s, userAttempts(r.UserID, r.Factor), r.IP
	return c, update(ctx, s, c.key, func(a *attempts) (time.Time, error) {
		c.was = *a
		if a.Failures >= s.cfg.MaxFailures {
			return time.Time{}, &VerifyError{Err: ErrLocked}
		}
		wait := a.Next.Sub(now)
		if a.Failures >= addressFree {
			wait = max(wait, hot)
		}
		if wait > 0 {
			return time.Time{}, &VerifyError{Err: ErrThrottled, AttemptsLeft: c.left(a.Failures), RetryAfter: wait}
		}
		a.Failures += c.weight
		a.Next = now.Add(delay(a.Failures, c.weight))
		c.now = *a
		return time.Time{}, nil
	})
}

// hot is how long an address is not heard for users who have failed.
func (s *Service) hot(ctx context.Context, ip netip.Addr, now time.Time) (time.Duration, error) {
	if !ip.IsValid() {
		return 0, nil
	}
	var a attempts
	if _, err := s.read(ctx, addressAttempts(ip), &a); err != nil {
		return 0, err
	}
	if a = a.leak(now); a.Failures < addressCalm {
		return 0, nil
	}
	return a.Last.Add(time.Duration(a.Failures-addressCalm+1) * addressLeak).Sub(now), nil
}

// left is how many attempts of this weight remain before the lock.
func (c *charge) left(failures int) int {
	return max(0, c.s.cfg.MaxFailures-failures+c.weight-1) / c.weight
}

// succeed forgets the failures of the user with the factor.
func (c *charge) succeed(ctx context.Context) error {
	if c.s == nil {
		return nil
	}
	return c.s.resetAttempts(ctx, c.key)
}

// resetAttempts takes all failures back.
func (s *Service) resetAttempts(ctx context.Context, k driver.Key) error {
	return update(context.WithoutCancel(ctx), s, k, func(a *attempts) (time.Time, error) {
		if a.Failures == 0 {
			return time.Time{}, errUnchanged
		}
		*a = attempts{}
		return s.now(), nil
	})
}

// refund takes back what this attempt was charged, and its delay unless somebody
// else was charged since.
func (c *charge) refund(ctx context.Context) error {
	if c.s == nil {
		return nil
	}
	return update(context.WithoutCancel(ctx), c.s, c.key, func(a *attempts) (time.Time, error) {
		if a.Failures == 0 {
			return time.Time{}, errUnchanged
		}
		if a.Next.Equal(c.now.Next) {
			a.Next = c.was.Next
		}
		if a.Failures = max(0, a.Failures-c.weight); a.Failures == 0 {
			return c.s.now(), nil
		}
		return time.Time{}, nil
	})
}

// failed counts for the address too.
func (c *charge) failed(ctx context.Context) error {
	if c.s == nil || !c.address.IsValid() {
		return nil
	}
	now := c.s.now()
	return update(context.WithoutCancel(ctx), c.s, addressAttempts(c.address), func(a *attempts) (time.Time, error) {
		*a = a.leak(now)
		a.Failures = min(a.Failures+1, addressFull)
		return a.Last.Add(time.Duration(a.Failures) * addressLeak), nil
	})
}

// explain adds to a no what the counter knows.
func (c *charge) explain(err error, counted bool) error {
	e, is := errors.AsType[*VerifyError](err)
	if !is {
		sentinel := sentinelOf(err)
		if sentinel == nil {
			return err
		}
		e = refuse(sentinel)
	}
	if c.s == nil {
		return e
	}
	out := *e
	out.AttemptsLeft = c.left(c.was.Failures)
	if counted {
		out.AttemptsLeft = c.left(c.now.Failures)
		out.RetryAfter = max(out.RetryAfter, delay(c.now.Failures, c.weight))
	}
	return &out
}
