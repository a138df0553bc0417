package anomaly

func (o *observation) novelty() {
	n := &o.new
	*n = novelty{later: o.p.logins > 0}
	if !n.later {
		return
	}
	o.others = min(1, (o.pop.total(totalShown)+0.5)/(o.pop.total(totalHours)+1))
	o.habit = (float64(o.p.shown)*o.scale + priorHabit*o.others) / (o.logins + priorHabit)
	n.shows = o.habit >= 0.5 && !o.fault && o.rate(freshDevice) < 0.5
	n.asked = o.device != 0 || o.habit >= 0.5 && !o.fault
	o.seen, o.met = 0, false
	if o.device != 0 {
		o.seen, o.met = o.p.device(o.device, o.id.old(), o.today)
	}
	known := o.seen > 0 || o.met && o.atHome()
	n.fresh[freshDevice] = n.asked && !known
	n.fresh[freshMissing] = o.net.prefix == 0 && !o.p.empty(prefixes)
	n.fresh[freshPrefix] = o.net.prefix != 0 && !o.has(prefixes)
	n.fresh[freshASN] = o.net.asn != 0 && !o.has(asns)
	n.fresh[freshAgent] = !o.has(agents) && (o.agent.known() || !o.p.empty(agents))
}

// atHome is where a device is known that nobody has proved yet: in a network of the
// user, and at their places through any of their provider's.
func (o *observation) atHome() bool {
	return o.has(prefixes) || o.has(asns) && (!o.placed || o.located && apart(&o.known, &o.place) == 0)
}

// class is for after lookUp.
func (o *observation) class() Class {
	switch {
	case !o.new.later:
		return FirstLogin
	case o.new.shows:
		return WithDevice
	case o.others > 0.5:
		return LosesDevice
	}
	return WithoutDevice
}

// surprise is -ln of the rate at which this user shows a new value: who has a new
// address each day, or a browser that keeps no cookies, says little with one.
func (o *observation) surprise(kind int) float64 { return -ln(max(leastRate, min(1, o.rate(kind)))) }

func (o *observation) rate(kind int) float64 {
	all, asked := o.pop.total(totalLater), o.logins
	if kind == freshDevice {
		all, asked = o.pop.total(totalAsked), float64(o.p.asked)*o.scale
	}
	common := (o.pop.total(totalFresh+uint32(kind)) + 15) / (all + 100)
	fresh := float64(o.p.fresh[kind]) * o.scale
	return (fresh + priorRate*common) / (asked + priorRate)
}
