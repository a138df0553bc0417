package risk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// town is a service whose users log in each working day at nine, each in a network of
// their own.
type town struct {
	world
	r   *rand.Rand
	now time.Time
}

func newTown(t *testing.T, cfg risk.Config) *town {
	t.Helper()
	w := &town{r: rand.New(rand.NewPCG(1, 2)), now: start}
	cfg.Now = func() time.Time { return w.now }
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{Now: cfg.Now})
	require.NoError(t, err)
	w.world = world{detector: d, enforcer: &enforcer{}}
	w.Engine, err = risk.New(d, cfg)
	require.NoError(t, err)
	return w
}

// neighbor is one of the other users.
func (w *town) neighbor(i int) risk.Login {
	l := home(w.now.Add(time.Duration(i) * time.Second))
	l.UserID, l.Email, l.DeviceID = fmt.Sprint("auth0|neighbor", i), "", fmt.Sprint("neighbor", i)
	l.IP = netip.AddrFrom4([4]byte{82, byte(i), 1, 7})
	if i%2 == 0 {
		l.UserAgent = safari
	}
	return l
}

// login passes whatever is asked, and returns what was.
func (w *town) login(t *testing.T, l risk.Login) risk.Decision {
	t.Helper()
	d := w.evaluate(t, l)
	err := w.Apply(t.Context(), d)
	if errors.Is(err, risk.ErrChallenged) {
		err = w.Complete(t.Context(), l.UserID, d.ID, risk.StepUpPassed)
	}
	require.NoError(t, err, "%s", d.Explain())
	return d
}

func agentOf(version int) string {
	return fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36", version)
}

// What honest people do for weeks on end is asked about at first, and then seldom.
func TestWeeksOfHonestUse(t *testing.T) {
	t.Parallel()
	cities := []anomaly.Place{oslo, {Country: "NO", Lat: 60.39, Lon: 5.32, ASN: 2119}, {Country: "NO", Lat: 63.43, Lon: 10.39, ASN: 2119}, {Country: "NO", Lat: 69.65, Lon: 18.95, ASN: 2119}}
	for name, c := range map[string]struct {
		most float64 // challenged after the second week
		does func(w *town, day int, l *risk.Login)
	}{
		"an exit of the carrier each day": {.05, func(w *town, _ int, l *risk.Login) {
			place := cities[w.r.IntN(len(cities))]
			place.Zone, l.Place, l.IP = "Europe/Oslo", &place, netip.AddrFrom4([4]byte{77, 16, byte(w.r.IntN(60)), byte(w.r.IntN(250))})
		}},
		"a new release of the browser each week": {.05, func(_ *town, day int, l *risk.Login) { l.UserAgent = agentOf(120 + day/7) }},
		"the same, and no cookies": {.15, func(w *town, day int, l *risk.Login) {
			l.UserAgent, l.DeviceID = agentOf(120+day/7), fmt.Sprint("cookie", w.r.Uint64())
		}},
		"no cookies":   {.10, func(w *town, _ int, l *risk.Login) { l.DeviceID = fmt.Sprint("cookie", w.r.Uint64()) }},
		"no device id": {.10, func(w *town, _ int, l *risk.Login) { l.DeviceID = "" }},
		"privacy addresses": {.05, func(w *town, day int, l *risk.Login) {
			a := [16]byte{0x2a, 2, 0x21, 0x21, byte(day / 14), byte(w.r.IntN(16)), byte(w.r.IntN(256)), 0, byte(w.r.Uint32()), byte(w.r.Uint32()), 14: 1}
			l.IP = netip.AddrFrom16(a)
		}},
		"IPv4 and IPv6 by turns": {.05, func(w *town, day int, l *risk.Login) {
			if w.r.IntN(2) == 0 {
				l.IP = netip.MustParseAddr("2a02:2121:1::7")
			}
		}},
		"daylight saving, by longitude": {.05, func(_ *town, day int, l *risk.Login) {
			place := oslo
			place.Zone, l.Place = "", &place
			if day > 27 { // the last Sunday of March
				l.Time = l.Time.Add(-time.Hour)
			}
		}},
		"a night shift every other week": {.10, func(_ *town, day int, l *risk.Login) {
			if day/7%2 == 1 {
				l.Time = l.Time.Add(-10 * time.Hour)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, risk.Config{})
			asked, logins := 0, 0
			for day := range 84 {
				if w.now = start.AddDate(0, 0, day); w.now.Weekday()%6 == 0 {
					continue
				}
				for i := range 40 {
					w.login(t, w.neighbor(i))
				}
				w.now = w.now.Add(time.Hour)
				l := home(w.now)
				c.does(w, day, &l)
				d := w.login(t, l)
				if day >= 14 {
					logins++
					if d.Action != risk.Allow {
						asked++
						t.Logf("day %d: %s", day, d.Explain())
					}
				}
			}
			assert.LessOrEqual(t, float64(asked)/float64(logins), c.most, "%d of %d", asked, logins)
		})
	}
}

// A company of five hundred behind one address, who all log in at nine, and of whom
// some mistype: nobody is asked for it. Nor is anybody because a guest guesses from
// there.
func TestCompanyBehindOneAddress(t *testing.T) {
	t.Parallel()
	w := newTown(t, risk.Config{})
	const staff = 500
	asked := 0
	for day := range 19 {
		if w.now = start.AddDate(0, 0, day); w.now.Weekday()%6 == 0 {
			continue
		}
		last := day == 18
		for i := range staff {
			w.now = w.now.Add(time.Second)
			l := home(w.now)
			l.UserID, l.Email, l.DeviceID = fmt.Sprint("auth0|", i), "", fmt.Sprint("laptop", i)
			if w.r.IntN(12) == 0 {
				require.NoError(t, w.Failed(t.Context(), l))
			}
			if last { // a guest
				guess := l
				guess.UserID, guess.DeviceID, guess.UserAgent = fmt.Sprint("auth0|", w.r.IntN(staff)), "", safari
				require.NoError(t, w.Failed(t.Context(), guess))
			}
			d := w.login(t, l)
			if day >= 7 && d.Action != risk.Allow {
				asked++
				t.Log(d.Explain())
			}
		}
	}
	assert.Zero(t, asked)
}

// A family shares a tablet and an address; each mistypes now and then.
func TestFamilyTablet(t *testing.T) {
	t.Parallel()
	w := newTown(t, risk.Config{})
	asked := 0
	for day := range 60 {
		w.now = start.AddDate(0, 0, day)
		for i := range 40 {
			w.login(t, w.neighbor(i))
		}
		for member := range 5 {
			w.now = w.now.Add(time.Minute)
			l := home(w.now)
			l.UserID, l.Email, l.DeviceID, l.UserAgent = fmt.Sprint("auth0|", member), "", "tablet", agentOf(130)
			for range w.r.IntN(3) {
				require.NoError(t, w.Failed(t.Context(), l))
			}
			if d := w.login(t, l); day >= 14 && d.Action != risk.Allow {
				asked++
				t.Log(d.Explain())
			}
		}
	}
	assert.Zero(t, asked)
}
