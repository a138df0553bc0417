package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"

	useragent "github.com/medama-io/go-useragent"
	"github.com/oschwald/maxminddb-golang/v2"
)

// worldNames are the worlds of real countries, the larger ones first: models are
// fitted here, measured there, chosen beyond, and measured once more elsewhere.
var worldNames = []string{"here", "there", "beyond", "elsewhere"}

const (
	worldCountries = 40 // of each world
	worldEyeballs  = 25 // per country
	worldHosting   = 12
	worldBlocks    = 400 // /24s per provider
)

// realWorlds builds the worlds of these names from the data files, none of which
// has a country of another. They are the same for every seed of people.
func realWorlds(files dataFiles, names ...string) (map[string]*world, error) {
	devices, err := readDevices(files.agents)
	if err != nil {
		return nil, err
	}
	cities, err := maxminddb.Open(files.cities)
	if err != nil {
		return nil, err
	}
	defer cities.Close()
	ranges, err := readRanges(files.asns, cities)
	if err != nil {
		return nil, err
	}
	worlds := map[string]*world{}
	for _, name := range names {
		worlds[name] = &world{customs: customsOf[name]}
	}
	for i, c := range assemble(ranges) {
		if w := worlds[worldNames[i/(2*worldCountries)*2+i%2]]; w != nil {
			w.countries = append(w.countries, c)
		}
	}
	for _, w := range worlds {
		w.setDevices(devices)
		if err := w.locate(ranges, cities); err != nil {
			return nil, err
		}
	}
	return worlds, nil
}

func readDevices(path string) ([]deviceModel, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var records []struct {
		UserAgent      string
		DeviceCategory string
		Weight         float64
	}
	if err := json.Unmarshal(raw, &records); err != nil {
		return nil, err
	}
	parser := useragent.NewParser()
	byAgent := map[string]*deviceModel{}
	for _, r := range records {
		d := byAgent[r.UserAgent]
		if d == nil {
			ua := parser.Parse(r.UserAgent)
			d = &deviceModel{
				agent: r.UserAgent, mobile: r.DeviceCategory != "desktop",
				deviceKind: deviceKind{string(ua.OS()) + "/" + r.DeviceCategory, string(ua.Browser())},
			}
			byAgent[r.UserAgent] = d
		}
		d.weight += r.Weight
	}
	var list []deviceModel
	for _, d := range byAgent {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b deviceModel) int { return cmp.Compare(a.agent, b.agent) })
	return list, nil
}

// announced is a range of addresses of one AS, and the country of its start.
type announced struct {
	from, to uint32
	asn      uint32
	hosting  bool
	country  string
}

var hostingName = regexp.MustCompile(`(?i)host|cloud|server|data ?cent|vps|colo|amazon|google|microsoft|digitalocean|ovh|hetzner|linode|akamai|oracle|alibaba|tencent|leaseweb|choopa|vultr|m247|datacamp|proxy|vpn|cdn|fastly`)

func readRanges(path string, cities *maxminddb.Reader) ([]announced, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows := csv.NewReader(bufio.NewReaderSize(file, 1<<20))
	rows.ReuseRecord, rows.LazyQuotes = true, true
	var list []announced
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		from, err1 := strconv.ParseUint(row[0], 10, 32)
		to, err2 := strconv.ParseUint(row[1], 10, 32)
		asn, err3 := strconv.ParseUint(row[2], 10, 32)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		a := announced{from: uint32(from), to: uint32(to), asn: uint32(asn), hosting: hostingName.MatchString(row[3])}
		city, err := lookup(cities, a.from>>8)
		if err != nil {
			return nil, err
		}
		a.country = city.Country
		list = append(list, a)
	}
}

type city struct {
	Country string  `maxminddb:"country_code"`
	Lat     float64 `maxminddb:"latitude"`
	Lon     float64 `maxminddb:"longitude"`
}

func lookup(cities *maxminddb.Reader, prefix uint32) (c city, err error) {
	addr := netip.AddrFrom4([4]byte{byte(prefix >> 16), byte(prefix >> 8), byte(prefix), 1})
	return c, cities.Lookup(addr).Decode(&c)
}

// assemble takes the countries with most announced addresses and their largest
// providers.
func assemble(ranges []announced) []country {
	type key struct {
		country string
		asn     uint32
	}
	sizes, hosting, total := map[key]float64{}, map[uint32]bool{}, map[string]float64{}
	for _, a := range ranges {
		n := float64(a.to-a.from) + 1
		if len(a.country) == 2 {
			sizes[key{a.country, a.asn}] += n
			total[a.country] += n
			hosting[a.asn] = hosting[a.asn] || a.hosting
		}
	}
	byCountry := map[string][]*provider{}
	for k, n := range sizes {
		byCountry[k.country] = append(byCountry[k.country], &provider{asn: k.asn, country: k.country, hosting: hosting[k.asn], weight: math.Sqrt(n)})
	}
	var list []country
	for code, providers := range byCountry {
		slices.SortFunc(providers, func(a, b *provider) int {
			return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.asn, b.asn))
		})
		c := country{code: code, weight: math.Pow(total[code], 0.7)}
		for _, p := range providers {
			if p.hosting && len(c.hosting) < worldHosting {
				c.hosting = append(c.hosting, p)
			} else if !p.hosting && len(c.eyeballs) < worldEyeballs {
				c.eyeballs = append(c.eyeballs, p)
			}
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b country) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.code, b.code))
	})
	return list[:min(len(list), len(worldNames)*worldCountries)]
}

// locate samples the /24s of each provider in its country.
func (w *world) locate(ranges []announced, cities *maxminddb.Reader) error {
	r := rand.New(rand.NewPCG(404, 404))
	mine := map[uint32][]announced{}
	for _, a := range ranges {
		mine[a.asn] = append(mine[a.asn], a)
	}
	var usable []country // the small ones may have no hosting of their own
	for i := range w.countries {
		c := &w.countries[i]
		for _, list := range []*[]*provider{&c.eyeballs, &c.hosting} {
			for _, p := range *list {
				p.listed = p.hosting && r.Float64() < listedShare
				if err := p.sample(mine[p.asn], cities, r); err != nil {
					return err
				}
			}
			*list = slices.DeleteFunc(*list, func(p *provider) bool { return len(p.nets) < 12 })
		}
		for _, p := range slices.Concat(c.eyeballs, c.hosting) {
			p.open(r)
		}
		if len(c.eyeballs) == 0 || len(c.hosting) == 0 {
			continue
		}
		w.hosting = append(w.hosting, c.hosting...)
		usable = append(usable, *c)
	}
	w.countries = usable
	return nil
}

func (p *provider) sample(ranges []announced, cities *maxminddb.Reader, r *rand.Rand) error {
	seen := map[uint32]bool{}
	ends, total := make([]uint64, len(ranges)), uint64(0)
	for i, a := range ranges {
		total += uint64(a.to-a.from) + 1
		ends[i] = total
	}
	for range 3 * worldBlocks {
		if len(p.nets) == worldBlocks {
			break
		}
		at := r.Uint64N(total)
		i, _ := slices.BinarySearch(ends, at+1)
		prefix := uint32(uint64(ranges[i].to)-(ends[i]-1-at)) >> 8
		if seen[prefix] {
			continue
		}
		seen[prefix] = true
		found, err := lookup(cities, prefix)
		if err != nil {
			return err
		}
		if found.Country == p.country && (found.Lat != 0 || found.Lon != 0) {
			p.nets = append(p.nets, block{prefix, found.Lat, found.Lon, p})
		}
	}
	return nil
}
