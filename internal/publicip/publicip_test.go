package publicip_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/internal/publicip"
)

func TestIPv4InIPv6(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]struct {
		plain  string
		public bool
	}{
		"81.2.69.10": {"81.2.69.10", true}, "::ffff:81.2.69.10": {"81.2.69.10", true}, "64:ff9b::81.2.69.10": {"81.2.69.10", true},
		"::ffff:10.0.0.1": {"10.0.0.1", false}, "64:ff9b::10.0.0.1": {"10.0.0.1", false}, "64:ff9b::7f00:1": {"127.0.0.1", false},
		"64:ff9b:1::81.2.69.10": {"64:ff9b:1::5102:450a", false}, "64:ff9b:0:0:1::": {"64:ff9b:0:0:1::", true},
		"2001:db8::1": {"2001:db8::1", true}, "fd00::1": {"fd00::1", false}, "fe80::1%eth0": {"fe80::1", false},
	} {
		a := netip.MustParseAddr(ip)
		assert.Equal(t, netip.MustParseAddr(want.plain), publicip.Plain(a), ip)
		assert.Equal(t, want.public, publicip.Is(a), ip)
	}
	assert.False(t, publicip.Is(netip.Addr{}))
	assert.Equal(t, netip.Addr{}, publicip.Plain(netip.Addr{}))
}
