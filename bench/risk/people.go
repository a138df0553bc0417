package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// person is how one user logs in.
type person struct {
	id       int
	country  *country
	home     []block // the household's /24 first, then what the provider may give it
	dynamic  float64 // how often it gives another
	carrier  []block // exits of the mobile carrier, all over the country
	work     []block
	vpn      []block
	vpnShare float64
	trips    float64 // a day
	devices  []owned
	keepsIDs bool
	showsIDs bool
	customs  *customs
	peaks    []peak
	gap      float64 // days between logins
	logins   int
	start    float64 // day
}

type owned struct {
	model    deviceModel
	base     int // releases behind the common one
	id       int
	weight   float64
	obtained float64 // day
	fresh    bool    // the cookie is new in this login
}

type peak struct{ hour, kappa, weight float64 }

// mode is how long histories are.
type mode string

const (
	rich   mode = "rich"  // up to 60 logins
	sparse mode = "rba"   // few, as in the published data set: median about 3
	month  mode = "month" // as sparse, of a service in its first month: nobody is known when it begins
)

// warmUp is the share of the events before which nothing is measured: the
// population must be known first.
func (m mode) warmUp() float64 {
	if m == month {
		return 0
	}
	return 0.1
}

// days are when people make their first login, and when they make the last.
func (m mode) days() (first, last float64) {
	if m == month {
		return 30, 30
	}
	return 200, lastDay
}

// epoch is the first day, in the past of every run; nobody logs in twice after
// the last.
var epoch = time.Date(2024, 1, 8, 0, 0, 0, 0, time.UTC)

const lastDay = 365

func (w *world) person(r *rand.Rand, id int, m mode) *person {
	c := w.country(r)
	isp := eyeball(r, c)
	u := &w.customs
	p := &person{id: id, country: c, customs: u, dynamic: oneOf(r, u.dynamic), keepsIDs: r.Float64() >= u.keepsNone}
	p.showsIDs = r.Float64() >= u.showsNone
	p.home = nearest(isp, oneOf(r, isp.nets), 12)
	p.carrier = eyeball(r, c).exits
	if r.Float64() < u.works {
		p.work = nearest(eyeball(r, c), p.home[0], 2)
	}
	if r.Float64() < u.vpn {
		p.vpn, p.vpnShare = oneOf(r, w.hosting).exits, .1+.5*r.Float64()
	}
	p.trips = oneOf(r, u.trips)
	count := pick(r, []int{1, 2, 3, 4}, func(n int) float64 { return []float64{.45, .3, .15, .1}[n-1] })
	for i := range count {
		d := owned{model: w.device(r), id: r.IntN(1 << 30), weight: 1 / float64(i*3+1)}
		if r.Float64() < .15 {
			d.base = -1 - r.IntN(6)
		}
		if i > 0 && r.Float64() < .5 {
			d.obtained = r.Float64() * 300
		}
		p.devices = append(p.devices, d)
	}
	p.habits(r, m)
	return p
}

func (p *person) habits(r *rand.Rand, m mode) {
	center := 7 + 14*r.Float64()
	if r.Float64() < .05 {
		center = 6 * r.Float64() // works at night
	}
	for i := range 1 + r.IntN(3) {
		p.peaks = append(p.peaks, peak{center, 2 + 10*r.Float64(), 1 / float64(i+1)})
		center = 7 + 15*r.Float64()
	}
	p.gap = pick(r, []float64{1, 3, 7, 20, 45}, func(g float64) float64 {
		return map[float64]float64{1: .2, 3: .25, 7: .25, 20: .2, 45: .1}[g]
	})
	first, _ := m.days()
	p.start = r.Float64() * first
	p.logins = 5 + r.IntN(56)
	if m != rich {
		p.logins = max(1, min(60, int(math.Round(math.Exp(math.Log(p.customs.median)+p.customs.spread*r.NormFloat64())))))
	}
}

// nearest are the n nets of p closest to at, which comes first if it is one.
func nearest(p *provider, at block, n int) []block {
	type found struct {
		block
		far float64
	}
	best, center := make([]found, 0, n+1), at.vector()
	for i, b := range p.nets {
		f := found{b, chord2(p.at[i], center)}
		if b.prefix == at.prefix {
			f.far = -1
		}
		if len(best) == n && f.far >= best[n-1].far {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, f, func(x, y found) int { return cmp.Compare(x.far, y.far) })
		best = slices.Insert(best, i, f)
		best = best[:min(n, len(best))]
	}
	out := make([]block, len(best))
	for i, f := range best {
		out[i] = f.block
	}
	return out
}

func sampleNets(r *rand.Rand, p *provider, n int) []block {
	list := make([]block, n)
	for i := range list {
		list[i] = oneOf(r, p.nets)
	}
	return list
}

// event is one login, or one attack on a user.
type event struct {
	user    int
	attempt anomaly.Attempt
	attack  attackKind
}

// journey is what changes over a person's logins.
type journey struct {
	until float64 // the day the trip ends
	away  []block
	lease block // the address that home has now
	roams bool
}

// history plays all logins of p.
func (w *world) history(r *rand.Rand, p *person, m mode, ids service) []login {
	var out []login
	_, lastDay := m.days()
	j := journey{lease: p.home[0]}
	day := p.start
	for range p.logins {
		if day += p.gap * r.ExpFloat64(); day > lastDay && len(out) > 0 {
			break
		}
		w.travel(r, p, &j, day)
		d := p.chooseDevice(r, w, day)
		at, net := p.hour(r, day), p.network(r, &j, d)
		out = append(out, login{p.attempt(r, at, net, d, day, ids), *d, net})
	}
	return out
}

// login keeps what an attacker who knows the user may copy.
type login struct {
	anomaly.Attempt
	device owned
	net    block
}

func (w *world) travel(r *rand.Rand, p *person, j *journey, day float64) {
	if day < j.until {
		return
	}
	j.away = nil
	if r.Float64() < 1-math.Exp(-p.trips*p.gap) {
		c := p.country
		if r.Float64() < .6 {
			c = w.country(r)
		}
		j.away, j.until, j.roams = sampleNets(r, eyeball(r, c), 3), day+2+8*r.Float64(), r.Float64() < .4
	}
}

// network is where a login comes from.
func (p *person) network(r *rand.Rand, j *journey, d *owned) block {
	switch x := r.Float64(); {
	case len(p.vpn) > 0 && r.Float64() < p.vpnShare:
		return oneOf(r, p.vpn)
	case j.away != nil && !(d.model.mobile && j.roams):
		return oneOf(r, j.away)
	case d.model.mobile && (x < p.customs.carrier || j.away != nil):
		return oneOf(r, p.carrier)
	case len(p.work) > 0 && x < .65:
		return p.work[0]
	}
	if r.Float64() < p.dynamic {
		j.lease = oneOf(r, p.home)
	}
	return j.lease
}

func (p *person) chooseDevice(r *rand.Rand, w *world, day float64) *owned {
	have := slices.DeleteFunc(indices(len(p.devices)), func(i int) bool { return p.devices[i].obtained > day && i > 0 })
	d := &p.devices[pick(r, have, func(i int) float64 { return p.devices[i].weight })]
	d.fresh = true
	switch x := r.Float64(); {
	case x < p.customs.replaced: // replaced by another
		d.model, d.id, d.base = w.device(r), r.IntN(1<<30), 0
	case x < p.customs.replaced+p.customs.lost, !p.keepsIDs: // cookies lost
		d.id = r.IntN(1 << 30)
	default:
		d.fresh = false
	}
	return d
}

const releaseDays = 35

func (d owned) agentAt(day float64) string {
	return d.model.after(max(0, int(day/releaseDays)) + d.base)
}

// hour moves a day to one of the person's hours there, in local time where the
// person lives.
func (p *person) hour(r *rand.Rand, day float64) time.Time {
	k := pick(r, p.peaks, func(k peak) float64 { return k.weight })
	local := k.hour + vonMises(r, k.kappa)*12/math.Pi
	utc := local - p.home[0].lon/15
	return epoch.Add(time.Duration((math.Floor(day)*24 + utc) * float64(time.Hour)))
}

// vonMises draws an angle by rejection from the uniform.
func vonMises(r *rand.Rand, kappa float64) float64 {
	for {
		x := (2*r.Float64() - 1) * math.Pi
		if r.Float64() < math.Exp(kappa*(math.Cos(x)-1)) {
			return x
		}
	}
}

func (p *person) attempt(r *rand.Rand, at time.Time, net block, d *owned, day float64, ids service) anomaly.Attempt {
	place := net.place()
	a := anomaly.Attempt{
		UserID: fmt.Sprint("user", p.id), Time: at, IP: net.addr(byte(1 + r.IntN(254))), Place: &place,
		UserAgent: d.agentAt(day), DeviceID: ids.show(p, d.id),
	}
	if late := r.Float64() < p.customs.late; late && d.fresh && ids == cookies {
		a.DeviceID = ""
	}
	if r.Float64() < p.customs.blind {
		a.IP, a.Place = netip.Addr{}, &anomaly.Place{}
	}
	return a
}

// service is what a service knows devices by.
type service string

const (
	cookies  service = "cookies"  // a cookie of its own
	noIDs    service = "none"     // the user agent alone
	constant service = "constant" // a cookie that a fault gives the same value everywhere
)

// show is the id that a device shows.
func (s service) show(p *person, id int) string {
	switch {
	case s == constant:
		return "undefined"
	case s == noIDs || !p.showsIDs:
		return ""
	}
	return fmt.Sprint("device", id)
}
