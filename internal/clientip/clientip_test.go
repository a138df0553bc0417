package clientip_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/clientip"
)

var trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:a::/48")}

func request(remote, header string, lines ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = remote
	r.Header["X-Real-Ip"] = []string{"6.6.6.6"} // Never read but by its name.
	r.Header["X-Forwarded-For"] = []string{"6.6.6.7"}
	r.Header["Forwarded"] = []string{"for=6.6.6.8"}
	delete(r.Header, header)
	if lines != nil {
		r.Header[header] = lines
	}
	return r
}

func TestBehind(t *testing.T) {
	t.Parallel()
	const proxy = "10.0.0.1:80"
	for _, c := range []struct {
		header, remote string
		lines          []string
		want           string // empty: not known
	}{
		{"X-Forwarded-For", proxy, []string{"192.0.2.1"}, "192.0.2.1"},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6", "192.0.2.1,10.0.0.2", "10.0.0.3"}, "192.0.2.1"},
		{"X-Forwarded-For", proxy, []string{"10.0.0.5, 10.0.0.2"}, "10.0.0.5"},
		{"X-Forwarded-For", proxy, []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"X-Forwarded-For", proxy, []string{"2001:db8::1,2001:db8:a::2"}, "2001:db8::1"},
		{"X-Forwarded-For", proxy, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"X-Forwarded-For", proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"X-Forwarded-For", proxy, []string{"::ffff:192.0.2.1, ::ffff:10.0.0.2"}, "192.0.2.1"},
		{"X-Forwarded-For", proxy, []string{"fe80::1%eth0"}, "fe80::1"},
		{"X-Forwarded-For", "[::ffff:10.0.0.1]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"X-Forwarded-For", "[2001:db8:a::1%eth0]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"X-Forwarded-For", "192.0.2.9:80", []string{"6.6.6.6"}, "192.0.2.9"},
		{"X-Forwarded-For", "192.0.2.9", []string{"6.6.6.6"}, "192.0.2.9"},
		{"X-Forwarded-For", "@", []string{"6.6.6.6"}, ""},
		{"X-Forwarded-For", proxy, nil, ""},
		{"X-Forwarded-For", proxy, []string{""}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, "}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, unknown, 10.0.0.2"}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, 0.0.0.0"}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, ::%0"}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, ::ffff:0.0.0.0"}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, 192.0.2.1:http"}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, [192.0.2.1]"}, ""},
		{"X-Forwarded-For", proxy, []string{"6.6.6.6, [::1]x"}, ""},
		{"X-Forwarded-For", proxy, []string{`6.6.6.6, "192.0.2.1"`}, ""},
		{"X-Forwarded-For", proxy, []string{`6.6.6.6", 192.0.2.1, 10.0.0.2`}, "192.0.2.1"},

		{"Forwarded", proxy, []string{"for=192.0.2.1"}, "192.0.2.1"},
		{"Forwarded", proxy, []string{`for=6.6.6.6, For="192.0.2.1:4711";proto=https;by=203.0.113.43, for=10.0.0.2`}, "192.0.2.1"},
		{"Forwarded", proxy, []string{`proto=https; for="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"Forwarded", proxy, []string{`for=6.6.6.6`, `host="a, b;c\"";for="192.0.2.1:_port"`, `for="[2001:db8:a::2]"`}, "192.0.2.1"},
		{"Forwarded", proxy, []string{`for="6.6.6.6, for=192.0.2.1, for=10.0.0.2`}, "192.0.2.1"},
		{"Forwarded", proxy, []string{`for="\1\9\2.0.2.1"`}, "192.0.2.1"},
		{"Forwarded", proxy, []string{"for=6.6.6.6, for=unknown"}, ""},
		{"Forwarded", proxy, []string{`for=6.6.6.6, for="_gazonk"`}, ""},
		{"Forwarded", proxy, []string{"for=6.6.6.6, for=_hidden, for=10.0.0.2"}, ""},
		{"Forwarded", proxy, []string{"for=6.6.6.6, proto=https"}, ""},
		{"Forwarded", proxy, []string{"for=6.6.6.6;for=192.0.2.1"}, ""},
		{"Forwarded", proxy, []string{"6.6.6.6"}, ""},
		{"Forwarded", proxy, []string{`for="`}, ""},
		{"Forwarded", "192.0.2.9:80", []string{"for=6.6.6.6"}, "192.0.2.9"},

		{"Cf-Connecting-Ip", proxy, []string{" 192.0.2.1 "}, "192.0.2.1"},
		{"Cf-Connecting-Ip", proxy, []string{"10.0.0.9"}, "10.0.0.9"},
		{"Cf-Connecting-Ip", proxy, []string{"6.6.6.6", "192.0.2.1"}, ""},
		{"Cf-Connecting-Ip", proxy, []string{"6.6.6.6, 192.0.2.1"}, ""},
		{"Cf-Connecting-Ip", proxy, nil, ""},
		{"Cf-Connecting-Ip", "192.0.2.9:80", []string{"6.6.6.6"}, "192.0.2.9"},
	} {
		read, err := clientip.Behind(strings.ToLower(c.header), trusted...)
		require.NoError(t, err)
		want, _ := netip.ParseAddr(c.want)
		assert.Equal(t, want, read(request(c.remote, c.header, c.lines...)), "%s %q from %s", c.header, c.lines, c.remote)
	}
}

func TestBehindRefuses(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "X Forwarded", "X-Forwarded-For:", "é", "a\nb"} {
		_, err := clientip.Behind(header, trusted...)
		assert.ErrorContains(t, err, "header is not", header)
	}
	_, err := clientip.Behind("Forwarded")
	assert.ErrorContains(t, err, "trusted is empty")
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("::ffff:0.0.0.0/96")} {
		_, err := clientip.Behind("Forwarded", p)
		assert.ErrorContains(t, err, "not a network of proxies", p)
	}
	read, err := clientip.Behind("Forwarded", netip.MustParsePrefix("::ffff:10.0.0.0/104"))
	require.NoError(t, err)
	assert.Equal(t, netip.MustParseAddr("192.0.2.1"), read(request("10.0.0.1:80", "Forwarded", "for=192.0.2.1")), "a mapped prefix")
}

func TestDirect(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "@": "", "": "",
	} {
		addr, _ := netip.ParseAddr(want)
		assert.Equal(t, addr, clientip.Direct(request(remote, "Forwarded", "for=6.6.6.6")), remote)
	}
}

// Whatever a client sends first, what the proxy appends is the answer.
func FuzzBehind(f *testing.F) {
	for _, s := range []string{"6.6.6.6", `for="`, `for=6.6.6.6;by="\"`, "[::1%a]:_x", ",,;=", "10.0.0.2, ", "\x00\xff"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		for header, appended := range map[string]string{"X-Forwarded-For": "192.0.2.1, 10.0.0.2", "Forwarded": `for="192.0.2.1:1";host="a,b", for=10.0.0.2`} {
			read, err := clientip.Behind(header, trusted...)
			require.NoError(t, err)
			want := netip.MustParseAddr("192.0.2.1")
			require.Equal(t, want, read(request("10.0.0.1:80", header, first, second+", "+appended)), header)
			require.Equal(t, want, read(request("10.0.0.1:80", header, first, second, appended)), header)
			got := read(request("10.0.0.1:80", header, first, second))
			require.True(t, !got.IsValid() || got.Zone() == "" && !got.Is4In6() && !got.IsUnspecified())
			require.Equal(t, netip.MustParseAddr("192.0.2.9"), read(request("192.0.2.9:80", header, first, second)))
		}
	})
}
