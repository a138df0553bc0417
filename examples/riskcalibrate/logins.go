package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

// read yields the logins of a file.
func read(r io.Reader) iter.Seq2[calibrate.Labelled, error] {
	return func(yield func(calibrate.Labelled, error) bool) {
		lines, n := bufio.NewScanner(r), 0
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			n++
			l, err := parse(lines.Bytes())
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(calibrate.Labelled{}, err)
		}
	}
}

func parse(line []byte) (l calibrate.Labelled, err error) {
	var in struct {
		User, Device, Agent, Country, Attack string
		Time                                 time.Time
		IP                                   netip.Addr
		Lat, Lon                             float64
		ASN                                  uint32
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return l, err
	}
	place := &anomaly.Place{Country: in.Country, Lat: in.Lat, Lon: in.Lon, ASN: in.ASN}
	return calibrate.Labelled{Attack: in.Attack, Attempt: anomaly.Attempt{
		UserID: in.User, Time: in.Time, IP: in.IP, Place: place, DeviceID: in.Device, UserAgent: in.Agent,
	}}, nil
}

var (
	cities = []anomaly.Place{
		{Country: "NO", Lat: 59.9, Lon: 10.7, ASN: 2119}, {Country: "DE", Lat: 53.6, Lon: 10, ASN: 3320},
		{Country: "DE", Lat: 48.1, Lon: 11.6, ASN: 3209}, {Country: "FR", Lat: 45.8, Lon: 4.8, ASN: 3215},
		{Country: "US", Lat: 41.9, Lon: -87.6, ASN: 7922}, {Country: "BR", Lat: -23.5, Lon: -46.6, ASN: 28573},
	}
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
	}
)

// demo yields three months of 400 people: each has a city, a network, an hour and a
// device or two; now and then they travel, lose a cookie or get a new address. It is
// the same each time.
func demo() iter.Seq2[calibrate.Labelled, error] {
	r := rand.New(rand.NewPCG(7, 7))
	start := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	var all []anomaly.Attempt
	for user := range 400 {
		city, net := cities[r.IntN(len(cities))], byte(r.IntN(250))
		hour, gap, agent := 6+r.Float64()*14, 1+r.Float64()*6, r.IntN(len(agents))
		devices := []string{fmt.Sprint("laptop ", user), fmt.Sprint("phone ", user)}
		for day := gap * r.ExpFloat64(); day < 90; day += gap * r.ExpFloat64() {
			which, place := r.IntN(4)/3, city
			if r.Float64() < .02 {
				devices[which] = fmt.Sprint("another ", len(all))
			}
			if r.Float64() < .03 {
				place = cities[r.IntN(len(cities))]
			}
			if r.Float64() < .2 {
				net = byte(r.IntN(250))
			}
			at := start.Add(time.Duration((float64(int(day))*24 + hour + r.NormFloat64()*1.5 - place.Lon/15) * float64(time.Hour)))
			all = append(all, anomaly.Attempt{
				UserID: fmt.Sprint("auth0|", user), Time: at, IP: netip.AddrFrom4([4]byte{81, byte(place.ASN), net, byte(1 + r.IntN(250))}),
				Place: &place, DeviceID: devices[which], UserAgent: agents[(agent+which)%len(agents)],
			})
		}
	}
	slices.SortStableFunc(all, func(a, b anomaly.Attempt) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.UserID, b.UserID)) })
	return func(yield func(calibrate.Labelled, error) bool) {
		for _, a := range all {
			if !yield(calibrate.Labelled{Attempt: a}, nil) {
				return
			}
		}
	}
}
