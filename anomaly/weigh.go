package anomaly

// evidence fills e. Without history only rarity can speak.
func (o *observation) evidence(e *Evidence) {
	*e = Evidence{}
	o.lookUp()
	o.whole = pastOf(o.logins)
	net, agent := o.network(e), o.software(e)
	o.deviceID(e)
	o.time(e)
	o.distance(e)
	o.travel(e)
	if lesser := min(net, agent); lesser > 0 {
		e[evNetAgent] = lesser
	}
	if both := net + agent; both > 0 {
		e[evNetPlusAgent] = both
	}
	if lesser := min(net, e[evDeviceNew]); lesser > 0 {
		e[evNetDevice] = lesser
	}
	e[evHistory] = -o.whole.doubt
}

// lookUp searches each list once, and notes what is new.
func (o *observation) lookUp() {
	keys := [tallyLists]uint32{
		countries: o.net.country, asns: o.net.asn, prefixes: o.net.prefix,
		systems: o.agent.device, browsers: o.agent.browser, agents: o.agent.full,
	}
	for list := range keys {
		o.at[list] = o.p.find(list, keys[list])
	}
	o.novelty()
}

func (o *observation) time(e *Evidence) {
	if o.p.logins == 0 {
		return
	}
	total := o.pop.total(totalHours)
	everyone := (o.pop.hour(o.hour) + 1) / (total + 24)
	user := (o.p.hour(o.hour)*o.scale + priorHour*everyone) / (o.logins + priorHour)
	split(e, evTimeNew, evTimeOwn, clamp(ln(everyone/user)))
}
