package anomaly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// Trust says whether a login was proved to be the user's.
type Trust uint8

const (
	// Untrusted puts a login in quarantine: it is counted separately and never lowers
	// a score.
	Untrusted Trust = iota
	// Proved is for a login that was allowed, with the password and, if one was asked
	// for, the step-up.
	Proved
)

// learnAttempts bounds the saves of one Learn under contention for one user.
const learnAttempts = 12

// contention is how long Learn waits until it tries again: 64 logins of one user at
// once all get through.
var contention = retry.Backoff{First: 4 * time.Millisecond, Last: 500 * time.Millisecond}

// Learn adds a login to the user's profile, with a load and a save. Pass [Proved]
// only when the login was allowed and its step-up, if any, passed; otherwise an
// attacker could train the profile. An untrusted login of a user without a profile
// stores nothing, so guessed names do not fill the store. Errors are those of
// Assess, and [ErrConflict] when others saved the same profile in each of twelve
// attempts, with growing pauses in between, three seconds in all.
func (d *Detector) Learn(ctx context.Context, a Attempt, t Trust) error {
	s := d.scratch.Get().(*scratch)
	defer d.scratch.Put(s)
	for n := range learnAttempts {
		if n > 0 {
			if err := retry.Sleep(ctx, contention.Pause(n)); err != nil {
				return fmt.Errorf("anomaly: learn: %w", err)
			}
		}
		done, err := d.learnOnce(ctx, &a, t, s)
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("anomaly: learn: %w", ErrConflict)
}

func (d *Detector) learnOnce(ctx context.Context, a *Attempt, t Trust, s *scratch) (done bool, err error) {
	version, err := d.observe(ctx, a, s)
	if err != nil {
		return false, err
	}
	o := &s.o
	o.lookUp()
	s.p.decode(&s.v)
	switch {
	case t == Proved:
		o.absorb(&s.p, d.halfLife)
	case version == 0:
		return true, nil
	default:
		s.p.hold(o.context(), o.today)
	}
	s.plain = s.p.encode(s.plain[:0])
	s.blob = d.seal(s.blob[:0], s.plain, Key(a.UserID))
	err = d.store.Save(ctx, Key(a.UserID), s.blob, version)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("anomaly: save profile: %w", err)
	}
	if t == Proved {
		d.population.learn(o.net, o.agent, o.hour, o.new)
	}
	return true, nil
}

// absorb adds a proved login to the profile.
func (o *observation) absorb(p *profile, halfLife float64) {
	p.advance(o.today, halfLife)
	p.logins++
	if o.new.asked {
		p.asked++
	}
	for kind, is := range o.new.fresh {
		if is {
			p.fresh[kind]++
		}
	}
	p.bump(countries, o.net.country, 0)
	p.bump(asns, o.net.asn, 0)
	p.bump(prefixes, o.net.prefix, 0)
	if o.agent.known() {
		p.bump(systems, o.agent.device, 0)
		p.bump(browsers, o.agent.browser, o.agent.major)
		p.bump(agents, o.agent.full, 0)
	}
	if o.device != 0 {
		p.bumpDevice(o.device, o.today)
	}
	p.bumpHour(o.hour)
	if o.placed {
		p.visit(o.place)
		p.zone = o.zone
	}
	p.minute = max(p.minute, o.minute)
	p.release(o.context())
}
