package main

import (
	"net/netip"

	"github.com/auth0kit/auth0kit/anomaly"
)

// The people.
const (
	ada  = "ada"  // commutes in Oslo, with a laptop and a phone
	ben  = "ben"  // from Hamburg, travels
	cleo = "cleo" // nurse in Manchester, on nights
	dan  = "dan"  // from Utrecht, buys a new phone
	eli  = "eli"  // from Lyon, likes his VPN
)

// device is what a browser shows: the service's cookie and the user agent.
type device struct{ name, cookie, agent string }

const (
	windowsFirefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	windowsChrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
	macSafari      = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
	iPhoneSafari   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	androidChrome  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36"
	linuxChrome    = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)

var (
	adaLaptop   = device{"laptop", "cookie of ada's laptop", windowsFirefox}
	adaPhone    = device{"phone", "cookie of ada's phone", iPhoneSafari}
	benLaptop   = device{"laptop", "cookie of ben's laptop", macSafari}
	cleoTablet  = device{"tablet", "cookie of cleo's tablet", androidChrome}
	danPhone    = device{"old phone", "cookie of dan's old phone", androidChrome}
	danNewPhone = device{"new phone", "cookie of dan's new phone", iPhoneSafari}
	eliLaptop   = device{"laptop", "cookie of eli's laptop", windowsChrome}
)

// place is where a login comes from. A service has the address only and leaves
// the rest to anomaly.Config.Geo.
type place struct {
	name string
	ip   netip.Addr
	geo  anomaly.Place
}

func at(name, ip string, geo anomaly.Place) place { return place{name, netip.MustParseAddr(ip), geo} }

// Addresses are those of RFC 2544 and AS numbers those of RFC 5398: nobody's.
var (
	oslo       = anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, Radius: 20, ASN: 64496, Zone: "Europe/Oslo"}
	adaHome    = at("home, Oslo", "198.18.1.10", oslo)
	adaOffice  = at("office, Oslo", "198.18.2.20", network(oslo, 64497))
	adaTrain   = at("train, Oslo", "198.18.3.30", network(oslo, 64498))
	hamburg    = anomaly.Place{Country: "DE", Lat: 53.55, Lon: 9.99, Radius: 20, ASN: 64499, Zone: "Europe/Berlin"}
	benHome    = at("home, Hamburg", "198.18.4.10", hamburg)
	benHotel   = at("hotel, Lisbon", "198.18.5.10", anomaly.Place{Country: "PT", Lat: 38.72, Lon: -9.14, Radius: 20, ASN: 64500, Zone: "Europe/Lisbon"})
	benProxy   = at("company's exit, Singapore", "198.18.6.10", anomaly.Place{Country: "SG", Lat: 1.35, Lon: 103.82, Radius: 20, ASN: 64501, Zone: "Asia/Singapore"})
	cleoWard   = at("ward, Manchester", "198.18.7.10", anomaly.Place{Country: "GB", Lat: 53.48, Lon: -2.24, Radius: 20, ASN: 64502, Zone: "Europe/London"})
	danHome    = at("home, Utrecht", "198.18.8.10", anomaly.Place{Country: "NL", Lat: 52.09, Lon: 5.12, Radius: 20, ASN: 64503, Zone: "Europe/Amsterdam"})
	danShop    = at("shop, Utrecht", "198.18.12.10", network(danHome.geo, 64508))
	eliHome    = at("home, Lyon", "198.18.9.10", anomaly.Place{Country: "FR", Lat: 45.76, Lon: 4.84, Radius: 20, ASN: 64504, Zone: "Europe/Paris"})
	eliVPN     = at("VPN, Zurich", "198.18.10.10", anomaly.Place{Country: "CH", Lat: 47.37, Lon: 8.54, ASN: 64505, Zone: "Europe/Zurich", Anonymous: true})
	rented     = at("rented server, Sao Paulo", "198.19.1.10", anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 64506, Anonymous: true})
	nearAda    = at("ada's provider, Oslo", "198.18.11.10", oslo)
	otherWorld = at("home network, Hanoi", "198.19.2.10", anomaly.Place{Country: "VN", Lat: 21.03, Lon: 105.85, Radius: 20, ASN: 64507, Zone: "Asia/Ho_Chi_Minh"})
)

func network(p anomaly.Place, asn uint32) anomaly.Place {
	p.ASN = asn
	return p
}
