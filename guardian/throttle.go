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
	lastDelay  = time.Hour        // to this.

	freeFailures    = 5   // of a user with a factor before there is a delay
	maxFailures     = 100 // NIST SP 800-63B-4 section 3.2.2: no more in a row
	addressFailures = 50  // of an address: offices share one
	addressMemory   = 24 * time.Hour
)

// limit is how often something may fail.
type limit struct {
	free   int           // Failures without a delay.
	lock   int           // Failures that lock for good; zero: none do.
	memory time.Duration // After this long without one, failures are forgotten; zero: never.
}

// delay is how long nothing is heard after so many failures in a row.
func (l limit) delay(failures int) time.Duration {
	n := failures - l.free
	if n < 0 {
		return 0
	}
	if n >= 7 { // 30 s doubled seven times is more than an hour.
		return lastDelay
	}
	return min(firstDelay<<n, lastDelay)
}

// attempts is the record of KindAttempts.
type attempts struct {
	Failures int
	Last     time.Time
}

// counter is the failures of one subject with one factor.
type counter struct {
	s     *Service
	key   driver.Key
	limit limit
}

func (s *Service) userCounter(userID string, f Factor) counter {
	return counter{s, driver.Key{Subject: userID, Kind: driver.KindAttempts, Factor: string(f)}, limit{free: freeFailures, lock: s.cfg.MaxFailures}}
}

// addressCounter counts all factors together. Of IPv6 it counts networks of 64
// bits: that is what one person has.
func (s *Service) addressCounter(ip netip.Addr) counter {
	ip = ip.Unmap().WithZone("")
	where := ip.String()
	if ip.Is6() {
		where = netip.PrefixFrom(ip, 64).Masked().String()
	}
	return counter{s, driver.Key{Subject: "address " + where, Kind: driver.KindAttempts}, limit{free: addressFailures, memory: addressMemory}}
}

// charge counts a failure before the attempt is looked at, so that concurrent
// guesses cannot all be looked at: who succeeds gets it back. It refuses an
// attempt that comes too early, and counts that not.
func (c counter) charge(ctx context.Context) (failures int, err error) {
	now := c.s.now()
	err = update(ctx, c.s, c.key, func(a *attempts) (time.Time, error) {
		if c.limit.memory > 0 && now.Sub(a.Last) >= c.limit.memory {
			a.Failures = 0
		}
		if c.limit.lock > 0 && a.Failures >= c.limit.lock {
			return time.Time{}, &VerifyError{Err: ErrLocked}
		}
		if wait := a.Last.Add(c.limit.delay(a.Failures)).Sub(now); wait > 0 {
			return time.Time{}, &VerifyError{Err: ErrThrottled, AttemptsLeft: c.left(a.Failures), RetryAfter: wait}
		}
		a.Failures++
		a.Last = now
		failures = a.Failures
		return c.until(a), nil
	})
	return failures, err
}

// left is how many attempts remain before the lock, -1 without one.
func (c counter) left(failures int) int {
	if c.limit.lock == 0 {
		return -1
	}
	return max(0, c.limit.lock-failures)
}

// until is when the record says nothing any more.
func (c counter) until(a *attempts) time.Time {
	switch {
	case a.Failures == 0:
		return c.s.now()
	case c.limit.memory > 0:
		return a.Last.Add(c.limit.memory)
	}
	return time.Time{}
}

// refund takes one failure back.
func (c counter) refund(ctx context.Context) error {
	return c.set(ctx, func(a *attempts) { a.Failures = max(0, a.Failures-1) })
}

// reset takes all failures back.
func (c counter) reset(ctx context.Context) error {
	return c.set(ctx, func(a *attempts) { a.Failures = 0 })
}

func (c counter) set(ctx context.Context, change func(*attempts)) error {
	return update(context.WithoutCancel(ctx), c.s, c.key, func(a *attempts) (time.Time, error) {
		if a.Failures == 0 {
			return time.Time{}, errUnchanged
		}
		change(a)
		return c.until(a), nil
	})
}

// charges are what one attempt has been charged.
type charges struct {
	user, address *counter
	failures      int
}

// charge charges the address first: a locked user must not hide a guessing
// address. Without a Store nothing is counted.
func (s *Service) charge(ctx context.Context, r Request) (charges, error) {
	var c charges
	if s.store == nil {
		return c, nil
	}
	if r.IP.IsValid() {
		address := s.addressCounter(r.IP)
		if _, err := address.charge(ctx); err != nil {
			return c, err
		}
		c.address = &address
	}
	user := s.userCounter(r.UserID, r.Factor)
	failures, err := user.charge(ctx)
	if err != nil {
		return c, errors.Join(err, c.refund(ctx))
	}
	c.user, c.failures = &user, failures
	return c, nil
}

// succeed forgets the failures of the user with the factor. Those of the address
// stay: its owner may have an account of their own here.
func (c charges) succeed(ctx context.Context) error {
	if c.user == nil {
		return nil
	}
	return errors.Join(c.user.reset(ctx), charges{address: c.address}.refund(ctx))
}

// refund takes back what this attempt was charged.
func (c charges) refund(ctx context.Context) error {
	var errs []error
	for _, counter := range []*counter{c.user, c.address} {
		if counter != nil {
			errs = append(errs, counter.refund(ctx))
		}
	}
	return errors.Join(errs...)
}

// explain adds to a no what the counter knows.
func (c charges) explain(err error, counted bool) error {
	e, is := errors.AsType[*VerifyError](err)
	if !is {
		sentinel := sentinelOf(err)
		if sentinel == nil {
			return err
		}
		e = refuse(sentinel)
	}
	if c.user == nil {
		return e
	}
	failures := c.failures
	if !counted {
		failures--
	}
	out := *e
	out.AttemptsLeft = c.user.left(failures)
	if counted {
		out.RetryAfter = max(out.RetryAfter, c.user.limit.delay(failures))
	}
	return &out
}
