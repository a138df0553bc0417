package guardian

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

const (
	firstDelay = 30 * time.Second // NIST SP 800-63B-4 section 3.2.2 suggests to grow from this
	lastDelay  = 4 * time.Hour    // to an hour. More pays for the second window of a wrong clock.

	freeFailures = 5   // of a user with a factor before there is a delay
	maxFailures  = 100 // NIST SP 800-63B-4 section 3.2.2: no more in a row

	// What fails with a factor of an account from one network fills a bucket that leaks
	// one failure in two weeks. While it is full, an account with a failure since its
	// last success is not heard from there, and nothing is counted: a guesser keeps the
	// owner waiting nowhere else, and has one guess after each login of theirs. Innocent
	// people, who share the address, succeed in between, which takes a failure back.
	networkLeak = 14 * 24 * time.Hour
	networkFull = 24
	maxNetworks = 16
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

// attempts is the record of KindAttempts.
type attempts struct {
	Failures int       // In a row.
	Next     time.Time // Attempts before that are refused.
	From     []network `json:",omitempty"`
}

// network is where failures came from.
type network struct {
	Name  string
	Wrong int
	Since time.Time // The next leaks networkLeak later.
}

func userAttempts(userID string, f Factor) driver.Key {
	return driver.Key{Subject: userID, Kind: driver.KindAttempts, Factor: string(f)}
}

// networkOf names the network of a user's address by a hash, empty if the address is not
// known. Of IPv6 it has 64 bits: that is what one person has.
func networkOf(userID string, ip netip.Addr) string {
	if ip = ip.Unmap().WithZone(""); !ip.IsValid() {
		return ""
	}
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	return hex.EncodeToString(hashOf("network", userID+"\x00"+netip.PrefixFrom(ip, bits).Masked().String())[:8])
}

// leak takes off what is older.
func (a *attempts) leak(now time.Time) {
	for i := range a.From {
		n := &a.From[i]
		drops := min(max(0, now.Sub(n.Since))/networkLeak, networkFull+1)
		n.Wrong -= int(drops)
		n.Since = n.Since.Add(drops * networkLeak)
	}
	a.From = slices.DeleteFunc(a.From, func(n network) bool { return n.Wrong <= 0 })
}

// count adds failures from a network, or takes them back. Of too many networks it
// forgets the one with the fewest.
func (a *attempts) count(name string, wrong int, now time.Time) {
	i := slices.IndexFunc(a.From, func(n network) bool { return n.Name == name })
	if i < 0 && (name == "" || wrong < 0) {
		return
	}
	if i < 0 {
		if len(a.From) == maxNetworks {
			fewest := slices.MinFunc(a.From, func(x, y network) int { return cmp.Compare(x.Wrong, y.Wrong) })
			a.From = slices.DeleteFunc(a.From, func(n network) bool { return n == fewest })
		}
		i, a.From = len(a.From), append(a.From, network{Name: name, Since: now})
	}
	a.From[i].Wrong = min(a.From[i].Wrong+wrong, networkFull+1)
	a.leak(now)
}

// full is how long a network is not heard.
func (a *attempts) full(name string, now time.Time) (wait time.Duration) {
	for _, n := range a.From {
		if over := n.Wrong - networkFull; n.Name == name && over >= 0 {
			wait = n.Since.Add(time.Duration(over+1) * networkLeak).Sub(now)
		}
	}
	return wait
}

// until is how long the record is of use.
func (a *attempts) until(now time.Time) time.Time {
	if a.Failures > 0 {
		return time.Time{}
	}
	end := now
	for _, n := range a.From {
		if last := n.Since.Add(time.Duration(n.Wrong) * networkLeak); last.After(end) {
			end = last
		}
	}
	return end
}

// charge is what one attempt has been charged. The zero value is for a Service
// without a Store, which counts nothing.
type charge struct {
	s        *Service
	key      driver.Key
	network  string
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
	c.s, c.key, c.network = s, userAttempts(r.UserID, r.Factor), networkOf(r.UserID, r.IP)
	return c, update(ctx, s, c.key, func(a *attempts) (time.Time, error) {
		c.was = *a
		if a.Failures >= s.cfg.MaxFailures {
			return time.Time{}, &VerifyError{Err: ErrLocked}
		}
		a.leak(now)
		wait := a.Next.Sub(now)
		if a.Failures > 0 {
			wait = max(wait, a.full(c.network, now))
		}
		if wait > 0 {
			return time.Time{}, &VerifyError{Err: ErrThrottled, AttemptsLeft: c.left(a.Failures), RetryAfter: wait}
		}
		a.Failures += c.weight
		a.Next = now.Add(delay(a.Failures, c.weight))
		a.count(c.network, 1, now)
		c.now = *a
		return time.Time{}, nil
	})
}

// left is how many attempts of this weight remain before the lock.
func (c *charge) left(failures int) int {
	return max(0, c.s.cfg.MaxFailures-failures+c.weight-1) / c.weight
}

// succeed forgets the failures of the user with the factor, and of those from the
// network the one that was charged and one more.
func (c *charge) succeed(ctx context.Context) error {
	if c.s == nil {
		return nil
	}
	return update(context.WithoutCancel(ctx), c.s, c.key, func(a *attempts) (time.Time, error) {
		if a.Failures == 0 {
			return time.Time{}, errUnchanged
		}
		now := c.s.now()
		a.Failures, a.Next = 0, time.Time{}
		a.count(c.network, -2, now)
		return a.until(now), nil
	})
}

// resetAttempts takes all failures back, for a factor that is bound again.
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
		now := c.s.now()
		a.Failures = max(0, a.Failures-c.weight)
		a.count(c.network, -1, now)
		return a.until(now), nil
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
