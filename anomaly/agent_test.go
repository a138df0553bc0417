package anomaly

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	useragent "github.com/medama-io/go-useragent"
)

func TestParseAgent(t *testing.T) {
	t.Parallel()
	parser := useragent.NewParser()
	cases := []struct {
		ua, name string
		major    uint16
		bot      bool
	}{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome/Windows", 140, false},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge/Windows", 140, false},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0", "Firefox/Linux", 142, false},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1", "Safari/iOS", 18, false},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "Samsung Browser/Android", 28, false},
		{"curl/8.5.0", "", 0, true},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36", "Chrome/Linux", 140, true},
		{"python-requests/2.32", "", 0, true},
	}
	for _, c := range cases {
		a := parseAgent(parser, c.ua)
		if name := string(appendAgent(nil, a.browser)); name != c.name || a.major != c.major || a.bot != c.bot || !a.known() {
			t.Errorf("%s: %q, version %d, bot %t", c.ua, name, a.major, a.bot)
		}
	}
	if a := parseAgent(parser, ""); a.known() {
		t.Errorf("no agent: %+v", a)
	}
	one, two := parseAgent(parser, cases[0].ua), parseAgent(parser, strings.ReplaceAll(cases[0].ua, "140", "141"))
	if one.browser != two.browser || one.device != two.device || one.full == two.full {
		t.Errorf("an update changes more than the string: %+v, %+v", one, two)
	}
}

// TestAgentCache: what comes out is what the parser says, under contention for
// the slots too.
func TestAgentCache(t *testing.T) {
	t.Parallel()
	c := newAgentCache()
	var agents []string
	for i := range 2000 { // twice the slots
		agents = append(agents, fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", i, i))
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range agents {
				ua := agents[(i*7+g*300)%len(agents)]
				var got agent
				c.get(ua, &got)
				if want := parseAgent(c.parser, ua); got != want {
					t.Errorf("%s: %+v, want %+v", ua, got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestPrefixKey(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"81.2.69.1", "81.2.69.254"}, {"81.2.69.1", "::ffff:81.2.69.9"}, {"2001:db8:1::1", "2001:db8:1:ffff::2"},
	}
	for _, p := range same {
		if a, b := prefixOf(p[0]), prefixOf(p[1]); a != b || a == 0 {
			t.Errorf("%v are not one network: %d, %d", p, a, b)
		}
	}
	for _, p := range [][2]string{{"81.2.69.1", "81.2.70.1"}, {"2001:db8:1::1", "2001:db8:2::1"}} {
		if prefixOf(p[0]) == prefixOf(p[1]) {
			t.Errorf("%v are one network", p)
		}
	}
	for _, ip := range []string{"10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fe80::1", "fc00::1", "100.64.0.1", "224.0.0.1", "0.0.0.0", "::"} {
		if prefixOf(ip) != 0 {
			t.Errorf("%s says something about a client", ip)
		}
	}
}

func prefixOf(ip string) uint32 { return prefixKey(netip.MustParseAddr(ip)) }
