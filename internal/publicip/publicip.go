// Package publicip tells addresses that can belong to one client: not private,
// loopback, link-local, multicast, reserved or shared by a carrier (RFC 6598).
package publicip

import "net/netip"

// Is reports whether ip is public. It decides IPv4 by its bytes: this is on the
// path of each login, and netip's predicates together take a tenth of an
// assessment.
func Is(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.Is4() {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	switch b := ip.As4(); b[0] {
	case 0, 10, 127:
		return false
	case 100:
		return b[1]&0xc0 != 64
	case 169:
		return b[1] != 254
	case 172:
		return b[1]&0xf0 != 16
	case 192:
		return b[1] != 168
	default:
		return b[0] < 224
	}
}
