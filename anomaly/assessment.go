package anomaly

import (
	"fmt"
	"strconv"
	"time"
)

// Assessment holds how a login compares with the user's history. It is a value
// without pointers.
type Assessment struct {
	// Score is the probability, 0 to 1, that this is not the user if attacks were as
	// frequent as logins. Compare scores; they are not real frequencies.
	Score                float64
	RequiresVerification bool       // Score is at or above Config.Threshold, or Distrusted.
	FirstLogin           bool       // The user has no history: only rarity in the population counted.
	Unreachable          bool       // At least eight times an airliner's speed since the last login: even a known device does not explain it.
	Earlier              float32    // The user's earlier logins, at most 250, each worth less with age; halved in Config.HalfLife.
	Class                Class      // Which weights of the model were used.
	Prior                float32    // Log-odds before any finding.
	Findings             [4]Finding // In the order of Kind.
	Held                 uint16     // Unproved logins in quarantine from the same network, agent and device.
	Distrusted           bool       // By Distrust, and no login was proved since.
	Unlocked             bool       // By Unlock.
	NoAddress            bool       // The address is missing, private or not routed: nothing is known about the network.
	NoPlace              bool       // The country is not known.
	Hour                 uint8      // Of this login, in the time zone of its place, or else of the user's last one.
	Country              [2]byte    // Of this login, zero if not known.
	Agent                [24]byte   // Of this login, as "Chrome/Windows", zero-padded.
}

// Finding holds one way in which a login is unusual. LogOdds is what this side of
// the login adds; it is below zero if it speaks for the user. Kind is zero unless
// this side is unusual.
type Finding struct {
	Kind     Kind
	LogOdds  float32
	Previous [16]byte // The usual value instead, as text by Kind, zero-padded. See Before.
}

// Kind says what is unusual.
type Kind uint8

// The kinds of findings. Before is, in this order, the user's usual country, hour
// or browser, or how far away and how long ago the last login was.
const (
	UnusualLocation Kind = iota + 1
	UnusualTime
	NewDevice
	ImpossibleTravel
)

// Kinds holds all kinds, in order.
var Kinds = [4]Kind{UnusualLocation, UnusualTime, NewDevice, ImpossibleTravel}

var kindNames = [...]string{"none", "unusual_location", "unusual_time", "new_device", "impossible_travel"}

// String returns "unusual_location", "unusual_time", "new_device" or
// "impossible_travel".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Before returns Previous as text: "NO", "09:00", "Chrome/Windows", "7911km 35m".
func (f Finding) Before() string {
	n := 0
	for n < len(f.Previous) && f.Previous[n] != 0 {
		n++
	}
	return string(f.Previous[:n])
}

// String returns text such as "unusual_location (before: NO, log-odds +3.1)".
func (f Finding) String() string {
	return fmt.Sprintf("%s (before: %s, log-odds %+.1f)", f.Kind, f.Before(), f.LogOdds)
}

// Share returns the share of unusual location, unusual time and new device without
// weights: 0, 1/3, 2/3 or 1. It is only for comparison; decide by Score
// (docs/risk).
func (a Assessment) Share() float64 {
	n := 0
	for _, f := range a.Findings[:3] {
		if f.Kind != 0 {
			n++
		}
	}
	return float64(n) / 3
}

// findings marks what is unusual, and says what was usual.
func (o *observation) findings(a *Assessment, e *Evidence) {
	if a.FirstLogin {
		return
	}
	if o.unusualPlace(e) {
		a.mark(UnusualLocation, appendCountry(nil16(), o.p.heaviest(countries)))
	}
	if e[evTimeNew] > 1 && o.logins >= 3 {
		a.mark(UnusualTime, appendHour(nil16(), o.p.usualHour()))
	}
	if o.unusualDevice() {
		a.mark(NewDevice, appendAgent(nil16(), o.p.heaviest(browsers)))
	}
	if e[evTravel] > 0 {
		a.mark(ImpossibleTravel, appendTrip(nil16(), newTrip(&o.last, &o.place)))
	}
}

// describe says what this login is.
func (a *Assessment) describe(o *observation) {
	a.Hour = uint8(o.hour)
	copy(a.Country[:], appendCountry(nil16(), o.net.country))
	if o.agent.known() {
		copy(a.Agent[:], appendAgent(nil16(), o.agent.browser))
	}
}

// nil16 has room for every text, on the caller's stack.
func nil16() []byte { return make([]byte, 0, 48) }

func (a *Assessment) mark(k Kind, before []byte) {
	f := &a.Findings[k-1]
	f.Kind = k
	copy(f.Previous[:], before)
}

// unusualPlace is a country without history, or a network without history away
// from the known places.
func (o *observation) unusualPlace(e *Evidence) bool {
	if o.net.country == 0 {
		return o.net.prefix != 0 && !o.p.empty(prefixes) && !o.has(prefixes)
	}
	if o.p.empty(countries) {
		return false
	}
	if !o.has(countries) {
		return true
	}
	away := !o.placed || o.net.anonymous || e[evDistance] > 1
	return away && !o.has(prefixes) && !o.has(asns)
}

// unusualDevice goes by the device id where there is one, else by the browser.
func (o *observation) unusualDevice() bool {
	if o.new.asked {
		return o.new.fresh[freshDevice]
	}
	return !o.p.empty(browsers) && !o.has(browsers)
}

func (v *view) usualHour() int {
	at := 0
	for h := range 24 {
		if v.hour(h) > v.hour(at) {
			at = h
		}
	}
	return at
}

func appendHour(b []byte, hour int) []byte {
	return append(b, '0'+byte(hour/10), '0'+byte(hour%10), ':', '0', '0')
}

func appendTrip(b []byte, t trip) []byte {
	b = append(strconv.AppendInt(b, int64(t.km), 10), "km "...)
	if t.duration < 3*time.Hour {
		return append(strconv.AppendInt(b, int64(t.duration.Minutes()), 10), 'm')
	}
	return append(strconv.AppendInt(b, int64(t.duration.Hours()), 10), 'h')
}
