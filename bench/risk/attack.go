package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// attackKind is what an attacker knows of the user and has of theirs. The first
// four are those of Freeman et al. and Wiefling et al.; a new device of theirs
// shows an id of its own, as every browser does after the login page.
type attackKind uint8

const (
	genuine      attackKind = iota
	naive                   // anywhere, half of them from hosting networks; any agent
	vpn                     // the user's country; any agent
	targeted                // near the user, three in ten by the user's provider; their browser, half of them the exact agent
	veryTargeted            // the user's provider, a /24 next to theirs, their exact agent, their hours

	naiveNoID // the same four, who show no id on an account that does
	vpnNoID
	targetedNoID
	veryNoID

	carrierExit // a /24 that the user came from: an exit of their carrier; any agent
	office      // … where they work
	homeNet     // … where they live: a campus, a residential proxy

	thiefAnywhere // their device cookie in another browser or system; anywhere
	thiefHosting  // … from a hosting network
	thiefCountry  // … in the user's country

	noAddress   // any agent, and no address that says anything
	idWhereNone // in the user's country; an id on an account that never shows one
	noIDAtAll   // … and no id on such an account
	keepsNone   // in the user's country; on an account whose browser keeps no cookie

	ownBrowser // their cookie and their agent, near the user: reported without a goal
	ownAgent   // their agent in their /24: reported without a goal
	attackKinds
)

var attackNames = [attackKinds]string{
	"genuine", "naive", "vpn", "targeted", "very_targeted",
	"naive, no id", "vpn, no id", "targeted, no id", "very targeted, no id",
	"same /24: carrier", "same /24: office", "same /24: home",
	"stolen cookie, anywhere", "stolen cookie, hosting", "stolen cookie, country",
	"no address", "id where none", "no id at all", "keeps no cookie",
	"own cookie, own browser", "own agent, own /24",
}

func (k attackKind) String() string { return attackNames[k] }

// unfitted are attackers who cannot be told from the user: they are reported, and
// left out of the fit.
func (k attackKind) unfitted() bool { return k == ownBrowser || k == ownAgent }

// on reports whether a kind exists in a service.
func (k attackKind) on(s service) bool {
	if s == cookies {
		return true
	}
	return k <= veryTargeted || k >= carrierExit && k <= homeNet || k == noAddress || k == ownAgent || k == idWhereNone && s == noIDs
}

// simulate plays the users of one seed and one attack of each kind on each of
// them, in the order of time.
func (w *world) simulate(seed uint64, users int, m mode, ids service) []event {
	var out []event
	for id := range users {
		r := rand.New(rand.NewPCG(seed, uint64(id)))
		p := w.person(r, id, m)
		logins := w.history(r, p, m, ids)
		for _, l := range logins {
			out = append(out, event{user: id, attempt: l.Attempt})
		}
		for kind := naive; kind < attackKinds; kind++ {
			r := rand.New(rand.NewPCG(seed, uint64(id)<<8|uint64(kind))) // a new kind leaves the others as they are
			if a, ok := w.attack(r, p, logins, kind, ids); ok {
				out = append(out, event{id, a, kind})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b event) int {
		return cmp.Or(a.attempt.Time.Compare(b.attempt.Time), a.user-b.user)
	})
	return out
}

// attack strikes between two logins of the user, or after the last. It is not ok
// where the user has nothing that this kind of attacker needs.
func (w *world) attack(r *rand.Rand, p *person, logins []login, kind attackKind, ids service) (anomaly.Attempt, bool) {
	i := r.IntN(len(logins))
	last := logins[i]
	net, ok := w.attackNet(r, p, logins[:i+1], kind)
	if !ok || !kind.on(ids) || !kind.has(p, last, ids) {
		return anomaly.Attempt{}, false
	}
	gap := time.Duration(p.gap * r.ExpFloat64() * 24 * float64(time.Hour))
	if i+1 < len(logins) {
		gap = time.Duration(r.Float64() * float64(logins[i+1].Time.Sub(last.Time)))
	}
	at := last.Time.Add(max(gap, time.Minute))
	day := at.Sub(epoch).Hours() / 24
	if kind == veryTargeted || kind == veryNoID {
		if theirs := p.hour(r, day); theirs.After(last.Time) {
			at = theirs
		}
	}
	place := net.place()
	a := anomaly.Attempt{
		UserID: fmt.Sprint("user", p.id), Time: at, IP: net.addr(byte(1 + r.IntN(254))), Place: &place,
		UserAgent: w.attackAgent(r, last, day, kind), DeviceID: attackID(r, last, kind, ids),
	}
	if kind == noAddress {
		a.Place, a.IP = &anomaly.Place{}, oneOf(r, []netip.Addr{{}, netip.AddrFrom4([4]byte{10, 0, 0, 1})})
	}
	return a, true
}

// has reports whether the user has what an attacker of this kind takes.
func (k attackKind) has(p *person, last login, ids service) bool {
	switch k {
	case thiefAnywhere, thiefHosting, thiefCountry, ownBrowser:
		return last.DeviceID != "" && p.keepsIDs
	case naiveNoID, vpnNoID, targetedNoID, veryNoID:
		return p.showsIDs
	case idWhereNone, noIDAtAll:
		return ids == noIDs || !p.showsIDs
	case keepsNone:
		return p.showsIDs && !p.keepsIDs
	}
	return true
}

// attackNet is where an attacker comes from. It is not ok where the user never came
// from such a network.
func (w *world) attackNet(r *rand.Rand, p *person, logins []login, kind attackKind) (block, bool) {
	switch kind {
	case naive, naiveNoID, thiefAnywhere, noAddress:
		if r.Float64() < .5 {
			return oneOf(r, oneOf(r, w.hosting).nets), true
		}
		return oneOf(r, eyeball(r, w.country(r)).nets), true
	case thiefHosting:
		return oneOf(r, oneOf(r, w.hosting).nets), true
	case vpn, vpnNoID, thiefCountry, idWhereNone, noIDAtAll, keepsNone:
		if r.Float64() < .5 {
			return oneOf(r, oneOf(r, p.country.hosting).nets), true
		}
		return oneOf(r, eyeball(r, p.country).nets), true
	case targeted, targetedNoID, ownBrowser:
		around := nearest(p.home[0].as, p.home[0], 32)
		around = around[min(len(p.home), len(around)-1):] // not one that the household has
		if r.Float64() >= .3 {
			around = nearest(eyeball(r, p.country), p.home[0], 20)
		}
		return oneOf(r, around), true
	case carrierExit:
		return lastOf(logins, p.carrier)
	case office:
		return lastOf(logins, p.work)
	case homeNet, ownAgent:
		return lastOf(logins, p.home)
	}
	around := nearest(p.home[0].as, p.home[0], 7)
	return around[1+r.IntN(6)], true
}

// lastOf is the last of the nets that the user came from.
func lastOf(logins []login, nets []block) (block, bool) {
	for _, l := range slices.Backward(logins) {
		if slices.ContainsFunc(nets, func(b block) bool { return l.IP.IsValid() && b.prefix == l.net.prefix }) {
			return l.net, true
		}
	}
	return block{}, false
}

func (w *world) attackAgent(r *rand.Rand, last login, day float64, kind attackKind) string {
	switch kind {
	case targeted, targetedNoID:
		return w.similar(r, last.device, day)
	case veryTargeted, veryNoID, ownBrowser, ownAgent:
		return last.device.agentAt(day)
	case thiefAnywhere, thiefHosting, thiefCountry:
		for range 100 {
			if d := w.device(r); d.deviceKind != last.device.model.deviceKind {
				return owned{model: d}.agentAt(day)
			}
		}
	}
	return owned{model: w.device(r)}.agentAt(day)
}

// attackID is the id that an attacker shows: none, the user's, or that of another
// browser.
func attackID(r *rand.Rand, last login, kind attackKind, ids service) string {
	switch {
	case kind >= naiveNoID && kind <= veryNoID, kind == noIDAtAll, ids == noIDs && kind != idWhereNone:
		return ""
	case ids == constant:
		return "undefined"
	case kind >= thiefAnywhere && kind <= thiefCountry, kind == ownBrowser:
		return last.DeviceID
	}
	return fmt.Sprint("attacker", r.IntN(1<<30))
}

// similar is the user's browser family and system; half of them are exact.
func (w *world) similar(r *rand.Rand, d owned, day float64) string {
	if r.Float64() < .5 {
		return d.agentAt(day)
	}
	return owned{model: oneOf(r, w.kinds[d.model.deviceKind])}.agentAt(day)
}
