// Package publicip tells addresses that can belong to one client: not private,
// loopback, link-local, multicast, reserved or shared by a carrier (RFC 6598).
package publicip

import "net/netip"

// Is reports whether ip is public. It decides IPv4 by its bytes: this is on the
// path of each login, and netip's predicates together take a tenth of an
// assessment. An IPv4 address in IPv6 is public if that is.
func Is(ip netip.Addr) bool {
	ip = Plain(ip)
	if !ip.Is4() {
		return ip.IsGlobalUnicast() && !ip.IsPrivate() && !localNAT64.Contains(ip)
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

// localNAT64 is for translation within a network (RFC 8215): all of IPv4 is behind
// one prefix of it.
var localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")

// Plain returns ip in the form in which addresses are compared: without a zone, and
// the IPv4 address of one that is mapped into IPv6 or came through a NAT64 (RFC
// 6052, 64:ff9b::/96).
func Plain(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if !ip.Is6() {
		return ip
	}
	if b := ip.As16(); [12]byte(b[:12]) == [12]byte{1: 0x64, 2: 0xff, 3: 0x9b} {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip.WithZone("")
}
