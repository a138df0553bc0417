package anomaly

import (
	"math"
	"time"
)

// Bounds of what counts as travel. Airliners cruise below 1,000 km/h; databases
// place an address wrongly by the size of a carrier's region, so short hops say
// nothing.
const (
	maxSpeed      = 900.0 // km/h
	minTravel     = 300.0 // km between the two accuracy circles
	unreachable   = 3.0   // doublings of maxSpeed
	nearby        = 50.0  // km: the same place
	defaultRadius = 50.0  // km, where the database names none
	earthRadius   = 6371.0
	spotScale     = math.MaxInt16
)

func newSpot(p *Place, minute uint32) (s spot) {
	s.set(p, minute)
	return s
}

// set fills a spot where it lies: copying one that was just put together of small
// fields makes the processor wait for each of them.
func (s *spot) set(p *Place, minute uint32) {
	const rad = math.Pi / 180
	sinLat, cosLat := sincos(p.Lat * rad)
	sinLon, cosLon := sincos(p.Lon * rad)
	s.x, s.y, s.z = axis(cosLat*cosLon), axis(cosLat*sinLon), axis(sinLat)
	s.radius, s.minute, s.count = uint16(radiusOf(p)), minute, unit
}

// axis rounds to a sixteen-bit number, in the positive, where truncation rounds.
func axis(v float64) int16 { return int16(int(v*spotScale+(spotScale+0.5)) - spotScale) }

// sincos of an angle within ±π, to six digits: by the series of its half.
func sincos(angle float64) (sin, cos float64) {
	h := angle / 2
	z := h * h
	s := h * (1 - z*(1.0/6-z*(1.0/120-z*(1.0/5040-z*(1.0/362880-z*(1.0/39916800))))))
	c := 1 - z*(1.0/2-z*(1.0/24-z*(1.0/720-z*(1.0/40320-z*(1.0/3628800-z*(1.0/479001600))))))
	return 2 * s * c, 1 - 2*s*s
}

func radiusOf(p *Place) float64 {
	if p.Radius == 0 {
		return defaultRadius
	}
	return p.Radius
}

// chord2 is the square of the straight line through the earth, in units of
// spotScale: what can be compared without trigonometry.
func (s *spot) chord2(o *spot) int64 {
	dx, dy, dz := int64(s.x)-int64(o.x), int64(s.y)-int64(o.y), int64(s.z)-int64(o.z)
	return dx*dx + dy*dy + dz*dz
}

// chord is the straight line through the earth, in km: a little less than the
// way.
func (s *spot) chord(o *spot) float64 {
	return math.Sqrt(float64(s.chord2(o))) * (earthRadius / spotScale)
}

// distance is along the great circle, in km.
func (s *spot) distance(o *spot) float64 {
	return 2 * earthRadius * math.Asin(min(1, s.chord(o)/(2*earthRadius)))
}

// apart is the distance that remains between the two accuracy circles.
func apart(a, b *spot) float64 {
	radii := float64(a.radius) + float64(b.radius)
	const perKm = spotScale / earthRadius / 1.01
	if r := radii * perKm; float64(a.chord2(b)) < r*r {
		return 0 // Most logins end here, without a root or an arc.
	}
	return max(0, a.distance(b)-radii)
}

// trip is the way from the last place to this one.
type trip struct {
	km       float64
	duration time.Duration
}

func (t trip) speed() float64 { return t.km / max(t.duration.Hours(), 1.0/60) }

// impossible is how many doublings the speed lies above what is possible; 0 when
// it is possible, and for hops below minTravel.
func (t trip) impossible() float64 {
	if t.km < minTravel {
		return 0
	}
	return min(6, max(0, ln(t.speed()/maxSpeed)/math.Ln2))
}

// newTrip takes as long in both directions: logins can be judged in another order
// than they were made.
func newTrip(from, to *spot) trip {
	minutes := int64(to.minute) - int64(from.minute)
	return trip{apart(from, to), time.Duration(max(minutes, -minutes)) * time.Minute}
}
