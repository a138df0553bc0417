package anomaly_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

var (
	oslo     = anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"}
	bergen   = anomaly.Place{Country: "NO", Lat: 60.39, Lon: 5.32, ASN: 2119, Zone: "Europe/Oslo"}
	saoPaulo = anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573, Zone: "America/Sao_Paulo"}
	start    = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:138.0) Gecko/20100101 Firefox/138.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func login(at time.Time, ip string, place anomaly.Place, device, agent string) anomaly.Attempt {
	return anomaly.Attempt{
		UserID: "auth0|ada", Time: at, IP: netip.MustParseAddr(ip), Place: &place, DeviceID: device, UserAgent: agent,
	}
}

func newDetector(t testing.TB, cfg anomaly.Config) *anomaly.Detector {
	t.Helper()
	d, err := anomaly.New(anomaly.NewMemory(0), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func learn(t testing.TB, d *anomaly.Detector, a anomaly.Attempt, trust anomaly.Trust) {
	t.Helper()
	if err := d.Learn(t.Context(), a, trust); err != nil {
		t.Fatal(err)
	}
}

func assess(t testing.TB, d *anomaly.Detector, a anomaly.Attempt) anomaly.Assessment {
	t.Helper()
	got, err := d.Assess(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// month learns thirty mornings in Oslo, and returns the day after.
func month(t testing.TB, d *anomaly.Detector) time.Time {
	t.Helper()
	for i := range 30 {
		learn(t, d, login(start.Add(time.Duration(i)*24*time.Hour), "81.2.69.10", oslo, "laptop", firefox), anomaly.Proved)
	}
	return start.Add(30 * 24 * time.Hour)
}

func kinds(a anomaly.Assessment) string {
	var names []string
	for _, f := range a.Findings {
		if f.Kind != 0 {
			names = append(names, f.Kind.String())
		}
	}
	return strings.Join(names, " ")
}

func TestFindings(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	cases := []struct {
		name, kinds, before string
		attempt             anomaly.Attempt
		verify              bool
	}{
		{"as always", "", "", login(now, "81.2.69.99", oslo, "laptop", firefox), false},
		{"another address of the provider", "", "", login(now, "81.2.200.1", oslo, "laptop", firefox), false},
		{"night", "unusual_time", "09:00", login(now.Add(-6*time.Hour), "81.2.69.10", oslo, "laptop", firefox), false},
		{"a flight later", "unusual_location", "NO", login(now.Add(48*time.Hour), "177.1.1.1", saoPaulo, "laptop", firefox), false},
		{"new phone at home", "new_device", "Firefox/Windows", login(now, "81.2.69.10", oslo, "phone", safari), false},
		{
			"stolen password", "unusual_location unusual_time new_device impossible_travel", "NO",
			login(now.Add(-14*time.Hour), "177.1.1.1", saoPaulo, "other", safari), true,
		},
		{"cookie left out", "new_device", "Firefox/Windows", login(now, "81.2.69.10", oslo, "", firefox), false},
	}
	for _, c := range cases {
		got := assess(t, d, c.attempt)
		if kinds(got) != c.kinds || got.RequiresVerification != c.verify {
			t.Errorf("%s: %q, score %.3f, verify %t; want %q, verify %t",
				c.name, kinds(got), got.Score, got.RequiresVerification, c.kinds, c.verify)
		}
		for _, f := range got.Findings {
			if f.Kind != 0 && c.before != "" {
				if f.Before() != c.before {
					t.Errorf("%s: before %q, want %q", c.name, f.Before(), c.before)
				}
				break
			}
		}
	}
}

func TestScoreIsTheSumOfItsFindings(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	got := assess(t, d, login(month(t, d), "177.1.1.1", saoPaulo, "other", safari))
	sum := float64(got.Prior)
	for _, f := range got.Findings {
		sum += float64(f.LogOdds)
	}
	if want := 1 / (1 + math.Exp(-sum)); math.Abs(got.Score-want) > 1e-4 {
		t.Errorf("score %v, findings give %v", got.Score, want)
	}
	if got.Share() != 2.0/3 {
		t.Errorf("share %v, want two of three", got.Share())
	}
}

func TestUsersClockAndSeveralPeaks(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	// 08:00 and 22:00 in Oslo, through the change to summer time on March 29.
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	for day := range 40 {
		for _, hour := range []int{8, 22} {
			at := time.Date(2026, 3, 10+day, hour, 30, 0, 0, zone)
			learn(t, d, login(at, "81.2.69.10", oslo, "laptop", firefox), anomaly.Proved)
		}
	}
	for hour, unusual := range map[int]bool{8: false, 22: false, 23: false, 7: false, 3: true, 15: true} {
		at := time.Date(2026, 4, 21, hour, 30, 0, 0, zone)
		got := assess(t, d, login(at, "81.2.69.10", oslo, "laptop", firefox))
		if (got.Findings[1].Kind == anomaly.UnusualTime) != unusual {
			t.Errorf("%02d:30: %v, want unusual %t", hour, got.Findings[1], unusual)
		}
	}
	// The same instant is another hour where the user is.
	at := time.Date(2026, 4, 21, 8, 30, 0, 0, zone)
	away := oslo
	away.Zone = "Asia/Tokyo"
	if got := assess(t, d, login(at, "81.2.69.10", away, "laptop", firefox)); got.Findings[1].Kind == 0 {
		t.Error("15:30 in Tokyo passes for the morning")
	}
}

func TestTravel(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	last := month(t, d).Add(-24 * time.Hour)
	proxy := saoPaulo
	proxy.Anonymous = true
	vague := saoPaulo
	vague.Radius = 12_000
	carrier := saoPaulo
	carrier.ASN = oslo.ASN
	odds := func(after time.Duration, p anomaly.Place) float32 {
		return assess(t, d, login(last.Add(after), "177.1.1.1", p, "laptop", firefox)).Findings[3].LogOdds
	}
	full := odds(time.Hour, saoPaulo)
	if full <= 0 {
		t.Fatal("10,000 km in an hour are possible")
	}
	for name, got := range map[string]float32{
		"13 hours":              odds(13*time.Hour, saoPaulo),
		"a short hop":           odds(time.Minute, bergen),
		"anonymizing network":   odds(time.Hour, proxy),
		"accuracy of 12,000 km": odds(time.Hour, vague),
		"before the last login": odds(-time.Hour, saoPaulo),
	} {
		if got != 0 {
			t.Errorf("%s: log-odds %v, want 0", name, got)
		}
	}
	if got := odds(time.Hour, carrier); got <= 0 || got > full/2 {
		t.Errorf("in a known network: log-odds %v, want less than half of %v", got, full)
	}
	f := assess(t, d, login(last.Add(time.Hour), "177.1.1.1", saoPaulo, "laptop", firefox)).Findings[3]
	if before := f.Before(); !strings.HasSuffix(before, "km 60m") {
		t.Errorf("before: %q", before)
	}
}

func TestAnonymousLoginsLeaveNoPlace(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	last := month(t, d)
	proxy := saoPaulo
	proxy.Anonymous = true
	learn(t, d, login(last, "177.1.1.1", proxy, "laptop", firefox), anomaly.Proved)
	if got := assess(t, d, login(last.Add(10*time.Minute), "81.2.69.10", oslo, "laptop", firefox)); got.Findings[3].Kind != 0 {
		t.Errorf("home from a VPN is %v", got.Findings[3])
	}
}

func TestVersionsMoveForward(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	version := func(v int) float32 {
		ua := fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%d.0) Gecko/20100101 Firefox/%d.0", v, v)
		return assess(t, d, login(now, "81.2.69.10", oslo, "other", ua)).Findings[2].LogOdds
	}
	if newer, older := version(139), version(120); older <= newer {
		t.Errorf("an old browser has log-odds %v, a new one %v", older, newer)
	}
}

// TestPoisoning: who was denied or not verified a thousand times looks no better
// than before.
func TestPoisoning(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} {
		d := newDetector(t, anomaly.Config{})
		now := start
		if known {
			now = month(t, d)
		}
		attack := login(now, "177.1.1.1", saoPaulo, "other", safari)
		before := assess(t, d, attack)
		for i := range 1000 {
			attack.Time = now.Add(time.Duration(i) * time.Second)
			learn(t, d, attack, anomaly.Untrusted)
		}
		attack.Time = now
		after := assess(t, d, attack)
		if after.Score < before.Score {
			t.Errorf("known user %t: score fell from %v to %v", known, before.Score, after.Score)
		}
		if known && after.Held != 1000 {
			t.Errorf("%d logins in quarantine, want 1000", after.Held)
		}
	}
}

func TestQuarantineEndsWithProof(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	a := login(month(t, d), "177.1.1.1", saoPaulo, "other", safari)
	learn(t, d, a, anomaly.Untrusted)
	if got := assess(t, d, a); got.Held != 1 {
		t.Fatalf("held %d", got.Held)
	}
	suspicious := assess(t, d, a).Score
	learn(t, d, a, anomaly.Proved)
	if got := assess(t, d, a); got.Held != 0 || got.Score >= suspicious {
		t.Errorf("after proof: held %d, score %v, before %v", got.Held, got.Score, suspicious)
	}
}

func TestRareIsWorseAtFirstLogin(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	for i := range 500 {
		a := login(start, fmt.Sprintf("81.2.%d.1", i%200), oslo, fmt.Sprint(i), firefox)
		a.UserID = fmt.Sprint("user ", i)
		learn(t, d, a, anomaly.Proved)
	}
	usual := assess(t, d, login(start, "81.2.69.1", oslo, "x", firefox))
	rare := assess(t, d, login(start, "177.1.1.1", saoPaulo, "x", firefox))
	if !usual.FirstLogin || !rare.FirstLogin || usual.Score >= rare.Score || kinds(rare) != "" {
		t.Errorf("usual %v, rare %v", usual, rare)
	}
}

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
		"UserID  ":      with(func(a *anomaly.Attempt) { a.UserID = anomaly.PopulationKey }),
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
		if _, err := anomaly.New(anomaly.NewMemory(0), cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := anomaly.New(nil, anomaly.Config{}); err == nil {
		t.Error("no store was accepted")
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 50 {
				a := login(now, "81.2.69.10", oslo, "laptop", chrome(j%5, 100+j))
				a.UserID = fmt.Sprint("auth0|", i)
				if _, err := d.Assess(t.Context(), a); err != nil {
					t.Error(err)
				}
				if err := d.Learn(t.Context(), a, anomaly.Trust(j%2)); err != nil {
					t.Error(err)
				}
				if j%10 == 0 {
					if err := d.Merge(t.Context()); err != nil && !errors.Is(err, anomaly.ErrConflict) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestPopulationMerges: what one process learns is rare no longer in the other.
func TestPopulationMerges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := anomaly.NewMemory(0)
		open := func() *anomaly.Detector {
			d, err := anomaly.New(store, anomaly.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		one, two := open(), open()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, d := range []*anomaly.Detector{one, two} {
			wg.Go(func() {
				if err := d.Run(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("Run: %v", err)
				}
			})
		}
		now := time.Now()
		for i := range 300 {
			a := login(now, fmt.Sprintf("81.2.%d.1", i%200), oslo, "x", firefox)
			a.UserID = fmt.Sprint("user ", i)
			if i%3 == 0 {
				a = login(now, fmt.Sprintf("177.1.%d.1", i%200), saoPaulo, "x", firefox)
				a.UserID = fmt.Sprint("user ", i)
			}
			learn(t, one, a, anomaly.Proved)
		}
		first := login(now, "177.1.1.1", saoPaulo, "x", firefox)
		before := assess(t, two, first).Score
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		first.Time = time.Now()
		mine, theirs := assess(t, one, first).Score, assess(t, two, first).Score
		if theirs != mine {
			t.Errorf("scores differ after a merge: %v and %v (before: %v)", mine, theirs, before)
		}
		cancel()
		wg.Wait()
		restarted := open()
		if err := restarted.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := assess(t, restarted, first).Score; got != mine {
			t.Errorf("after a restart: %v, want %v", got, mine)
		}
	})
}

func TestAssessAllocatesNothing(t *testing.T) {
	d := newDetector(t, anomaly.Config{})
	a := login(month(t, d), "81.2.69.10", oslo, "laptop", firefox)
	n := testing.AllocsPerRun(1000, func() {
		if _, err := d.Assess(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 && !raceEnabled {
		t.Errorf("%v allocations per Assess", n)
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
