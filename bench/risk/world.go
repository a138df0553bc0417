package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/anomaly"
)

// sealing keys hide nothing here; nothing leaves the process.
var sealing = [][]byte{[]byte("0123456789abcdef0123456789abcdef")}

// world is the geography and the devices that people and attackers draw from.
type world struct {
	countries []country
	hosting   []*provider // of all countries
	devices   []deviceModel
	kinds     map[deviceKind][]deviceModel
	customs   customs
}

// deviceKind is what an attacker sees of a device from afar.
type deviceKind struct{ system, family string }

func (w *world) setDevices(list []deviceModel) {
	w.devices, w.kinds = list, map[deviceKind][]deviceModel{}
	for _, d := range list {
		w.kinds[d.deviceKind] = append(w.kinds[d.deviceKind], d)
	}
}

type country struct {
	code     string
	weight   float64
	eyeballs []*provider
	hosting  []*provider
}

// provider is an autonomous system and a sample of its /24s.
type provider struct {
	asn     uint32
	country string
	hosting bool
	listed  bool // known as an anonymizing network: such lists are incomplete
	weight  float64
	nets    []block
	at      [][3]float64 // their places, filled by open
	exits   []block      // where a carrier's or a VPN's customers share addresses
}

// open completes a provider whose nets are known: it chooses the shared addresses,
// all over the country.
func (p *provider) open(r *rand.Rand) {
	for _, b := range p.nets {
		p.at = append(p.at, b.vector())
	}
	for range 8 {
		p.exits = append(p.exits, oneOf(r, p.nets))
	}
}

type block struct {
	prefix   uint32 // of the /24, as a number
	lat, lon float64
	as       *provider
}

func (b block) addr(host byte) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(b.prefix >> 16), byte(b.prefix >> 8), byte(b.prefix), host})
}

// place is what a flat city database says: no accuracy radius, no zone.
func (b block) place() anomaly.Place {
	return anomaly.Place{Country: b.as.country, Lat: b.lat, Lon: b.lon, ASN: b.as.asn, Anonymous: b.as.listed}
}

// vector is the place on the unit sphere.
func (b block) vector() [3]float64 {
	const rad = math.Pi / 180
	sinLat, cosLat := math.Sincos(b.lat * rad)
	sinLon, cosLon := math.Sincos(b.lon * rad)
	return [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// chord2 is the square of the straight line between two vectors: enough to
// compare distances.
func chord2(a, b [3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return x*x + y*y + z*z
}

// distance is along the great circle, in km.
func (b block) distance(o block) float64 {
	return 2 * 6371 * math.Asin(math.Min(1, math.Sqrt(chord2(b.vector(), o.vector()))/2))
}

// deviceModel is a user agent that people have.
type deviceModel struct {
	agent      string
	mobile     bool
	weight     float64
	deviceKind // operating system with class, and browser
}

// updates matches the version that a browser raises by itself.
var updates = regexp.MustCompile(`(Chrome|Firefox|Edg|rv:|CriOS|FxiOS|OPR|SamsungBrowser)([/:]?)(\d+)`)

// after is the agent as it is so many releases later.
func (d deviceModel) after(releases int) string {
	if releases == 0 {
		return d.agent
	}
	return updates.ReplaceAllStringFunc(d.agent, func(m string) string {
		at := strings.IndexFunc(m, func(r rune) bool { return r >= '0' && r <= '9' })
		v, err := strconv.Atoi(m[at:])
		if err != nil {
			return m
		}
		return m[:at] + strconv.Itoa(v+releases)
	})
}

func pick[T any](r *rand.Rand, list []T, weight func(T) float64) T {
	total := 0.0
	for _, item := range list {
		total += weight(item)
	}
	at := r.Float64() * total
	for _, item := range list {
		if at -= weight(item); at <= 0 {
			return item
		}
	}
	return list[len(list)-1]
}

func oneOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (w *world) country(r *rand.Rand) *country {
	i := pick(r, indices(len(w.countries)), func(i int) float64 { return w.countries[i].weight })
	return &w.countries[i]
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func eyeball(r *rand.Rand, c *country) *provider {
	return pick(r, c.eyeballs, func(p *provider) float64 { return p.weight })
}

func (w *world) device(r *rand.Rand) deviceModel {
	return pick(r, w.devices, func(d deviceModel) float64 { return d.weight })
}

// syntheticWorld needs no data: countries on a grid, random providers, a few
// dozen agents. It is for the gate in CI.
func syntheticWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{customs: customsHere}
	w.setDevices(syntheticDevices())
	next := uint32(1 << 16)
	for i := range 20 {
		c := country{code: string([]byte{'A' + byte(i), 'A' + byte(i*7%26)}), weight: 1 / float64(i+1)}
		lat, lon := float64(i%5)*22-40, float64(i)*17-160
		cities := make([][2]float64, 15)
		for k := range cities {
			cities[k] = [2]float64{lat + r.NormFloat64()*2.5, lon + r.NormFloat64()*2.5}
		}
		for j := range 16 {
			p := &provider{asn: uint32(1000 + i*100 + j), country: c.code, hosting: j >= 10, weight: 1 / float64(j+1)}
			p.listed = p.hosting && r.Float64() < listedShare
			for range 60 {
				next += 1 + uint32(r.IntN(3))
				city := cities[int(float64(len(cities))*r.Float64()*r.Float64())] // the first are larger
				p.nets = append(p.nets, block{next, city[0], city[1], p})
			}
			p.open(r)
			if p.hosting {
				c.hosting = append(c.hosting, p)
				w.hosting = append(w.hosting, p)
			} else {
				c.eyeballs = append(c.eyeballs, p)
			}
		}
		w.countries = append(w.countries, c)
	}
	return w
}

// listedShare is how much of the hosting networks a list of anonymizing networks
// knows.
const listedShare = 0.7

func syntheticDevices() []deviceModel {
	var list []deviceModel
	add := func(agent string, mobile bool, system, family string, weight float64) {
		list = append(list, deviceModel{agent, mobile, weight, deviceKind{system, family}})
	}
	for i := range 6 {
		share := 1 / float64(i+1)
		for s, system := range []string{"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"} {
			w := share / float64(1+s*2)
			add(fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", system, 140-i), false, system, "chrome", 4*w)
			add(fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0", system, 142-i, 142-i), false, system, "firefox", w)
			add(fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36 Edg/%d.0.0.0", system, 140-i, 140-i), false, system, "edge", w)
		}
		add(fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36", 140-i), true, "android", "chrome", 5*share)
		add(fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.%d Mobile/15E148 Safari/604.1", 6-i, 6-i), true, "iphone", "safari", 5*share)
	}
	return list
}
