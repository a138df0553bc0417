package risk_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/risk"
)

// All of IPv4 comes through one /96 of a NAT64: who guesses from one address of it
// says nothing about the others, and lists of networks know the address inside.
func TestAddressesInsideOfIPv6(t *testing.T) {
	t.Parallel()
	list, err := risk.Networks("exits", 1, []netip.Prefix{netip.MustParsePrefix("::ffff:177.1.1.0/120")})
	require.NoError(t, err)
	w := newWorld(t, risk.Config{Factors: []risk.Factor{list}})
	for i := range 20 {
		f := theft(w.now)
		f.UserID, f.Email, f.DeviceID, f.UserAgent = fmt.Sprint("guess ", i), "", "", ""
		f.IP = netip.MustParseAddr("64:ff9b::177.1.1.1")
		require.NoError(t, w.Failed(t.Context(), f))
	}
	l := home(w.now)
	l.IP = netip.MustParseAddr("64:ff9b::81.2.69.10")
	d := w.evaluate(t, l)
	assert.NotContains(t, d.Explain(), "failing from", "another client of the same NAT64")
	assert.Zero(t, odds(d, "exits"))
	d = w.evaluate(t, theft(w.now))
	assert.Contains(t, d.Explain(), "20 users failing from the address", "the same client without a NAT64")
	assert.InDelta(t, 1, odds(d, "exits"), 0)
}
