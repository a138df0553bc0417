package riskhttp

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Cloudflare is a Config.Place for services behind Cloudflare: it reads CF-IPCountry,
// CF-IPLatitude, CF-IPLongitude and CF-Timezone, as its managed transforms add them.
// Tor ("T1") is an anonymizing network, and what it does not know is empty. Anybody
// can send these headers to a service that is reachable in another way; see From.
func Cloudflare(r *http.Request) *anomaly.Place {
	if strings.EqualFold(r.Header.Get("CF-IPCountry"), "T1") {
		return &anomaly.Place{Anonymous: true}
	}
	return place(r, "CF-IPCountry", "CF-IPLatitude", "CF-IPLongitude", "CF-Timezone", "")
}

// CloudFront is a Config.Place for services behind Amazon CloudFront, whose origin
// request policy must add CloudFront-Viewer-Country, -Latitude, -Longitude, -Time-Zone
// and -ASN. As with Cloudflare, see From.
func CloudFront(r *http.Request) *anomaly.Place {
	const viewer = "CloudFront-Viewer-"
	return place(r, viewer+"Country", viewer+"Latitude", viewer+"Longitude", viewer+"Time-Zone", viewer+"ASN")
}

func place(r *http.Request, country, lat, lon, zone, asn string) *anomaly.Place {
	p := &anomaly.Place{Country: r.Header.Get(country), Zone: r.Header.Get(zone)}
	y, err1 := strconv.ParseFloat(r.Header.Get(lat), 64)
	x, err2 := strconv.ParseFloat(r.Header.Get(lon), 64)
	if err1 == nil && err2 == nil {
		p.Lat, p.Lon = y, x
	}
	if n, err := strconv.ParseUint(r.Header.Get(asn), 10, 32); err == nil {
		p.ASN = uint32(n)
	}
	return p
}

// From returns a Config.Place that believes place only in requests that hop says came
// from an address in trusted, those of the CDN: hop is Direct, or Behind your own
// proxies. In other requests the Detector's resolver is asked. An error says that
// place or hop is nil, or trusted is empty or trusts everybody.
func From(place func(*http.Request) *anomaly.Place, hop func(*http.Request) netip.Addr, trusted ...netip.Prefix) (func(*http.Request) *anomaly.Place, error) {
	switch {
	case place == nil || hop == nil:
		return nil, errors.New("riskhttp: From: place and hop must not be nil")
	case len(trusted) == 0:
		return nil, errors.New("riskhttp: From: trusted is empty; give the addresses of the CDN")
	case slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return !p.IsValid() || p.Bits() == 0 }):
		return nil, errors.New("riskhttp: From: trusted has a prefix that is not valid, or trusts everybody")
	}
	trusted = slices.Clone(trusted)
	return func(r *http.Request) *anomaly.Place {
		ip := hop(r).Unmap().WithZone("")
		if !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return nil
		}
		return place(r)
	}, nil
}

// tolerate leaves out of a place what cannot be one. Where nothing is left the CDN
// does not know, or was told not to say.
func tolerate(p *anomaly.Place) *anomaly.Place {
	if p == nil {
		return nil
	}
	out := *p
	out.Country = strings.ToUpper(strings.TrimSpace(out.Country))
	letters := strings.Trim(out.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	if len(out.Country) != 2 || !letters || out.Country == "XX" {
		out.Country = ""
	}
	if !(out.Lat >= -90 && out.Lat <= 90 && out.Lon >= -180 && out.Lon <= 180) {
		out.Lat, out.Lon = 0, 0
	}
	if !(out.Radius >= 0 && out.Radius <= 20_040) {
		out.Radius = 0
	}
	if out == (anomaly.Place{}) {
		return nil
	}
	return &out
}

// hints are the values of Sec-CH-UA-Platform that Chromium sends: what its
// User-Agent then contains, and the comment that stands in it.
var hints = map[string]struct{ mark, comment string }{
	"Windows":   {"Windows", "Windows NT 10.0; Win64; x64"},
	"macOS":     {"Macintosh", "Macintosh; Intel Mac OS X 10_15_7"},
	"Linux":     {"Linux", "X11; Linux x86_64"},
	"Android":   {"Android", "Linux; Android 10; K"},
	"Chrome OS": {"CrOS", "X11; CrOS x86_64 14541.0.0"},
}

// userAgent is what the browser says that it is. Who copies another's User-Agent
// mostly leaves the client hints as they are, so where Sec-CH-UA-Platform contradicts
// it, the hint's system counts; and where Sec-CH-UA names a browser without a window,
// that does. Other hints, and those that are no Chromium's, say nothing.
func userAgent(r *http.Request) string {
	agent := r.UserAgent()
	if strings.Contains(r.Header.Get("Sec-CH-UA"), `"HeadlessChrome"`) && !strings.Contains(agent, "HeadlessChrome") {
		agent = strings.Replace(agent, " Chrome/", " HeadlessChrome/", 1)
	}
	h, known := hints[strings.Trim(r.Header.Get("Sec-CH-UA-Platform"), `" `)]
	if !known || strings.Contains(agent, h.mark) {
		return agent
	}
	before, after, found := strings.Cut(agent, "(")
	if _, rest, closed := strings.Cut(after, ")"); found && closed {
		return before + "(" + h.comment + ")" + rest
	}
	return agent
}
