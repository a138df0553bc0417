package anomaly

import "context"

// Trust says whether a login was proved to be the user's.
type Trust uint8

const (
	// Untrusted puts a login in quarantine: it is counted separately and never lowers
	// a score.
	Untrusted Trust = iota
	// Allowed is for a login that went on without a step-up. It teaches network,
	// agent, hour and place, but a new device is known only from its second such login
	// on a later day: whoever shares the user's network must not become the user at
	// once.
	Allowed
	// Proved is for a login whose step-up was passed.
	Proved
)

// Learn adds a login to the user's profile, with a load and a save. Pass [Allowed]
// or [Proved] only when the login went on; otherwise an attacker could train the
// profile. An untrusted login of a user without a profile
// stores nothing, so guessed names do not fill the store. Errors are those of
// Assess, and [ErrConflict] when others saved the same profile in each of twelve
// attempts, with growing pauses in between, three seconds in all.
func (d *Detector) Learn(ctx context.Context, a Attempt, t Trust) error {
	s := d.scratch.Get().(*scratch)
	defer d.scratch.Put(s)
	return contend(ctx, func() (bool, error) { return d.learnOnce(ctx, &a, t, s) })
}

func (d *Detector) learnOnce(ctx context.Context, a *Attempt, t Trust, s *scratch) (done bool, err error) {
	version, err := d.observe(ctx, a, s)
	if err != nil {
		return false, err
	}
	o := &s.o
	o.evidence(&s.e)
	class := o.class()
	odds := d.weights[class].logOdds(&s.e)
	s.p.decode(&s.v)
	switch {
	case t == Allowed || t == Proved:
		o.absorb(&s.p, d.halfLife, t)
	case version == 0:
		return true, nil
	default:
		s.p.hold(o.context(), o.today)
	}
	if t == Proved {
		s.state.distrusted = false
	}
	if done, err = d.save(ctx, Key(a.UserID), s, version, s.p.encode); !done {
		return false, err
	}
	if t != Untrusted && s.p.voices <= maxVoices {
		d.population.learn(&lesson{
			net: o.net, agent: o.agent, hour: o.hour, later: o.new.later, asked: o.new.asked, shown: o.device != 0, shared: o.shared, id: o.id,
			fresh: o.new.fresh, class: class, odds: odds,
		})
	}
	return true, nil
}

// maxVoices bounds what one account adds to the population on a day: a script
// that logs in all day must not make its network and agent usual for everybody.
const maxVoices = 4

// absorb adds a login to the profile. The device of the first login is known: there
// is nobody else to compare it with.
func (o *observation) absorb(p *profile, halfLife float64, t Trust) {
	proved := t == Proved || p.logins == 0
	if o.ahead {
		p.rewind(o.minute)
	}
	if p.minute/(24*60) < o.minute/(24*60) { // not a day before: a clock may step back
		p.voices = 0
	}
	p.voices = min(maxVoices, p.voices) + 1
	p.advance(o.today, halfLife)
	p.bound()
	p.logins++
	if o.device != 0 {
		p.shown++
	}
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
		p.bumpDevice(o.device, o.id.old(), o.today, proved)
	}
	p.bumpHour(o.hour)
	if o.placed {
		p.visit(o.place)
		p.zone = o.zone
	}
	p.minute = max(p.minute, o.minute)
	p.release(o.context())
}
