package anomaly_test

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
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

// keys seal the profiles of all tests.
var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")}

func login(at time.Time, ip string, place anomaly.Place, device, agent string) anomaly.Attempt {
	return anomaly.Attempt{
		UserID: "auth0|ada", Time: at, IP: netip.MustParseAddr(ip), Place: &place, DeviceID: device, UserAgent: agent,
	}
}

func newDetector(t testing.TB, cfg anomaly.Config) *anomaly.Detector {
	t.Helper()
	d, err := anomaly.New(anomaly.NewMemory(0), keys, cfg)
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
		"13 hours before it":    odds(-13*time.Hour, saoPaulo),
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
