package anomaly

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	testKeys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
	osloThen = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	osloHere = Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"}
	brazil   = Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573, Zone: "America/Sao_Paulo"}
)

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"

func attemptAt(at time.Time, ip string, p Place) Attempt {
	return Attempt{UserID: "auth0|ada", Time: at, IP: netip.MustParseAddr(ip), Place: &p, DeviceID: "laptop", UserAgent: chrome}
}

func detectorAt(t *testing.T, now *time.Time) *Detector {
	t.Helper()
	d, err := New(NewMemory(0), testKeys, Config{Now: func() time.Time { return *now }})
	require.NoError(t, err)
	return d
}

func location64(t *testing.T, d *Detector, a Attempt) float64 {
	t.Helper()
	got, err := d.Assess(t.Context(), a)
	require.NoError(t, err)
	return float64(got.Findings[UnusualLocation-1].LogOdds)
}

// On the day on which a service gets files for places or ASNs, a user in their own
// network is no stranger: a level that the history does not have says nothing. From
// then on another country counts.
func TestHistoryWithoutALevel(t *testing.T) {
	t.Parallel()
	noASN := osloHere
	noASN.ASN = 0
	for name, before := range map[string]Place{"no country": {}, "no ASN": noASN} {
		now := osloThen.AddDate(0, 0, 60)
		d := detectorAt(t, &now)
		for day := range 30 {
			for user := range 10 {
				a := attemptAt(osloThen.AddDate(0, 0, day), fmt.Sprintf("81.2.%d.10", 69+user), before)
				a.UserID = fmt.Sprint("auth0|", user)
				require.NoError(t, d.Learn(t.Context(), a, Allowed))
			}
		}
		for day := 30; day < 40; day++ {
			at := osloThen.AddDate(0, 0, day)
			usual, known := attemptAt(at, "81.2.69.10", before), attemptAt(at, "81.2.69.10", osloHere)
			usual.UserID, known.UserID = "auth0|0", "auth0|0"
			assert.LessOrEqual(t, location64(t, d, known), location64(t, d, usual)+.3, "%s: day %d", name, day)
			require.NoError(t, d.Learn(t.Context(), known, Allowed))
		}
		far := attemptAt(osloThen.AddDate(0, 0, 41), "177.1.1.1", brazil)
		far.UserID = "auth0|0"
		assert.Greater(t, location64(t, d, far), 2.0, name)
	}
}

// Whoever logs in many times a day is not compared with logins that their lists have
// forgotten: what they always have stays usual.
func TestWhoLogsInManyTimesADay(t *testing.T) {
	t.Parallel()
	now := osloThen.AddDate(0, 0, 121)
	d := detectorAt(t, &now)
	for user := range 20 {
		for day := range 120 {
			a := attemptAt(osloThen.AddDate(0, 0, day), fmt.Sprintf("81.2.%d.10", 69+user), osloHere)
			if user > 5 {
				*a.Place, a.UserAgent = brazil, "Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Gecko/20100101 Firefox/138.0"
			}
			a.UserID = fmt.Sprint("auth0|", user)
			for range 40 {
				require.NoError(t, d.Learn(t.Context(), a, Allowed))
				a.Time = a.Time.Add(10 * time.Minute)
				if user > 0 {
					break
				}
			}
		}
	}
	a := attemptAt(osloThen.AddDate(0, 0, 120), "81.2.69.10", osloHere)
	a.UserID = "auth0|0"
	e, _, err := d.Evidence(t.Context(), a)
	require.NoError(t, err)
	for _, number := range []string{"country_new", "asn_new", "prefix_new", "system_new", "browser_new", "time_new"} {
		assert.InDelta(t, 0, e[slices.Index(evidenceNames[:], number)], .1, number)
	}
}

// Through a NAT64 all of IPv4 comes from one /96: the address inside is the client's.
func TestAddressesThroughNAT64(t *testing.T) {
	t.Parallel()
	for ip, same := range map[string]string{
		"64:ff9b::81.2.69.10": "81.2.69.200", "::ffff:81.2.69.10": "81.2.69.200", "64:ff9b::10.0.0.1": "", "64:ff9b:1::81.2.69.10": "",
	} {
		want := uint32(0)
		if same != "" {
			want = prefixKey(netip.MustParseAddr(same))
		}
		assert.Equal(t, want, prefixKey(netip.MustParseAddr(ip)), ip)
	}
}

// Cloudflare says of Tor nothing but that.
func TestAnonymousWithoutACountry(t *testing.T) {
	t.Parallel()
	now := osloThen.AddDate(0, 0, 60)
	d := detectorAt(t, &now)
	tor := attemptAt(osloThen.AddDate(0, 0, 30), "177.1.1.1", Place{Anonymous: true})
	anonymous := func() float64 {
		e, _, err := d.Evidence(t.Context(), tor)
		require.NoError(t, err)
		return e[evAnonymous]
	}
	assert.InDelta(t, 1, anonymous(), 0, "first login")
	for day := range 30 {
		require.NoError(t, d.Learn(t.Context(), attemptAt(osloThen.AddDate(0, 0, day), "81.2.69.10", osloHere), Proved))
	}
	assert.InDelta(t, 1, anonymous(), 0)
	require.NoError(t, d.Learn(t.Context(), tor, Proved))
	assert.Zero(t, anonymous(), "the user has used it")
}

// A time zone has one name: whoever can send others must not fill the cache.
func TestZonesHaveOneName(t *testing.T) {
	t.Parallel()
	require.NotNil(t, location("America/Argentina/Buenos_Aires"))
	for _, name := range []string{"./Europe/Oslo", "Europe//Oslo", "Europe/./Oslo", "Local", "posix/../Europe/Oslo", "Europe/Oslo/"} {
		assert.Nil(t, location(name), name)
		_, kept := zones.Load(name)
		assert.False(t, kept, name)
	}
}

// A clock that was ahead leaves stamps in the future. Until it has caught up nobody
// knows how long the last login is ago, so it may have been just now.
func TestTravelAfterTheClockStepsBack(t *testing.T) {
	t.Parallel()
	now := osloThen.AddDate(0, 0, 33)
	d := detectorAt(t, &now)
	for day := range 34 { // the last three days did not happen yet
		require.NoError(t, d.Learn(t.Context(), attemptAt(osloThen.AddDate(0, 0, day), "81.2.69.10", osloHere), Proved))
	}
	now = osloThen.AddDate(0, 0, 30)
	got, err := d.Assess(t.Context(), attemptAt(now, "177.1.1.1", brazil))
	require.NoError(t, err)
	assert.True(t, got.Unreachable, "%v", got.Findings)
	got, err = d.Assess(t.Context(), attemptAt(now, "81.2.69.10", osloHere))
	require.NoError(t, err)
	assert.Zero(t, got.Findings[ImpossibleTravel-1], "at home")

	// A user who was there is asked once: what was learned after the step is the last place.
	require.NoError(t, d.Learn(t.Context(), attemptAt(now, "177.1.1.1", brazil), Proved))
	now = now.Add(6 * time.Hour)
	got, err = d.Assess(t.Context(), attemptAt(now, "177.1.1.1", brazil))
	require.NoError(t, err)
	assert.Zero(t, got.Findings[ImpossibleTravel-1], "where they are now")
	got, err = d.Assess(t.Context(), attemptAt(now, "81.2.69.10", osloHere))
	require.NoError(t, err)
	assert.Positive(t, got.Findings[ImpossibleTravel-1].LogOdds, "Norway in six hours")
}

// An account that logged in while a clock was years ahead has its voice back on the next
// day.
func TestVoiceAfterTheClockStepsBack(t *testing.T) {
	t.Parallel()
	now := osloThen.AddDate(10, 0, 0)
	d := detectorAt(t, &now)
	for range 2 * maxVoices {
		require.NoError(t, d.Learn(t.Context(), attemptAt(now, "81.2.69.10", osloHere), Proved))
	}
	now = osloThen
	heard := func() float64 { return d.population.sketch().total(totalHours) }
	require.InDelta(t, maxVoices, heard(), 0)
	for range 2 {
		require.NoError(t, d.Learn(t.Context(), attemptAt(now, "81.2.69.10", osloHere), Proved))
		now = now.AddDate(0, 0, 1)
	}
	assert.InDelta(t, maxVoices+1, heard(), 0)
}

// Logins that are judged in another order than they were made are as far apart.
func TestTravelBackwards(t *testing.T) {
	t.Parallel()
	now := osloThen.AddDate(0, 0, 60)
	d := detectorAt(t, &now)
	at := osloThen.AddDate(0, 0, 30)
	for day := range 31 {
		require.NoError(t, d.Learn(t.Context(), attemptAt(osloThen.AddDate(0, 0, day), "81.2.69.10", osloHere), Proved))
	}
	got, err := d.Assess(t.Context(), attemptAt(at.Add(-30*time.Minute), "177.1.1.1", brazil))
	require.NoError(t, err)
	assert.True(t, got.Unreachable)
	got, err = d.Assess(t.Context(), attemptAt(at.Add(-20*time.Hour), "177.1.1.1", brazil))
	require.NoError(t, err)
	assert.False(t, got.Unreachable)
}
