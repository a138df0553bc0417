package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// attackKind is what an attacker knows of the user, after Freeman et al. and
// Wiefling et al. None has the device cookie: who steals it, or sits on the
// device, is not found here.
type attackKind uint8

const (
	genuine      attackKind = iota
	naive                   // anywhere, half of them from hosting networks; any agent
	vpn                     // the user's country; any agent
	targeted                // near the user, three in ten by his provider; his browser, half of them the exact agent
	veryTargeted            // the user's provider, a /24 next to his, his exact agent, his hours
	attackKinds
)

var attackNames = [attackKinds]string{"genuine", "naive", "vpn", "targeted", "very_targeted"}

func (k attackKind) String() string { return attackNames[k] }

// simulate plays the users of one seed and one attack of each kind on each of
// them, in the order of time.
func (w *world) simulate(seed uint64, users int, m mode, devices bool) []event {
	var out []event
	for id := range users {
		r := rand.New(rand.NewPCG(seed, uint64(id)))
		p := w.person(r, id, m)
		logins := w.history(r, p, devices)
		for _, l := range logins {
			out = append(out, event{user: id, attempt: l.Attempt})
		}
		for kind := naive; kind < attackKinds; kind++ {
			out = append(out, event{id, w.attack(r, p, logins, kind), kind})
		}
	}
	slices.SortStableFunc(out, func(a, b event) int {
		return cmp.Or(a.attempt.Time.Compare(b.attempt.Time), a.user-b.user)
	})
	return out
}

// attack strikes between two logins of the user, or after the last.
func (w *world) attack(r *rand.Rand, p *person, logins []login, kind attackKind) anomaly.Attempt {
	i := r.IntN(len(logins))
	last := logins[i]
	gap := time.Duration(p.gap * r.ExpFloat64() * 24 * float64(time.Hour))
	if i+1 < len(logins) {
		gap = time.Duration(r.Float64() * float64(logins[i+1].Time.Sub(last.Time)))
	}
	at := last.Time.Add(max(gap, time.Minute))
	day := at.Sub(epoch).Hours() / 24
	net, agent := w.disguise(r, p, last, day, kind)
	if kind == veryTargeted {
		if his := p.hour(r, day); his.After(last.Time) {
			at = his
		}
	}
	place := net.place()
	return anomaly.Attempt{
		UserID: fmt.Sprint("user", p.id), Time: at, IP: net.addr(byte(1 + r.IntN(254))), Place: &place, UserAgent: agent,
	}
}

func (w *world) disguise(r *rand.Rand, p *person, last login, day float64, kind attackKind) (block, string) {
	anyAgent := owned{model: w.device(r)}.agentAt(day)
	switch kind {
	case naive:
		if r.Float64() < .5 {
			return oneOf(r, oneOf(r, w.hosting).nets), anyAgent
		}
		return oneOf(r, eyeball(r, w.country(r)).nets), anyAgent
	case vpn:
		if r.Float64() < .5 {
			return oneOf(r, oneOf(r, p.country.hosting).nets), anyAgent
		}
		return oneOf(r, eyeball(r, p.country).nets), anyAgent
	case targeted:
		around := nearest(p.home[0].as, p.home[0], 32)
		around = around[min(len(p.home), len(around)-1):] // not one that his household has
		if r.Float64() >= .3 {
			around = nearest(eyeball(r, p.country), p.home[0], 20)
		}
		return oneOf(r, around), w.similar(r, last.device, day)
	}
	around := nearest(p.home[0].as, p.home[0], 7)
	return around[1+r.IntN(6)], last.device.agentAt(day)
}

// similar is the user's browser family and system; half of them are exact.
func (w *world) similar(r *rand.Rand, d owned, day float64) string {
	if r.Float64() < .5 {
		return d.agentAt(day)
	}
	return owned{model: oneOf(r, w.kinds[d.model.deviceKind])}.agentAt(day)
}
