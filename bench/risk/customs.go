package main

// customs are how people live and what they do with their devices. The model is
// fitted on those of one world and measured on those of another, in other
// countries: a quality that rests on one guess about people does not count.
type customs struct {
	dynamic   []float64 // how often a home address changes, by household
	works     float64   // the share of people with a work place
	vpn       float64   // … with a commercial VPN
	trips     []float64 // a day, by person
	replaced  float64   // devices replaced, per login
	lost      float64   // cookies lost, per login
	keepsNone float64   // the share of people whose browser keeps no cookie
	showsNone float64   // … who never show an id: the browser refuses cookies, or an application has none
	carrier   float64   // how often a mobile device is on the carrier's network
	late      float64   // logins with a new cookie that do not show it yet
	blind     float64   // logins whose address is lost on the way
	median    float64   // logins in a sparse history
	spread    float64   // standard deviation of the logarithm of their number
}

var customsOf = map[string]customs{
	"here": customsHere, "there": customsThere, "beyond": customsBeyond, "elsewhere": customsElsewhere,
}

var customsHere = customs{
	dynamic: []float64{.02, .1, .35, .8}, works: .5, vpn: .15, trips: []float64{.0005, .005, .02},
	replaced: .012, lost: .02, keepsNone: .06, showsNone: .03, carrier: .4, late: .02, blind: .003, median: 3, spread: .9,
}

var customsThere = customs{
	dynamic: []float64{.05, .15, .3, .7}, works: .35, vpn: .1, trips: []float64{.001, .004, .015},
	replaced: .01, lost: .03, keepsNone: .05, showsNone: .05, carrier: .5, late: .03, blind: .002, median: 3.5, spread: 1,
}

var customsBeyond = customs{
	dynamic: []float64{.03, .2, .25, .6}, works: .45, vpn: .05, trips: []float64{.0003, .003, .03},
	replaced: .008, lost: .025, keepsNone: .055, showsNone: .04, carrier: .55, late: .01, blind: .004, median: 4, spread: .8,
}

var customsElsewhere = customs{
	dynamic: []float64{.01, .05, .4, .9}, works: .4, vpn: .12, trips: []float64{.002, .006, .01},
	replaced: .015, lost: .035, keepsNone: .045, showsNone: .06, carrier: .35, late: .04, blind: .001, median: 3.2, spread: 1.1,
}
