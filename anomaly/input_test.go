package anomaly_test

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

func TestNeutralAndBadInput(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{Now: func() time.Time { return start.Add(60 * 24 * time.Hour) }})
	now := month(t, d)
	good := login(now, "81.2.69.10", oslo, "laptop", firefox)
	with := func(change func(*anomaly.Attempt)) anomaly.Attempt {
		a := good
		place := oslo
		a.Place = &place
		change(&a)
		return a
	}
	neutral := map[string]anomaly.Attempt{
		"no address":   with(func(a *anomaly.Attempt) { a.IP, a.Place = netip.Addr{}, nil }),
		"private":      with(func(a *anomaly.Attempt) { a.IP, a.Place = netip.MustParseAddr("10.1.2.3"), nil }),
		"loopback":     with(func(a *anomaly.Attempt) { a.IP, a.Place = netip.MustParseAddr("::1"), nil }),
		"carrier NAT":  with(func(a *anomaly.Attempt) { a.IP, a.Place = netip.MustParseAddr("100.64.1.1"), nil }),
		"mapped":       with(func(a *anomaly.Attempt) { a.IP = netip.MustParseAddr("::ffff:81.2.69.10") }),
		"empty place":  with(func(a *anomaly.Attempt) { a.Place = &anomaly.Place{} }),
		"unknown zone": with(func(a *anomaly.Attempt) { a.Place.Zone = "Mars/Olympus" }),
		"1 MB agent":   with(func(a *anomaly.Attempt) { a.UserAgent = firefox + strings.Repeat("(x", 1<<19) }),
		"unknown user": with(func(a *anomaly.Attempt) { a.UserID = "auth0|nobody" }),
		"in the past":  with(func(a *anomaly.Attempt) { a.Time = start.Add(-24 * time.Hour) }),
	}
	for name, a := range neutral {
		got, err := d.Assess(t.Context(), a)
		if err != nil || kinds(got) != "" || got.RequiresVerification {
			t.Errorf("%s: %q, score %v, %v", name, kinds(got), got.Score, err)
		}
	}
	bad := map[string]anomaly.Attempt{
		"UserID":        with(func(a *anomaly.Attempt) { a.UserID = "" }),
		"UserID ":       with(func(a *anomaly.Attempt) { a.UserID = strings.Repeat("x", 256) }),
		"UserID  ":      with(func(a *anomaly.Attempt) { a.UserID = anomaly.Key("").String() }),
		"UserID\t":      with(func(a *anomaly.Attempt) { a.UserID = "a\x00b" }),
		"UserID\n":      with(func(a *anomaly.Attempt) { a.UserID = "\xff" }),
		"Time":          with(func(a *anomaly.Attempt) { a.Time = time.Time{} }),
		"Time ":         with(func(a *anomaly.Attempt) { a.Time = start.Add(61 * 24 * time.Hour) }),
		"Time  ":        with(func(a *anomaly.Attempt) { a.Time = time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"Place.Lat":     with(func(a *anomaly.Attempt) { a.Place.Lat = 91 }),
		"Place.Lat ":    with(func(a *anomaly.Attempt) { a.Place.Lat = math.NaN() }),
		"Place.Lon":     with(func(a *anomaly.Attempt) { a.Place.Lon = -181 }),
		"Place.Radius":  with(func(a *anomaly.Attempt) { a.Place.Radius = -1 }),
		"Place.Radius ": with(func(a *anomaly.Attempt) { a.Place.Radius = math.Inf(1) }),
		"Place.Country": with(func(a *anomaly.Attempt) { a.Place.Country = "Norway" }),
	}
	for field, a := range bad {
		_, err := d.Assess(t.Context(), a)
		wrong, ok := errors.AsType[*anomaly.FieldError](err)
		if !ok || !errors.Is(err, anomaly.ErrInvalid) || wrong.Field != strings.TrimSpace(field) {
			t.Errorf("%q: %v", field, err)
		}
		if err := d.Learn(t.Context(), a, anomaly.Proved); !errors.Is(err, anomaly.ErrInvalid) {
			t.Errorf("%q: Learn: %v", field, err)
		}
	}
}

// TestLevelsThatNobodyKnows: a service without ASNs, or that knows places and no
// addresses, does not see news in each login.
func TestLevelsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*anomaly.Attempt){
		"no ASN":       func(a *anomaly.Attempt) { a.Place.ASN = 0 },
		"no address":   func(a *anomaly.Attempt) { a.IP = netip.Addr{} },
		"country only": func(a *anomaly.Attempt) { *a.Place = anomaly.Place{Country: "NO"} },
		"tool":         func(a *anomaly.Attempt) { a.UserAgent = "sync/1.0" },
	} {
		d := newDetector(t, anomaly.Config{})
		var scores []float64
		for day := range 60 {
			a := login(start.Add(time.Duration(day)*24*time.Hour), "81.2.69.10", oslo, "laptop", firefox)
			change(&a)
			scores = append(scores, assess(t, d, a).Score)
			learn(t, d, a, anomaly.Proved)
		}
		if scores[59] > scores[5]+1e-4 || scores[59] > .1 {
			t.Errorf("%s: the score of the same login went from %v to %v", name, scores[5], scores[59])
		}
	}
}

type resolver map[string]anomaly.Place

func (r resolver) Resolve(ip netip.Addr) (anomaly.Place, error) {
	if ip.String() == "192.0.2.1" {
		return anomaly.Place{}, errors.New("file is gone")
	}
	return r[ip.String()], nil
}

func TestResolver(t *testing.T) {
	t.Parallel()
	broken := oslo
	broken.Lat = 1000
	d := newDetector(t, anomaly.Config{Geo: resolver{"81.2.69.10": oslo, "177.1.1.1": saoPaulo, "8.8.8.8": broken}})
	now := month(t, d)
	a := login(now, "177.1.1.1", oslo, "laptop", firefox)
	a.Place = nil
	if got := assess(t, d, a); kinds(got) == "" {
		t.Errorf("the resolver was not asked: %+v", got)
	}
	a.IP = netip.MustParseAddr("8.8.8.8")
	if got := assess(t, d, a); got.Findings[3].LogOdds != 0 {
		t.Errorf("a wrong place is not neutral: %+v", got)
	}
	a.IP = netip.MustParseAddr("192.0.2.1")
	if _, err := d.Assess(t.Context(), a); err == nil || strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("a failing resolver: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	bad := anomaly.DefaultModel()
	bad.WithDevice.By["older"] = -1
	for name, cfg := range map[string]anomaly.Config{
		"threshold": {Threshold: 1.5}, "not a number": {Threshold: math.NaN()}, "half-life": {HalfLife: time.Hour}, "model": {Model: bad},
	} {
		if _, err := anomaly.New(anomaly.NewMemory(0), keys, cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := anomaly.New(nil, keys, anomaly.Config{}); err == nil {
		t.Error("no store was accepted")
	}
}

func FuzzAttempt(f *testing.F) {
	f.Add("auth0|ada", int64(1_772_438_400), "81.2.69.10", "NO", 59.9, 10.7, "Europe/Oslo", "laptop", firefox)
	f.Add("", int64(0), "", "", 0.0, 0.0, "", "", "")
	f.Add("u", int64(-1), "::ffff:10.0.0.1", "zz", math.NaN(), math.Inf(1), "../../etc/passwd", "\x00", strings.Repeat("(;/", 1000))
	f.Fuzz(func(t *testing.T, user string, at int64, ip, country string, lat, lon float64, zone, device, agent string) {
		d := newDetector(t, anomaly.Config{})
		addr, err := netip.ParseAddr(ip)
		if err != nil {
			addr = netip.Addr{}
		}
		a := anomaly.Attempt{
			UserID: user, Time: time.Unix(at, 0), IP: addr, DeviceID: device, UserAgent: agent,
			Place: &anomaly.Place{Country: country, Lat: lat, Lon: lon, Zone: zone},
		}
		for range 3 {
			got, err := d.Assess(t.Context(), a)
			if err == nil && !(got.Score >= 0 && got.Score <= 1) {
				t.Errorf("score %v", got.Score)
			}
			if learnErr := d.Learn(t.Context(), a, anomaly.Proved); (err == nil) != (learnErr == nil) {
				t.Errorf("Assess: %v, Learn: %v", err, learnErr)
			}
		}
	})
}
