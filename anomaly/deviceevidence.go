package anomaly

import "math"

// software returns the ratio of the whole user agent. An agent that was left out
// is an unknown one for a user who always had one.
func (o *observation) software(e *Evidence) float64 {
	if !o.agent.known() && o.p.empty(agents) {
		return 0
	}
	total := o.pop.total(totalAgents)
	inSystem := o.pop.count(systemTable, o.agent.device)
	inBrowser := o.pop.count(browserTable, o.agent.browser)
	inAgent := o.pop.count(agentTable, o.agent.full)
	pSystem := (inSystem + 0.1) / (total + 2)
	pBrowser := (min(inBrowser, inSystem) + 0.1) / (inSystem + 1)
	pAgent := (min(inAgent, inBrowser) + 0.1) / (inBrowser + 5)

	system := o.whole.below(level{1, 0}, pSystem, o.own(systems))
	browser := o.whole.below(system, pBrowser, o.own(browsers))
	full := o.whole.below(browser, pAgent, o.own(agents))
	upToSystem, upToBrowser, whole := clamp(system.ratio), clamp(browser.ratio), clamp(full.ratio)
	split(e, evSystemNew, evSystemOwn, upToSystem)
	split(e, evBrowserNew, evBrowserOwn, upToBrowser-upToSystem)
	split(e, evAgentNew, evAgentOwn, whole-upToBrowser)

	if !o.has(browsers) {
		e[evAgentRare] = rarity(pSystem * pBrowser)
	}
	if o.new.fresh[freshAgent] {
		e[evAgentFresh] = o.surprise(freshAgent)
	}
	if o.agent.bot && !o.has(browsers) {
		e[evBot] = 1
	}
	o.older(e)
	return whole
}

// older compares versions: browsers update themselves forward only. One major
// version back may be a second machine.
func (o *observation) older(e *Evidence) {
	known := o.at[browsers]
	if known < 0 || o.agent.major == 0 || o.has(agents) {
		return
	}
	if behind := int(o.p.major(known)) - int(o.agent.major); behind > 1 {
		e[evOlder] = min(3, ln(float64(behind))/math.Ln2)
	}
}

// deviceID weighs a new device by how often the user has one, and an id by the
// habit of showing one. A device that is known well counts no more than one that is
// known: cookies are copied.
func (o *observation) deviceID(e *Evidence) {
	switch {
	case !o.new.asked:
	case o.new.fresh[freshDevice]:
		if o.habit >= 0.5 { // else the habit speaks
			e[evDeviceNew] = o.surprise(freshDevice)
		}
	default:
		e[evDeviceOwn] = -1 - ln(1+float64(min(wellKnown, o.seen)))
	}
	switch {
	case !o.new.later || o.fault:
	case o.device == 0:
		e[evIDMissing] = -ln(max(leastHabit, 1-o.habit))
	case o.new.fresh[freshDevice]: // when a service begins to give ids, everybody shows a first one
		e[evIDShown] = -ln(max(leastHabit, o.habit)) * o.others
	}
}
