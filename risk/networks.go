package risk

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/auth0kit/auth0kit/internal/publicip"
)

// MaxList bounds what a list of networks adds. Such lists are coarse and stale,
// and contain many users who only value their privacy.
const MaxList = 1.0

// Networks returns a Factor with the given name that adds logOdds, at most
// MaxList, for addresses in a list of networks, such as Tor exits, commercial VPNs
// or data centers.
func Networks(name string, logOdds float64, list []netip.Prefix) (Factor, error) {
	if name == "" {
		return nil, errors.New("risk: networks: name must not be empty; it is the factor's in decisions")
	}
	if !(logOdds >= 0 && logOdds <= MaxList) {
		return nil, errors.New("risk: networks: logOdds must lie between 0 and MaxList")
	}
	n := &networks{name: name, logOdds: logOdds}
	for _, p := range list {
		if !p.IsValid() {
			return nil, errors.New("risk: networks: the list has an invalid prefix")
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		n.spans = append(n.spans, span{p.Masked().Addr(), last(p)})
	}
	slices.SortFunc(n.spans, func(a, b span) int { return a.from.Compare(b.from) })
	n.spans = merge(n.spans)
	return n, nil
}

type networks struct {
	name    string
	logOdds float64
	spans   []span // apart and in order
}

type span struct{ from, to netip.Addr }

// last is the highest address of a prefix.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}

func merge(sorted []span) []span {
	var out []span
	for _, s := range sorted {
		if n := len(out); n > 0 && s.from.BitLen() == out[n-1].to.BitLen() && s.from.Compare(out[n-1].to) <= 0 {
			if s.to.Compare(out[n-1].to) > 0 {
				out[n-1].to = s.to
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// Name is Factor's.
func (n *networks) Name() string { return n.name }

// Assess is Factor's.
func (n *networks) Assess(_ context.Context, l Login) (float64, string, error) {
	ip := publicip.Plain(l.IP)
	at, exact := slices.BinarySearchFunc(n.spans, ip, func(s span, ip netip.Addr) int { return s.from.Compare(ip) })
	if !exact {
		at--
	}
	if !ip.IsValid() || at < 0 || ip.BitLen() != n.spans[at].to.BitLen() || ip.Compare(n.spans[at].to) > 0 {
		return 0, "", nil
	}
	return n.logOdds, "listed", nil
}
