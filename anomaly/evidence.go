package anomaly

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
	whole  past    // all of the user's logins
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
	ahead       bool    // the clock that stamped the last login was: it is not known how long it is ago
}

func (o *observation) has(list int) bool { return o.at[list] >= 0 }

// own is the user's count of the attempt's value, in logins of today.
func (o *observation) own(list int) float64 {
	if o.at[list] < 0 {
		return 0
	}
	return o.p.count(list, o.at[list]) * o.scale
}

// novelty is what is new about a login of a user with a history.
type novelty struct {
	later bool // there is a history
	shows bool // the user mostly shows a device id, and mostly one that is known
	asked bool // a known device could have been shown
	fresh [freshKinds]bool
}

// level is one level of a hierarchy: how likely the attempt's value is for the
// user, and the ratio of the population's probability to that.
type level struct{ user, ratio float64 }

// past is a number of logins with which a value is compared.
type past struct {
	share float64 // of one login in them, with the population's opinion
	doubt float64 // ratio of a value that the user never had: the more logins, the stranger
}

func pastOf(logins float64) past { return past{1 / (logins + priorUser), ln(1 + logins/priorUser)} }

// below is the next level down, whose value has a probability in the population
// among those with the value above, and count logins of the user: his probability
// has the population's opinion as prior. A value that he never had needs no
// logarithm of its own.
func (p past) below(above level, population, count float64) level {
	prior := priorUser * population * above.user
	at := level{(count + prior) * p.share, above.ratio + p.doubt}
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
