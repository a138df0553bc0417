package main

import (
	"fmt"
	"math"

	"github.com/auth0kit/auth0kit/anomaly"
)

// setLookup is the reference's way: sets of what the user had, and flags for what
// is not in them. Places are cities; hours count with their neighbours.
type setLookup struct{ users map[int]*known }

type known struct {
	seen  map[string]bool // countries, cities, prefixes and devices
	hours [24]bool
	last  anomaly.Attempt
}

// flags are what a login shows for the first time. The first four are the
// reference's; the six are the strongest set look-up that we know.
type flags struct{ city, hour, travel, device, country, prefix, asn, agent float64 }

func (f flags) four() []float64 { return []float64{f.city, f.hour, f.travel, f.device} }

func (f flags) six() []float64 {
	return []float64{f.device, f.agent, f.country, f.asn, f.prefix, f.hour}
}

var devices = map[service]string{cookies: "device cookie", noIDs: "user agent", constant: "one id for all"}

func newSetLookup() *setLookup { return &setLookup{map[int]*known{}} }

// values of a login that are looked up, in the order country, city, prefix, ASN,
// agent, device: the cookie where there are cookies, else the user agent.
func values(a *anomaly.Attempt, ids service) [6]string {
	device := a.UserAgent
	if ids != noIDs {
		device = a.DeviceID
	}
	prefix, _ := a.IP.Prefix(24)
	return [6]string{
		"country " + a.Place.Country, fmt.Sprintf("city %.1f %.1f", a.Place.Lat, a.Place.Lon), "prefix " + prefix.String(),
		fmt.Sprint("asn ", a.Place.ASN), "agent " + a.UserAgent, "device " + device,
	}
}

func hourOf(a *anomaly.Attempt) int {
	return ((a.Time.Hour()+int(math.Round(a.Place.Lon/15)))%24 + 24) % 24
}

func (s *setLookup) learn(user int, a *anomaly.Attempt, ids service) {
	k := s.users[user]
	if k == nil {
		k = &known{seen: map[string]bool{}}
		s.users[user] = k
	}
	for _, v := range values(a, ids) {
		k.seen[v] = true
	}
	h := hourOf(a)
	for _, d := range []int{23, 0, 1} {
		k.hours[(h+d)%24] = true
	}
	k.last = *a
}

// look is only for users with a history.
func (s *setLookup) look(user int, a *anomaly.Attempt, ids service) (f flags) {
	k := s.users[user]
	if k == nil {
		return f
	}
	v := values(a, ids)
	for i, flag := range []*float64{&f.country, &f.city, &f.prefix, &f.asn, &f.agent, &f.device} {
		if !k.seen[v[i]] {
			*flag = 1
		}
	}
	if !k.hours[hourOf(a)] {
		f.hour = 1
	}
	km := block{lat: k.last.Place.Lat, lon: k.last.Place.Lon}.distance(block{lat: a.Place.Lat, lon: a.Place.Lon})
	if km/math.Max(a.Time.Sub(k.last.Time).Hours(), 1.0/60) > 900 {
		f.travel = 1
	}
	return f
}

// risk is the reference's sum; it names no weights, these are usual ones.
func (f flags) risk() float64 { return 25*f.city + 15*f.hour + 20*f.travel + 40*f.device }

// share is the reference's anomaly score: of location, time and device.
func (f flags) share() float64 { return (f.city + f.hour + f.device) / 3 }

// weigh is the sum of flags with learned weights.
func weigh(list, w []float64) (sum float64) {
	for i, v := range list {
		sum += v * w[i]
	}
	return sum
}
