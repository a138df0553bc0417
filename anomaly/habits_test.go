package anomaly_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
)

// A cookie that turns up in another browser was copied.
func TestCookieInAnotherBrowserIsANewDevice(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	own := assess(t, d, login(now, "81.2.69.10", oslo, "laptop", firefox))
	stolen := assess(t, d, login(now, "81.2.69.10", oslo, "laptop", safari))
	assert.Empty(t, kinds(own))
	assert.Contains(t, kinds(stolen), "new_device")
	abroad := assess(t, d, login(now, "177.1.1.1", saoPaulo, "laptop", safari))
	other := assess(t, d, login(now, "177.1.1.1", saoPaulo, "theirs", safari))
	assert.InDelta(t, other.Score, abroad.Score, 1e-9, "the cookie helps nothing")
}

// Copying a cookie that is known well must not help more than one that is known.
func TestKnownDeviceIsCapped(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	least := 0.0
	for i := range 60 {
		a := login(start.Add(time.Duration(i)*24*time.Hour), "81.2.69.10", oslo, "laptop", firefox)
		least = min(least, named(t, d, a)("device_own"))
		learn(t, d, a, anomaly.Proved)
	}
	assert.Greater(t, least, -2.5)
	assert.Less(t, least, -2.0)
}

func TestMissingAddressOfAUserWhoHadOne(t *testing.T) {
	t.Parallel()
	for _, address := range []netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("169.254.1.1")} {
		d := newDetector(t, anomaly.Config{})
		now := month(t, d)
		blind := login(now, "81.2.69.10", anomaly.Place{}, "laptop", firefox)
		blind.IP = address
		assert.Greater(t, named(t, d, blind)("address_missing"), 2.0, address)
		known := assess(t, d, login(now, "81.2.69.10", oslo, "laptop", firefox)).Score
		assert.Greater(t, assess(t, d, blind).Score, known, address)
	}
	never := newDetector(t, anomaly.Config{})
	a := login(start, "10.0.0.1", anomaly.Place{}, "laptop", firefox)
	learn(t, never, a, anomaly.Proved)
	assert.Zero(t, named(t, never, a)("address_missing"), "a service that sees no addresses")
}

// TestHabitOfShowingAnID: the attacker does not choose which weights apply.
func TestHabitOfShowingAnID(t *testing.T) {
	t.Parallel()
	shows, never := newDetector(t, anomaly.Config{}), newDetector(t, anomaly.Config{})
	now := month(t, shows)
	for i := range 100 { // others, who do
		a := login(start, "81.2.69.10", oslo, fmt.Sprint("device", i), firefox)
		a.UserID = fmt.Sprint("user", i)
		learn(t, never, a, anomaly.Allowed)
	}
	for i := range 30 {
		learn(t, never, login(start.Add(time.Duration(i)*24*time.Hour), "81.2.69.10", oslo, "", firefox), anomaly.Proved)
	}
	without, with := login(now, "81.2.69.10", oslo, "", firefox), login(now, "81.2.69.10", oslo, "theirs", firefox)

	assert.Greater(t, named(t, shows, without)("id_missing"), 2.0)
	assert.Greater(t, named(t, never, with)("id_shown"), 2.0)
	assert.Less(t, named(t, never, without)("id_missing"), 0.1)
	assert.Less(t, idShownFirst(t), 0.1, "a service begins to give ids")
	assert.Equal(t, anomaly.WithDevice, assess(t, shows, without).Class)
	assert.Equal(t, anomaly.LosesDevice, assess(t, never, with).Class)
	assert.Greater(t, assess(t, shows, without).Score, assess(t, shows, login(now, "81.2.69.10", oslo, "laptop", firefox)).Score)
	assert.Greater(t, assess(t, never, with).Score, assess(t, never, without).Score)
}

// idShownFirst is of a first id in a service that gave none until now.
func idShownFirst(t *testing.T) float64 {
	t.Helper()
	d := newDetector(t, anomaly.Config{})
	for i := range 30 {
		learn(t, d, login(start.Add(time.Duration(i)*24*time.Hour), "81.2.69.10", oslo, "", firefox), anomaly.Proved)
	}
	return named(t, d, login(start.AddDate(0, 1, 0), "81.2.69.10", oslo, "first", firefox))("id_shown")
}

// Browsers that keep no cookies show a new id each time, and say nothing with it.
func TestIDsThatNeverComeBack(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	at := func(day int) time.Time { return start.Add(time.Duration(day) * 24 * time.Hour) }
	for i := range 20 {
		learn(t, d, login(at(i), "81.2.69.10", oslo, fmt.Sprint("private", i), firefox), anomaly.Allowed)
	}
	a := login(at(20), "81.2.69.10", oslo, "another", firefox)
	assert.Equal(t, anomaly.LosesDevice, assess(t, d, a).Class)
	assert.Less(t, assess(t, d, a).Score, 0.1)
}

// TestAllowedDoesNotTeachTheDevice: who shares the user's network and is let in
// once is not the user from then on.
func TestAllowedDoesNotTeachTheDevice(t *testing.T) {
	t.Parallel()
	for trust, known := range map[anomaly.Trust]bool{anomaly.Untrusted: false, anomaly.Allowed: false, anomaly.Proved: true} {
		d := newDetector(t, anomaly.Config{})
		now := month(t, d)
		learn(t, d, login(now, "81.2.69.10", oslo, "theirs", safari), trust)
		next := assess(t, d, login(now.Add(24*time.Hour), "177.1.1.1", saoPaulo, "theirs", safari))
		if known {
			assert.NotContains(t, kinds(next), "new_device", trust)
		} else {
			assert.Contains(t, kinds(next), "new_device", trust)
		}
	}
	// Who was let in once in the user's network is not the user at the other end of the
	// provider's; there the user's own provider may give them any network.
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	learn(t, d, login(now, "81.2.69.10", oslo, "theirs", safari), anomaly.Allowed)
	tromso := oslo
	tromso.Lat, tromso.Lon = 69.65, 18.95
	unknown := anomaly.Place{Country: "NO", ASN: 2119}
	for name, c := range map[string]struct {
		ip    string
		place anomaly.Place
		known bool
	}{
		"same /24": {"81.2.69.99", oslo, true}, "another /24 there": {"81.3.1.1", oslo, true}, "far away": {"81.3.1.1", tromso, false},
		"country and provider alone": {"81.3.1.1", unknown, true},
	} {
		found := kinds(assess(t, d, login(now.Add(24*time.Hour), c.ip, c.place, "theirs", safari)))
		assert.Equal(t, c.known, !strings.Contains(found, "new_device"), "%s: %s", name, found)
	}

	d = newDetector(t, anomaly.Config{})
	now = month(t, d)
	for _, hours := range []time.Duration{0, 1, 30} {
		learn(t, d, login(now.Add(hours*time.Hour), "81.2.69.10", oslo, "phone", safari), anomaly.Allowed)
	}
	abroad := login(now.Add(60*time.Hour), "177.1.1.1", saoPaulo, "phone", safari)
	assert.NotContains(t, kinds(assess(t, d, abroad)), "new_device", "it came back on a later day")
}

// TestOneIDForAll: a constant that a fault puts into every cookie names no device.
// Who makes an id anybody's, with accounts of their own, does not get rid of the
// evidence that it is not the user's.
func TestIDThatAnAttackerMadeAnybodys(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	for i := range 600 {
		a := login(start, "81.2.69.10", oslo, fmt.Sprint("device", i), firefox)
		a.UserID = fmt.Sprint("user", i)
		learn(t, d, a, anomaly.Allowed)
	}
	for i := range 40 {
		a := login(start, "177.1.1.1", saoPaulo, "mine", safari)
		a.UserID = fmt.Sprint("mallory", i)
		learn(t, d, a, anomaly.Allowed)
	}
	for _, agent := range []string{firefox, safari} {
		mine, none := assess(t, d, login(now, "81.2.69.10", oslo, "mine", agent)), assess(t, d, login(now, "81.2.69.10", oslo, "", agent))
		assert.Equal(t, anomaly.WithDevice, mine.Class)
		assert.InDelta(t, none.Score, mine.Score, 1e-9, "as if no id were shown")
		assert.Greater(t, mine.Score, .9)
	}
}

func TestOneIDForAll(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	for i := range 300 {
		a := login(start.Add(time.Duration(i)*time.Minute), "81.2.69.10", oslo, "undefined", firefox)
		a.UserID = fmt.Sprint("user", i%100)
		learn(t, d, a, anomaly.Proved)
	}
	attack := login(start.Add(24*time.Hour), "177.1.1.1", saoPaulo, "undefined", safari)
	attack.UserID = "user70"
	e := named(t, d, attack)
	assert.Zero(t, e("device_own"))
	assert.Zero(t, e("id_missing"))
	assert.Equal(t, anomaly.WithoutDevice, assess(t, d, attack).Class)
}

// Where many come from, it may be any of them.
func TestSharersOfAPrefix(t *testing.T) {
	t.Parallel()
	shared := func(users int) float64 {
		d := newDetector(t, anomaly.Config{})
		for i := range users {
			a := login(start, "81.2.69.10", oslo, fmt.Sprint("device", i), firefox)
			a.UserID = fmt.Sprint("user", i)
			for range 5 {
				learn(t, d, a, anomaly.Allowed)
			}
		}
		a := login(start.Add(time.Hour), "81.2.69.99", oslo, "theirs", safari)
		a.UserID = "user0"
		return named(t, d, a)("prefix_shared")
	}
	assert.Zero(t, shared(1))
	assert.InDelta(t, 3.9, shared(50), 0.2, "ln 50: users count, not logins")
}

// TestHighestVersionFades: one forged or early version must not make all later
// ones old for ever.
func TestHighestVersionFades(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	agent := func(major int) string {
		return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%d.0) Gecko/20100101 Firefox/%d.0", major, major)
	}
	learn(t, d, login(now, "81.2.69.10", oslo, "laptop", agent(900)), anomaly.Proved)
	older := func() float64 { return named(t, d, login(now, "81.2.69.10", oslo, "laptop", agent(140)))("older") }
	require.Equal(t, 3.0, older())
	for i := range 10 {
		learn(t, d, login(now.Add(time.Duration(i)*time.Hour), "81.2.69.10", oslo, "laptop", firefox), anomaly.Proved)
	}
	assert.Zero(t, older())
}

// TestOneAccountsVoice: a script that logs in all day does not make its network
// and agent usual for everybody.
func TestOneAccountsVoice(t *testing.T) {
	t.Parallel()
	rarity := func(logins int, ahead time.Duration) float64 {
		d := newDetector(t, anomaly.Config{})
		for i := range 200 {
			a := login(start, "81.2.69.10", oslo, fmt.Sprint("device", i), firefox)
			a.UserID = fmt.Sprint("user", i)
			learn(t, d, a, anomaly.Allowed)
		}
		for i := range logins {
			if i > 0 {
				ahead = 0
			}
			a := login(start.Add(ahead+time.Duration(i)*time.Second), "177.1.1.1", saoPaulo, "robot", safari)
			a.UserID = "robot"
			learn(t, d, a, anomaly.Allowed)
		}
		return named(t, d, login(start.Add(time.Hour), "177.1.1.2", saoPaulo, "x", safari))("country_rare")
	}
	assert.Greater(t, rarity(0, 0), 2.0)
	assert.InDelta(t, rarity(4, 0), rarity(1_000, 0), 1e-9)
	assert.InDelta(t, rarity(4, 0), rarity(1_000, 24*time.Hour), 1e-9, "the clock stepped back after the first login")
}
