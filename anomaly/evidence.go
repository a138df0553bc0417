package anomaly

import "math"

// Evidence holds the numbers of one login that a Model weighs. Each is neutral at
// zero, and a higher number is never less suspicious, because weights are not
// negative. Log-likelihood ratios are natural logarithms of how much likelier the
// value is in the population than for the user.
type Evidence [numEvidence]float64

const (
	evCountryNew   = iota // ratio of the country, where above zero
	evCountryOwn          // … and where below
	evASNNew              // … of country and ASN
	evASNOwn              //
	evPrefixNew           // … of country, ASN and prefix: what is newer counts in more of the three
	evPrefixOwn           //
	evPrefixKnown         // how well known the prefix is, from zero down to -1
	evPrefixShared        // ln of how many users came from a known prefix: it may be any of them
	evCountryRare         // rarity of an unknown country in the population
	evASNRare             // … of an unknown ASN within its country
	evPrefixRare          // … of an unknown prefix within its ASN
	evASNFresh            // -ln of the user's rate of unknown ASNs, for one
	evPrefixFresh         // … of unknown prefixes
	evDistance            // ln(1 + km/50) to the nearest known place
	evAnonymous           // an anonymizing network that the user has not used
	evMissing             // -ln of the user's rate of logins without an address

	evTimeNew // ratio of the hour
	evTimeOwn //

	evSystemNew  // ratio of operating system and class
	evSystemOwn  //
	evBrowserNew // what the browser family adds
	evBrowserOwn //
	evAgentNew   // what the whole user agent adds
	evAgentOwn   //
	evAgentFresh // -ln of the user's rate of unknown agents, for one
	evAgentRare  // rarity of an unknown browser in the population
	evOlder      // an older version than the user had
	evBot        // an automation tool that the user has not used
	evDeviceNew  // -ln of the user's rate of new devices
	evDeviceOwn  // how well known the device is, below zero
	evIDMissing  // no device id: -ln of the user's rate of logins without one
	evIDShown    // an unknown device id: -ln of the user's rate of logins with one

	evTravel // doublings of the speed above 900 km/h, discounted

	evNetAgent     // the lesser of new network and new agent
	evNetPlusAgent // their sum, where above zero: a usual agent excuses a new network, and the other way round
	evNetDevice    // the lesser of new network and new device

	evHistory // how many logins the user has had, below zero: attackers pick accounts, not logins
	numEvidence
)

// Where the numbers of each kind of finding end; those before endBoth speak for
// two kinds, and the rest for none.
const (
	endLocation = evTimeNew
	endTime     = evSystemNew
	endDevice   = evTravel
	endTravel   = evNetAgent
	endBoth     = evHistory
)

var evidenceNames = [numEvidence]string{
	"country_new", "country_own", "asn_new", "asn_own", "prefix_new", "prefix_own", "prefix_known", "prefix_shared",
	"country_rare", "asn_rare", "prefix_rare", "asn_fresh", "prefix_fresh", "distance", "anonymous", "address_missing", "time_new",
	"time_own", "system_new", "system_own", "browser_new", "browser_own", "agent_new", "agent_own", "agent_fresh",
	"agent_rare", "older", "bot", "device_new", "device_own",
	"id_missing", "id_shown", "travel", "network_and_agent", "network_plus_agent", "network_and_device",
	"history",
}

// EvidenceNames returns the names of the numbers in an Evidence, in order. A
// Model's weights use these names.
func EvidenceNames() []string { return evidenceNames[:] }

// Pseudo-counts: how many logins the population's opinion is worth against the
// user's own.
const (
	priorUser  = 1.0 // at every level of a hierarchy
	priorHour  = 1.0
	priorRate  = 2.0
	priorHabit = 1.0
	leastHabit = 0.02
	wellKnown  = 3    // logins
	maxRatio   = 6.0  // ratios beyond e^±6 say no more
	leastRate  = 0.05 // of new values: everybody gets a new phone once, and takes it out of the house
)

// observation is one attempt against one profile.
type observation struct {
	p      *view
	pop    *sketch
	net    network
	agent  agent
	hour   int
	zone   int8
	place  spot
	placed bool
	today  uint16
	scale  float64 // from the profile's day to today
	logins float64 // of the user, in logins of today
	share  float64 // of one login in his history, with the population's opinion
	doubt  float64 // ratio of a value that he never had: the more logins, the stranger
	device uint64  // 0: no device id
	id     idHash  // of the device id alone
	shared bool    // so many users show this id that it names no device, and device is 0
	fault  bool    // … and so many logins that it is the service's: it says nothing
	seen   uint8   // how often the device was seen, 0 for one that nobody proved
	met    bool    // the device was seen at all
	others float64 // rate at which the population shows an id
	habit  float64 // rate at which the user shows an id
	minute uint32

	at          [tallyLists]int // where the attempt's values stand in the user's lists, -1: nowhere
	new         novelty
	away        float64 // km to the closest known place; set by distance
	known, last spot    // the closest known place, and that of the last login
	located     bool    // they are there
}

// evidence fills e. Without history only rarity can speak.
func (o *observation) evidence(e *Evidence) {
	*e = Evidence{}
	o.lookUp()
	o.share, o.doubt = 1/(o.logins+priorUser), ln(1+o.logins/priorUser)
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
	e[evHistory] = -o.doubt
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

func (o *observation) has(list int) bool { return o.at[list] >= 0 }

// own is the user's count of the attempt's value, in logins of today.
func (o *observation) own(list int) float64 {
	if o.at[list] < 0 {
		return 0
	}
	return o.p.count(list, o.at[list]) * o.scale
}

// level is one level of a hierarchy: how likely the attempt's value is for the
// user, and the ratio of the population's probability to that.
type level struct{ user, ratio float64 }

// below is the next level down, whose value has a probability in the population
// among those with the value above, and count logins of the user: his probability
// has the population's opinion as prior. A value that he never had needs no
// logarithm of its own.
func (o *observation) below(above level, population, count float64) level {
	prior := priorUser * population * above.user
	at := level{(count + prior) * o.share, above.ratio + o.doubt}
	if count > 0 {
		at.ratio -= ln(1 + count/prior)
	}
	return at
}

// clamp bounds a ratio.
func clamp(ratio float64) float64 {
	if ratio > maxRatio {
		return maxRatio
	}
	if ratio < -maxRatio {
		return -maxRatio
	}
	return ratio
}

// split puts a ratio into one of two numbers by its sign, so that the two sides
// can weigh differently.
func split(e *Evidence, above, below int, ratio float64) {
	if ratio > 0 {
		e[above] = ratio
	} else {
		e[below] = ratio
	}
}

// rarity is how much rarer than one in ten a value is, in nats.
func rarity(population float64) float64 {
	if population >= 0.1 {
		return 0
	}
	return clamp(-ln(population * 10))
}

// network returns the ratio of the whole hierarchy.
func (o *observation) network(e *Evidence) float64 {
	if o.new.fresh[freshMissing] {
		e[evMissing] = o.surprise(freshMissing)
	}
	if o.net.country == 0 {
		return o.prefixOnly(e)
	}
	total := o.pop.total(totalNetworks)
	inCountry := o.pop.count(countryTable, o.net.country)
	inASN := o.pop.count(asnTable, pairKey(o.net.country, o.net.asn))
	inPrefix := o.pop.count(prefixTable, pairKey(o.net.asn, o.net.prefix))
	pCountry := (inCountry + 0.1) / (total + 25)
	pASN := (min(inASN, inCountry) + 0.1) / (inCountry + 5)
	pPrefix := (min(inPrefix, inASN) + 0.02) / (inASN + 5)

	cCountry, cASN, cPrefix := o.own(countries), o.own(asns), o.own(prefixes)
	o.knownPrefix(e, cPrefix)
	if o.net.asn == 0 { // not known: the level says nothing
		pASN, cASN = 1, cCountry
	}
	if o.net.prefix == 0 {
		pPrefix, cPrefix = 1, cASN
	}
	country := o.below(level{1, 0}, pCountry, cCountry)
	asn := o.below(country, pASN, cASN)
	prefix := o.below(asn, pPrefix, cPrefix)
	whole := clamp(prefix.ratio)
	split(e, evCountryNew, evCountryOwn, clamp(country.ratio))
	split(e, evASNNew, evASNOwn, clamp(asn.ratio))
	split(e, evPrefixNew, evPrefixOwn, whole)

	o.unknownNetwork(e, pCountry, pASN)
	o.unknownPrefix(e, pPrefix)
	return whole
}

// unknownNetwork says how rare an unknown country and an unknown ASN within its
// country are.
func (o *observation) unknownNetwork(e *Evidence, country, asn float64) {
	if !o.has(countries) {
		e[evCountryRare] = rarity(country)
	}
	if o.net.asn == 0 || o.has(asns) {
		return
	}
	e[evASNRare] = rarity(asn)
	if o.new.later {
		e[evASNFresh] = o.surprise(freshASN)
	}
	if o.net.anonymous {
		e[evAnonymous] = 1
	}
}

// unknownPrefix: the exit of a carrier, which many share, is less of a surprise.
func (o *observation) unknownPrefix(e *Evidence, population float64) {
	if o.new.fresh[freshPrefix] {
		e[evPrefixFresh] = o.surprise(freshPrefix)
		e[evPrefixRare] = rarity(population)
	}
}

// knownPrefix: where many come from, it may be any of them.
func (o *observation) knownPrefix(e *Evidence, count float64) {
	if count == 0 {
		return
	}
	e[evPrefixKnown] = -count / (1 + count)
	if users := o.pop.count(sharersTable, o.net.prefix); users > 1 {
		e[evPrefixShared] = ln(users)
	}
}

// prefixOnly is for a service without a GeoResolver: the prefix alone.
func (o *observation) prefixOnly(e *Evidence) float64 {
	if o.net.prefix == 0 {
		return 0
	}
	const rare = 1e-3
	count := o.own(prefixes)
	o.knownPrefix(e, count)
	whole := clamp(o.below(level{1, 0}, rare, count).ratio)
	split(e, evPrefixNew, evPrefixOwn, whole)
	o.unknownPrefix(e, rare)
	return whole
}

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

	system := o.below(level{1, 0}, pSystem, o.own(systems))
	browser := o.below(system, pBrowser, o.own(browsers))
	full := o.below(browser, pAgent, o.own(agents))
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

// novelty is what is new about a login of a user with a history.
type novelty struct {
	later bool // there is a history
	shows bool // the user mostly shows a device id, and mostly one that is known
	asked bool // a known device could have been shown
	fresh [freshKinds]bool
}

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
	known := o.seen > 0 || o.met && o.has(asns) // unproved, it is known where the user is
	n.fresh[freshDevice] = n.asked && !known
	n.fresh[freshMissing] = o.net.prefix == 0 && !o.p.empty(prefixes)
	n.fresh[freshPrefix] = o.net.prefix != 0 && !o.has(prefixes)
	n.fresh[freshASN] = o.net.asn != 0 && !o.has(asns)
	n.fresh[freshAgent] = !o.has(agents) && (o.agent.known() || !o.p.empty(agents))
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

func (o *observation) time(e *Evidence) {
	if o.p.logins == 0 {
		return
	}
	total := o.pop.total(totalHours)
	everyone := (o.pop.hour(o.hour) + 1) / (total + 24)
	user := (o.p.hour(o.hour)*o.scale + priorHour*everyone) / (o.logins + priorHour)
	split(e, evTimeNew, evTimeOwn, clamp(ln(everyone/user)))
}
