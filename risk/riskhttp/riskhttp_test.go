package riskhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
)

var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")} // 32 random bytes, out of a secret store

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"

func newGate(t testing.TB, cfg risk.Config, http riskhttp.Config, keys ...[]byte) *riskhttp.Gate {
	t.Helper()
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	require.NoError(t, err)
	e, err := risk.New(d, cfg)
	require.NoError(t, err)
	g, err := riskhttp.New(e, keys, http)
	require.NoError(t, err)
	return g
}

// send asks f about a request with the cookies of jar, and keeps what it sets.
func send(jar map[string]*http.Cookie, f func(w http.ResponseWriter, r *http.Request)) {
	r := httptest.NewRequest("GET", "https://app.example.com/", nil)
	r.Header.Set("User-Agent", agent)
	for _, c := range jar {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	f(w, r)
	for _, c := range w.Result().Cookies() {
		if jar[c.Name] = c; c.MaxAge < 0 {
			delete(jar, c.Name)
		}
	}
}

func TestDeviceCookie(t *testing.T) {
	t.Parallel()
	second := []byte("another key of thirty-two bytes.")
	g := newGate(t, risk.Config{}, riskhttp.Config{ClientIP: riskhttp.Direct}, keys...)
	device := func(g *riskhttp.Gate, jar map[string]*http.Cookie, user string) (id string) {
		send(jar, func(w http.ResponseWriter, r *http.Request) { id = g.Attempt(w, r, user).DeviceID })
		return id
	}
	jar := map[string]*http.Cookie{}
	ada := device(g, jar, "auth0|ada")
	require.Len(t, jar, 1)
	for name, c := range jar {
		assert.True(t, strings.HasPrefix(name, "__Host-device-") && c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode && c.Path == "/")
		assert.NotContains(t, name, "ada")
	}
	assert.Equal(t, ada, device(g, jar, "auth0|ada"))
	assert.Equal(t, ada, device(newGate(t, risk.Config{}, riskhttp.Config{}, second, keys[0]), jar, "auth0|ada"), "a new key in front")
	assert.Equal(t, ada, device(newGate(t, risk.Config{}, riskhttp.Config{}, second), jar, "auth0|ada"), "which has signed it again")
	assert.NotEqual(t, ada, device(g, map[string]*http.Cookie{}, "auth0|ada"), "each browser has its own")

	// Ada's cookie under the name of Bob's, a made one, and a changed one are nobody's.
	bobs := map[string]*http.Cookie{}
	bob := device(g, bobs, "auth0|bob")
	for _, c := range bobs {
		for _, hers := range jar {
			for _, value := range []string{hers.Value, ada + ".", ada, "", bob + "." + strings.SplitN(hers.Value, ".", 2)[1], strings.Repeat("x", 4000)} {
				forged := map[string]*http.Cookie{c.Name: {Name: c.Name, Value: value}}
				got := device(g, forged, "auth0|bob")
				assert.True(t, got != ada && got != bob && len(got) == 26, value)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	g := newGate(t, risk.Config{OnFirst: risk.MFARequired}, riskhttp.Config{ClientIP: riskhttp.Direct}, keys...)
	check := func(jar map[string]*http.Cookie, mfa bool) (err error) {
		send(jar, func(w http.ResponseWriter, r *http.Request) {
			err = g.Check(w, r, riskhttp.Login{UserID: "auth0|ada", Email: "ada@example.com", MFA: mfa})
		})
		return err
	}
	jar := map[string]*http.Cookie{}
	require.ErrorIs(t, check(jar, false), risk.ErrChallenged)
	require.Len(t, jar, 2)
	require.NoError(t, check(jar, true))
	require.Len(t, jar, 1, "the challenge has ended")
	require.NoError(t, check(jar, false), "the device is known now")
	require.NoError(t, check(map[string]*http.Cookie{}, true), "a second factor without a challenge")
}

// Two tabs that were challenged are both answered, and none is counted as refused.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{Now: clock})
	require.NoError(t, err)
	e, err := risk.New(d, risk.Config{Now: clock})
	require.NoError(t, err)
	g, err := riskhttp.New(e, keys, riskhttp.Config{Now: clock}) // without an address each login is challenged
	require.NoError(t, err)
	jar := map[string]*http.Cookie{}
	check := func(mfa bool) (err error) {
		send(jar, func(w http.ResponseWriter, r *http.Request) {
			err = g.Check(w, r, riskhttp.Login{UserID: "auth0|ada", MFA: mfa})
		})
		return err
	}
	for range 20 {
		now = now.Add(10 * time.Minute)
		require.ErrorIs(t, check(false), risk.ErrChallenged)
		require.ErrorIs(t, check(false), risk.ErrChallenged, "another tab")
		require.NoError(t, check(true))
		require.NoError(t, check(true), "another tab")
	}
	history, err := e.History(t.Context(), "auth0|ada")
	require.NoError(t, err)
	assert.Len(t, history, 40)
}

// A browser that many use, such as that of a school, keeps the cookies of the last
// users, and sends no more of them than servers take.
func TestSharedBrowser(t *testing.T) {
	t.Parallel()
	g := newGate(t, risk.Config{}, riskhttp.Config{}, keys...)
	var jar []*http.Cookie // in the order in which they were made, as browsers send them
	visit := func(user string) (id string) {
		r := httptest.NewRequest("GET", "https://app.example.com/", nil)
		for _, c := range jar {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		id = g.Attempt(w, r, user).DeviceID
		for _, c := range w.Result().Cookies() {
			at := slices.IndexFunc(jar, func(old *http.Cookie) bool { return old.Name == c.Name })
			switch {
			case c.MaxAge < 0:
				jar = slices.Delete(jar, at, at+1)
			case at < 0:
				jar = append(jar, c)
			default:
				jar[at] = c
			}
		}
		return id
	}
	jar = append(jar, &http.Cookie{Name: "__Host-session", Value: "s"}, &http.Cookie{Name: "__Host-device-x", Value: "of somebody else"})
	ids := map[string]string{}
	for i := range 300 {
		user := fmt.Sprint("auth0|", i)
		ids[user] = visit(user)
	}
	size := 0
	for _, c := range jar {
		size += len(c.Name) + len(c.Value) + 3
	}
	assert.Less(t, size, 4<<10)
	assert.Equal(t, "__Host-session", jar[0].Name)
	assert.Equal(t, "__Host-device-x", jar[1].Name, "not ours")
	for i := 290; i < 300; i++ {
		user := fmt.Sprint("auth0|", i)
		assert.Equal(t, ids[user], visit(user))
	}
}

// Without ClientIP nobody is let in unseen, and no header counts.
func TestAddressesAreNotGuessed(t *testing.T) {
	t.Parallel()
	g := newGate(t, risk.Config{}, riskhttp.Config{}, keys...)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "81.2.69.10")
	require.ErrorIs(t, g.Check(httptest.NewRecorder(), r, riskhttp.Login{UserID: "auth0|ada"}), risk.ErrChallenged)
	assert.False(t, g.Attempt(httptest.NewRecorder(), r, "auth0|ada").IP.IsValid())
	ip, err := riskhttp.Behind("X-Forwarded-For", netip.MustParsePrefix("192.0.2.0/24"))
	require.NoError(t, err)
	r.Header.Set("X-Forwarded-For", "10.0.0.1, 81.2.69.10")
	a := newGate(t, risk.Config{}, riskhttp.Config{ClientIP: ip}, keys...).Attempt(httptest.NewRecorder(), r, "auth0|ada")
	assert.Equal(t, "81.2.69.10", a.IP.String())
}

func FuzzAttempt(f *testing.F) {
	for _, s := range []string{"NO", "no", "T1", "XX", "", "N\x00", "91", "NaN", "-1e400", "Europe/Oslo"} {
		f.Add(s, "59.9", "10.7", s)
	}
	f.Fuzz(func(t *testing.T, country, lat, lon, zone string) {
		g := newGate(t, risk.Config{}, riskhttp.Config{ClientIP: riskhttp.Direct, Place: riskhttp.Cloudflare}, keys...)
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{
			"Cf-Ipcountry": {country}, "Cf-Iplatitude": {lat}, "Cf-Iplongitude": {lon}, "Cf-Timezone": {zone}, "User-Agent": {zone}, "Cookie": {country},
		}
		err := g.Check(httptest.NewRecorder(), r, riskhttp.Login{UserID: "auth0|ada"})
		if err != nil {
			require.ErrorIs(t, err, risk.ErrChallenged, "a header must not stop a login by itself")
		}
	})
}

func ExampleGate_Check() {
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := risk.New(detector, risk.Config{OnFirst: risk.MFARequired})
	if err != nil {
		fmt.Println(err)
		return
	}
	gate, err := riskhttp.New(engine, keys, riskhttp.Config{ClientIP: riskhttp.Direct, Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/login", nil)
	fmt.Println(gate.Check(w, r, riskhttp.Login{UserID: "auth0|ada"}))
	// Output: risk: challenged
}
