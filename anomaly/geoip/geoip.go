// Package geoip tells package anomaly where addresses are, from database files in
// the MMDB format:
//
//	geo, err := geoip.Open(geoip.Files{City: "GeoLite2-City.mmdb", ASN: "GeoLite2-ASN.mmdb"})
//	…
//	defer geo.Close()
//	detector, err := anomaly.New(store, keys, anomaly.Config{Geo: geo})
//
// It reads both schemas that are in use: MaxMind's (GeoIP2, GeoLite2, and DB-IP's
// own files), which has accuracy radii and time zones, and the flat one of freely
// licensed files, such as ip-location-db's of DB-IP (CC BY 4.0: name the source
// where results are shown), which has no radius, so that package anomaly assumes
// 50 km. Only the fields of a Place are decoded; a lookup takes a microsecond or
// two.
//
// Where a set of files comes as one file per address family, give both:
//
//	geo, err := geoip.Open(geoip.Files{City: "city-ipv4.mmdb"}, geoip.Files{City: "city-ipv6.mmdb"})
//
// Files are mapped into memory. To update one, put the new file beside it, open
// that, and close the old Resolver when no lookup uses it any more.
package geoip

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Files holds the paths of the files. Any may be empty, but not all; fields of a
// missing file stay empty in a Place.
type Files struct {
	City      string // Country, coordinates, time zone. A file of countries also works, but then travel is not assessed.
	ASN       string // Autonomous systems.
	Anonymous string // MaxMind's GeoIP2-Anonymous-IP: VPNs, proxies, Tor, hosting.

	// IsAnonymous reports whether an address is in an anonymizing network, by a list
	// of your own; use it beside Anonymous or instead of it. Defaults to none.
	IsAnonymous func(ip netip.Addr, asn uint32) bool
}

// Resolver implements anomaly.GeoResolver. It is safe for concurrent use until
// Close is called.
type Resolver struct {
	city, asn, anonymous []*maxminddb.Reader
	isAnonymous          func(netip.Addr, uint32) bool
	warned               sync.Once
}

var _ anomaly.GeoResolver = (*Resolver)(nil)

// Open opens the files and returns a Resolver for them. Of several files of a kind
// the first that has an address counts, and the last IsAnonymous. Close it when it
// is no longer used.
func Open(sets ...Files) (*Resolver, error) {
	r := &Resolver{}
	for _, files := range sets {
		if files.IsAnonymous != nil {
			r.isAnonymous = files.IsAnonymous
		}
		for _, f := range []struct {
			name, path string
			to         *[]*maxminddb.Reader
		}{{"City", files.City, &r.city}, {"ASN", files.ASN, &r.asn}, {"Anonymous", files.Anonymous, &r.anonymous}} {
			if f.path == "" {
				continue
			}
			db, err := maxminddb.Open(f.path)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("geoip: open Files.%s: %w", f.name, err), r.Close())
			}
			*f.to = append(*f.to, db)
		}
	}
	if len(r.city)+len(r.asn)+len(r.anonymous) == 0 {
		return nil, errors.New("geoip: Files names no file")
	}
	return r, nil
}

// lookUp decodes the record of the first file that has ip. A family that no file of
// the kind has is unknown, and said once: such logins have no place.
func (r *Resolver) lookUp(kind string, dbs []*maxminddb.Reader, ip netip.Addr, into any) error {
	asked := false
	for _, db := range dbs {
		if ip.Is6() && db.Metadata.IPVersion == 4 {
			continue
		}
		asked = true
		found := db.Lookup(ip)
		if err := found.Err(); err != nil {
			return fmt.Errorf("geoip: look up: %w", err)
		}
		if !found.Found() {
			continue
		}
		if err := found.Decode(into); err != nil {
			return fmt.Errorf("geoip: look up: %w", err)
		}
		return nil
	}
	if len(dbs) > 0 && !asked {
		r.warned.Do(func() {
			slog.Warn("geoip: no file has IPv6 addresses, so logins from them have no place; give Open the file of that family too", "kind", kind)
		})
	}
	return nil
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

// Resolve implements anomaly.GeoResolver. It returns a zero Place for an address
// that no file contains, and an error if a file is damaged.
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
	err := errors.Join(r.lookUp("City", r.city, ip, &city), r.lookUp("ASN", r.asn, ip, &asn), r.lookUp("Anonymous", r.anonymous, ip, &anonymous))
	if err != nil {
		return anomaly.Place{}, err
	}
	p := city.place()
	p.ASN, p.Anonymous = asn.Number, anonymous.Anonymous || anonymous.Hosting
	if r.isAnonymous != nil && r.isAnonymous(ip, p.ASN) {
		p.Anonymous = true
	}
	return p, nil
}

// Close closes the files. Do not call Resolve afterwards.
func (r *Resolver) Close() error {
	var all []error
	for _, db := range slices.Concat(r.city, r.asn, r.anonymous) {
		all = append(all, db.Close())
	}
	return errors.Join(all...)
}
