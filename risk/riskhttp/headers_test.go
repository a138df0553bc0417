package riskhttp_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
)

func request(header http.Header) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = header
	return r
}

func TestCloudflare(t *testing.T) {
	t.Parallel()
	g := newGate(t, risk.Config{}, riskhttp.Config{Place: riskhttp.Cloudflare}, keys...)
	for country, want := range map[string]anomaly.Place{
		"NO": {Country: "NO", Lat: 59.9, Lon: 10.7}, "no": {Country: "NO", Lat: 59.9, Lon: 10.7}, "XX": {Lat: 59.9, Lon: 10.7}, "T1": {Anonymous: true}, "t1": {Anonymous: true},
	} {
		r := request(http.Header{"Cf-Ipcountry": {country}, "Cf-Iplatitude": {"59.9"}, "Cf-Iplongitude": {"10.7"}})
		assert.Equal(t, want, *g.Attempt(httptest.NewRecorder(), r, "auth0|ada").Place, country)
	}
}

// A CDN that says nothing of an address leaves it to the resolver: its header can be
// switched off.
func TestHeadersThatAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, read := range []func(*http.Request) *anomaly.Place{riskhttp.Cloudflare, riskhttp.CloudFront} {
		g := newGate(t, risk.Config{}, riskhttp.Config{Place: read}, keys...)
		for _, country := range []string{"", "XX", "nowhere"} {
			r := request(http.Header{"Cf-Ipcountry": {country}, "Cloudfront-Viewer-Country": {country}})
			assert.Nil(t, g.Attempt(httptest.NewRecorder(), r, "auth0|ada").Place, country)
		}
		assert.Nil(t, g.Attempt(httptest.NewRecorder(), request(nil), "auth0|ada").Place)
	}
}

func TestCloudFront(t *testing.T) {
	t.Parallel()
	g := newGate(t, risk.Config{}, riskhttp.Config{Place: riskhttp.CloudFront}, keys...)
	for asn, want := range map[string]uint32{"2119": 2119, "": 0, "-1": 0, "4294967296": 0, "AS2119": 0} {
		r := request(http.Header{
			"Cloudfront-Viewer-Country": {"NO"}, "Cloudfront-Viewer-Latitude": {"59.9"}, "Cloudfront-Viewer-Longitude": {"10.7"},
			"Cloudfront-Viewer-Time-Zone": {"Europe/Oslo"}, "Cloudfront-Viewer-Asn": {asn},
		})
		assert.Equal(t, anomaly.Place{Country: "NO", Lat: 59.9, Lon: 10.7, Zone: "Europe/Oslo", ASN: want}, *g.Attempt(httptest.NewRecorder(), r, "auth0|ada").Place, asn)
	}
}

// What a client sends past the CDN is not believed: neither a place nor an address.
func TestHeadersOfACDNComeFromIt(t *testing.T) {
	t.Parallel()
	cdn := netip.MustParsePrefix("192.0.2.0/24") // where httptest's requests come from
	other := netip.MustParsePrefix("203.0.113.0/24")
	for _, c := range []struct {
		trusted netip.Prefix
		known   bool
	}{{cdn, true}, {other, false}} {
		place, err := riskhttp.From(riskhttp.Cloudflare, riskhttp.Direct, c.trusted)
		require.NoError(t, err)
		ip, err := riskhttp.Behind("CF-Connecting-IP", c.trusted)
		require.NoError(t, err)
		g := newGate(t, risk.Config{}, riskhttp.Config{Place: place, ClientIP: ip}, keys...)
		r := request(http.Header{"Cf-Ipcountry": {"NO"}, "Cf-Connecting-Ip": {"81.2.69.10"}})
		a := g.Attempt(httptest.NewRecorder(), r, "auth0|ada")
		assert.Equal(t, c.known, a.Place != nil)
		assert.Equal(t, c.known, a.IP == netip.MustParseAddr("81.2.69.10"), a.IP)
	}
	// Behind a balancer of one's own the hop before it is asked.
	hop, err := riskhttp.Behind("X-Forwarded-For", cdn)
	require.NoError(t, err)
	place, err := riskhttp.From(riskhttp.Cloudflare, hop, other)
	require.NoError(t, err)
	assert.NotNil(t, place(request(http.Header{"X-Forwarded-For": {"81.2.69.10, 203.0.113.7"}, "Cf-Ipcountry": {"NO"}})))
	assert.Nil(t, place(request(http.Header{"X-Forwarded-For": {"203.0.113.7, 81.2.69.10"}, "Cf-Ipcountry": {"NO"}})))

	assert.Error(t, second(riskhttp.From(nil, riskhttp.Direct, cdn)))
	assert.Error(t, second(riskhttp.From(riskhttp.Cloudflare, nil, cdn)))
	assert.ErrorContains(t, second(riskhttp.From(riskhttp.Cloudflare, riskhttp.Direct)), "trusted")
	assert.ErrorContains(t, second(riskhttp.From(riskhttp.Cloudflare, riskhttp.Direct, netip.MustParsePrefix("0.0.0.0/0"))), "trusted")
}

// A User-Agent that was copied is found out by the hints that were left as they are.
func TestClientHints(t *testing.T) {
	t.Parallel()
	const (
		windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
		linux   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
	)
	g := newGate(t, risk.Config{}, riskhttp.Config{}, keys...)
	for _, c := range []struct{ agent, platform, brands, want string }{
		{windows, `"Windows"`, `"Chromium";v="139", "Google Chrome";v="139"`, windows},
		{windows, `"Linux"`, "", linux},
		{windows, `"macOS"`, "", strings.Replace(windows, "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", 1)},
		{windows, "", "", windows}, {windows, "Linux", "", linux}, {windows, `"` + strings.Repeat("x", 1<<16), `"`, windows},
		{windows, `"Unknown"`, "", windows}, {"", `"Linux"`, "", ""}, {"curl/8.5.0", `"Linux"`, "", "curl/8.5.0"}, {"x)(", `"Linux"`, "", "x)("},
		{linux, `"Linux"`, `"HeadlessChrome";v="139"`, strings.Replace(linux, "Chrome/", "HeadlessChrome/", 1)},
		{agent, "", "", agent},
	} {
		r := request(http.Header{"User-Agent": {c.agent}, "Sec-Ch-Ua-Platform": {c.platform}, "Sec-Ch-Ua": {c.brands}})
		assert.Equal(t, c.want, g.Attempt(httptest.NewRecorder(), r, "auth0|ada").UserAgent, "%q %q", c.platform, c.brands)
	}
}
