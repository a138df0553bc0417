package anomaly

import (
	"math"
	"strings"
	"sync"
	"time"
)

// maxZone is UTC+14 in quarter-hours.
const maxZone = 14 * 4

func dayOf(t time.Time) uint16    { return uint16(t.Unix() / 86400) }
func minuteOf(t time.Time) uint32 { return uint32(t.Unix() / 60) }

// zones keeps what time.LoadLocation reads from files. It holds at most the
// zones of the IANA database: names that it does not know are not kept.
var zones sync.Map // string → *time.Location

// zoneOf is the offset of a place from UTC in quarter-hours: by its zone's name,
// else by longitude, which is right to an hour or two. ok is false where the
// place says nothing about the user.
func zoneOf(p *Place, at time.Time) (quarters int8, ok bool) {
	if p.Anonymous {
		return 0, false
	}
	if p.Zone != "" {
		if loc := location(p.Zone); loc != nil {
			_, seconds := at.In(loc).Zone()
			return int8(seconds / 900), true
		}
	}
	if p.located() {
		return int8(math.Round(p.Lon/15)) * 4, true
	}
	return 0, false
}

func location(name string) *time.Location {
	if name == "Local" || strings.Contains(name, ".") || strings.Contains(name, "//") {
		return nil // other ways to write it: a client can send any number of them in a CDN's header
	}
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, loc)
	return loc
}

// localHour is 0..23.
func localHour(at time.Time, quarters int8) int {
	return int((at.Unix()/900+int64(quarters))/4%24+24) % 24
}

// kernel is a von Mises density with κ = 5 over 24 hours, as weights by the
// distance in hours, which add up to 1. A login adds it to a histogram around its
// hour, which is then a circular density with as many peaks as the user has.
var kernel = func() (k [24]float64) {
	sum := 0.0
	for d := range k {
		k[d] = math.Exp(5 * (math.Cos(2*math.Pi*float64(d)/24) - 1))
		sum += k[d]
	}
	for d := range k {
		k[d] /= sum
	}
	return k
}()

// spread calls add with the weight of a login at hour for each hour.
func spread(hour int, unit float64, add func(hour int, weight uint32)) {
	for d, w := range kernel {
		add((hour+d)%24, uint32(math.Round(w*unit)))
	}
}
