package anomaly

import (
	"encoding/binary"
	"net/netip"

	"github.com/auth0kit/auth0kit/internal/publicip"
)

// network is the hierarchy of an address. Zero keys are unknown levels.
type network struct {
	country   uint32 // 1..676
	asn       uint32
	prefix    uint32 // hash of the /24 or /48
	anonymous bool
}

func (n *network) set(ip netip.Addr, p *Place) {
	n.country, n.asn, n.prefix, n.anonymous = countryKey(p.Country), p.ASN, prefixKey(ip), p.Anonymous
}

// countryKey is 1..676, or 0 for anything but two upper-case letters.
func countryKey(code string) uint32 {
	if len(code) != 2 {
		return 0
	}
	a, b := code[0]-'A', code[1]-'A'
	if a > 25 || b > 25 {
		return 0
	}
	return uint32(a)*26 + uint32(b) + 1
}

func appendCountry(dst []byte, key uint32) []byte {
	if key == 0 || key > 676 {
		return dst
	}
	return append(dst, 'A'+byte((key-1)/26), 'A'+byte((key-1)%26))
}

// prefixKey hashes the network that a household or an office keeps: /24 of IPv4,
// /48 of IPv6. It is 0 for addresses that say nothing about a client.
func prefixKey(ip netip.Addr) uint32 {
	ip = publicip.Plain(ip)
	if !publicip.Is(ip) {
		return 0
	}
	var h uint64
	if ip.Is4() {
		b := ip.As4()
		h = uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2]) | 4<<56
	} else {
		b := ip.As16()
		h = binary.BigEndian.Uint64(b[:])>>16 | 6<<56
	}
	return uint32(mix(h)) | 1
}
