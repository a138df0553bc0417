// Package geoip says where addresses are, for package anomaly, out of database
// files in the MMDB format:
//
//	geo, err := geoip.Open(geoip.Files{City: "GeoLite2-City.mmdb", ASN: "GeoLite2-ASN.mmdb"})
//	…
//	defer geo.Close()
//	detector, err := anomaly.New(store, anomaly.Config{Geo: geo})
//
// It reads both schemas that are in use: MaxMind's (GeoIP2, GeoLite2, and DB-IP's
// own files), which has accuracy radii and time zones, and the flat one of freely
// licensed files, such as ip-location-db's of DB-IP (CC BY 4.0: name the source
// where results are shown), which has no radius; package anomaly assumes 50 km
// then. Only the fields that a Place has are decoded, which makes a lookup take a
// microsecond or two.
//
// Files are mapped into memory: to update one, put the new one beside it, open
// it, and close the old one when no lookup runs any more.
package geoip

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Files are paths. Any may be empty, but not all; what is missing stays empty in
// a Place.
type Files struct {
	City      string // Country, coordinates, time zone. A file of countries will do, without travel.
	ASN       string // Autonomous systems.
	Anonymous string // MaxMind's GeoIP2-Anonymous-IP: VPNs, proxies, Tor, hosting.

	// IsAnonymous says that an address is in an anonymizing network, by a list of
	// your own; beside Anonymous or instead of it. Defaults to none.
	IsAnonymous func(ip netip.Addr, asn uint32) bool
}

// Resolver is an anomaly.GeoResolver. It is safe for concurrent use, until Close.
type Resolver struct {
	city, asn, anonymous *maxminddb.Reader
	isAnonymous          func(netip.Addr, uint32) bool
}

var _ anomaly.GeoResolver = (*Resolver)(nil)

// Open opens the files.
func Open(files Files) (*Resolver, error) {
	if files.City == "" && files.ASN == "" && files.Anonymous == "" {
		return nil, errors.New("geoip: Files names no file")
	}
	r := &Resolver{isAnonymous: files.IsAnonymous}
	for _, f := range []struct {
		name, path string
		to         **maxminddb.Reader
	}{{"City", files.City, &r.city}, {"ASN", files.ASN, &r.asn}, {"Anonymous", files.Anonymous, &r.anonymous}} {
		if f.path == "" {
			continue
		}
		db, err := maxminddb.Open(f.path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("geoip: open Files.%s: %w", f.name, err), r.Close())
		}
		*f.to = db
	}
	return r, nil
}

// cityRecord has the fields of both schemas: a record has those of one.
type cityRecord struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Location struct {
		Lat    float64 `maxminddb:"latitude"`
		Lon    float64 `maxminddb:"longitude"`
		Radius uint16  `maxminddb:"accuracy_radius"`
		Zone   string  `maxminddb:"time_zone"`
	} `maxminddb:"location"`

	FlatCode string  `maxminddb:"country_code"`
	FlatLat  float64 `maxminddb:"latitude"`
	FlatLon  float64 `maxminddb:"longitude"`
	FlatZone string  `maxminddb:"timezone"`
}

func (c *cityRecord) place() anomaly.Place {
	if c.FlatCode != "" {
		return anomaly.Place{Country: c.FlatCode, Lat: c.FlatLat, Lon: c.FlatLon, Zone: c.FlatZone}
	}
	at := &c.Location
	return anomaly.Place{Country: c.Country.Code, Lat: at.Lat, Lon: at.Lon, Radius: float64(at.Radius), Zone: at.Zone}
}

// Resolve is anomaly.GeoResolver's. An address that no file knows is a zero
// Place. An error is that of a damaged file.
func (r *Resolver) Resolve(ip netip.Addr) (anomaly.Place, error) {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return anomaly.Place{}, nil
	}
	var city cityRecord
	var asn struct {
		Number uint32 `maxminddb:"autonomous_system_number"`
	}
	var anonymous struct {
		Anonymous bool `maxminddb:"is_anonymous"`
		Hosting   bool `maxminddb:"is_hosting_provider"`
	}
	for _, lookup := range []struct {
		db   *maxminddb.Reader
		into any
	}{{r.city, &city}, {r.asn, &asn}, {r.anonymous, &anonymous}} {
		if lookup.db == nil {
			continue
		}
		if err := lookup.db.Lookup(ip).Decode(lookup.into); err != nil {
			return anomaly.Place{}, fmt.Errorf("geoip: look up: %w", err)
		}
	}
	p := city.place()
	p.ASN, p.Anonymous = asn.Number, anonymous.Anonymous || anonymous.Hosting
	if r.isAnonymous != nil && r.isAnonymous(ip, p.ASN) {
		p.Anonymous = true
	}
	return p, nil
}

// Close closes the files. Resolve must not be called afterwards.
func (r *Resolver) Close() error {
	var all []error
	for _, db := range []*maxminddb.Reader{r.city, r.asn, r.anonymous} {
		if db != nil {
			all = append(all, db.Close())
		}
	}
	return errors.Join(all...)
}
