package anomaly

import (
	"math"
	"slices"
)

// profile is what is kept of one user, as Learn changes it. Counts decay: they
// are in units of 1/256 login at the day of the header, and whoever reads them
// scales them to his own day.
type profile struct {
	header
	tallies [tallyLists][]tally
	devices []device
	hours   [24]uint16
	places  []spot
	pending []pending
}

// The lists of values with counts.
const (
	countries = iota
	asns
	prefixes
	systems
	browsers
	agents
	tallyLists
)

// Bounds of the lists. With them a profile has at most MaxProfile bytes.
var tallyLimits = [tallyLists]int{countries: 6, asns: 12, prefixes: 20, systems: 6, browsers: 8, agents: 10}

const (
	maxDevices = 8
	maxPlaces  = 8
	maxPending = 4

	unit      = 256 // one login
	minCount  = unit / 4
	expiry    = 183 // days after which an unused device is unknown
	saturated = math.MaxUint16
)

// tally is a value and its decayed count. Browsers also keep the highest major
// version.
type tally struct {
	key   uint32
	count uint16
	major uint16
}

type device struct {
	hash  uint64 // of id and browser
	day   uint16 // last seen
	count uint8  // up to maxSeen, not decayed; 0: seen, but not proved
	old   bool   // the hash is the first format's, of the id alone
}

const maxSeen = 127

func (d device) is(hash, old uint64) bool {
	if d.old {
		return d.hash == old
	}
	return d.hash == hash
}

// spot is a place as a unit vector, good to 200 m.
type spot struct {
	x, y, z int16
	radius  uint16 // km
	minute  uint32 // last seen
	count   uint16
}

// pending is an unproved login in quarantine: hash of network, agent and device.
type pending struct {
	hash  uint32
	day   uint16
	count uint16
}

// advance decays all counts to day. It moves only in steps of a sixteenth of a
// half-life, because a count of a few units would be rounded back up by smaller
// ones and never die.
func (p *profile) advance(day uint16, halfLife float64) {
	if p.logins == 0 {
		p.day = day
		return
	}
	if float64(day)-float64(p.day) < max(1, halfLife/16) {
		return
	}
	f := decay(p.day, day, halfLife)
	p.day = day
	p.fade(f, f)
	p.devices = slices.DeleteFunc(p.devices, func(d device) bool { return expired(d.day, day) })
	p.pending = slices.DeleteFunc(p.pending, func(c pending) bool { return expired(c.day, day) })
}

const mostLogins = 250 // of a profile, as many as its lists can count

// bound halves a profile that has counted enough, all of it: what the lists forget
// the number of logins must forget too. A former release halved single lists.
func (p *profile) bound() {
	if p.logins >= mostLogins {
		p.fade(mostLogins/2/float64(p.logins), 0.5)
	}
}

// fade scales the numbers of logins and the lists.
func (p *profile) fade(logins, lists float64) {
	for _, n := range [...]*float32{&p.logins, &p.asked, &p.shown} {
		*n *= float32(logins)
	}
	for i := range p.fresh {
		p.fresh[i] *= float32(logins)
	}
	for i, list := range p.tallies {
		for j := range list {
			list[j].count = scaled(list[j].count, lists)
		}
		p.tallies[i] = slices.DeleteFunc(list, func(t tally) bool { return t.count < minCount })
	}
	for i := range p.hours {
		p.hours[i] = scaled(p.hours[i], lists)
	}
	for i := range p.places {
		p.places[i].count = scaled(p.places[i].count, lists)
	}
}

func scaled(count uint16, f float64) uint16 { return uint16(float64(count) * f) }

func expired(seen, today uint16) bool { return int(today)-int(seen) > expiry }

// decay is the factor between two days; time never runs backwards.
func decay(from, to uint16, halfLife float64) float64 {
	if to <= from {
		return 1
	}
	return math.Exp2(-float64(to-from) / halfLife)
}

// bump adds one login to key, evicting the lightest value of a full list.
func (p *profile) bump(which int, key uint32, major uint16) {
	if key == 0 {
		return
	}
	list := p.tallies[which]
	at := slices.IndexFunc(list, func(t tally) bool { return t.key == key })
	switch {
	case at >= 0:
		list[at].count = uint16(min(saturated, int(list[at].count)+unit))
		list[at].raise(major)
	case len(list) < tallyLimits[which]:
		p.tallies[which] = append(list, tally{key, unit, major})
	default:
		list[least(list, func(t tally) int { return int(t.count) })] = tally{key, unit, major}
	}
}

// raise keeps the highest major version. A lower one that the user proved halves
// the difference: a single beta, or a forged agent, must not make all later ones
// old.
func (t *tally) raise(major uint16) {
	switch {
	case major >= t.major:
		t.major = major
	case major != 0:
		t.major -= (t.major - major + 1) / 2
	}
}

// least is the index of the entry with the lowest weight.
func least[T any](list []T, weight func(T) int) int {
	at := 0
	for i := range list {
		if weight(list[i]) < weight(list[at]) {
			at = i
		}
	}
	return at
}

// bumpDevice remembers a device, forgetting one that nobody proved, or else the one
// unseen for longest. A device that nobody proved is known from its second login
// on a later day.
func (p *profile) bumpDevice(hash, old uint64, today uint16, proved bool) {
	seen := device{hash: hash, day: today}
	if proved {
		seen.count = 1
	}
	at := slices.IndexFunc(p.devices, func(d device) bool { return d.is(hash, old) && !expired(d.day, today) })
	switch {
	case at >= 0:
		d := &p.devices[at]
		if d.count > 0 || proved || d.day < today {
			d.count = min(maxSeen, d.count+1)
		}
		d.day, d.hash, d.old = max(d.day, today), hash, false
	case len(p.devices) < maxDevices:
		p.devices = append(p.devices, seen)
	default:
		p.devices[least(p.devices, func(d device) int { return min(1, int(d.count))<<16 | int(d.day) })] = seen
	}
}

func (p *profile) bumpHour(hour int) {
	spread(hour, unit, func(h int, weight uint32) { p.hours[h] = uint16(min(saturated, uint32(p.hours[h])+weight)) })
}

// rewind takes stamps that a clock has set ahead for earlier than minute.
func (p *profile) rewind(minute uint32) {
	p.minute = min(p.minute, minute-1)
	for i := range p.places {
		p.places[i].minute = min(p.places[i].minute, minute-1)
	}
}

// visit remembers a place: an old one comes up to date, and a new one replaces
// the lightest that is not the last.
func (p *profile) visit(s spot) {
	for i := range p.places {
		if old := &p.places[i]; old.distance(&s) <= nearby {
			count := uint16(min(saturated, int(old.count)+unit))
			if s.minute >= old.minute {
				*old = s
			}
			old.count = count
			return
		}
	}
	if len(p.places) < maxPlaces {
		p.places = append(p.places, s)
		return
	}
	last := slices.MaxFunc(p.places, func(a, b spot) int { return int(int64(a.minute) - int64(b.minute)) })
	p.places[least(p.places, func(old spot) int {
		if old == last {
			return math.MaxInt
		}
		return int(old.count)
	})] = s
}

// hold puts an unproved login into quarantine, release takes it out again.
func (p *profile) hold(hash uint32, today uint16) {
	at := slices.IndexFunc(p.pending, func(c pending) bool { return c.hash == hash })
	if at >= 0 {
		c := &p.pending[at]
		c.count = uint16(min(saturated, int(c.count)+1))
		c.day = max(c.day, today)
		return
	}
	if len(p.pending) == maxPending {
		p.pending = slices.Delete(p.pending, 0, 1)
	}
	p.pending = append(p.pending, pending{hash, today, 1})
}

func (p *profile) release(hash uint32) {
	p.pending = slices.DeleteFunc(p.pending, func(c pending) bool { return c.hash == hash })
}
