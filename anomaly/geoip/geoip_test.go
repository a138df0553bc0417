package geoip_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/geoip"
)

// write makes a database file of its own: no third party's data is in the
// repository.
func write(dir, kind string, records map[string]mmdbtype.Map) (string, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, IncludeReservedNetworks: true, IPVersion: version(kind)})
	if err != nil {
		return "", err
	}
	for prefix, record := range records {
		_, network, err := net.ParseCIDR(prefix)
		if err != nil {
			return "", err
		}
		if err := tree.Insert(network, record); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, kind+".mmdb")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	if _, err := tree.WriteTo(file); err != nil {
		return "", err
	}
	return path, file.Close()
}

func mustWrite(t testing.TB, kind string, records map[string]mmdbtype.Map) string {
	t.Helper()
	path, err := write(t.TempDir(), kind, records)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func maxMindCity(country string, lat, lon float64, radius uint16, zone string) mmdbtype.Map {
	return mmdbtype.Map{
		"country": mmdbtype.Map{"iso_code": mmdbtype.String(country)},
		"location": mmdbtype.Map{
			"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lon),
			"accuracy_radius": mmdbtype.Uint16(radius), "time_zone": mmdbtype.String(zone),
		},
	}
}

func flatCity(country string, lat, lon float32) mmdbtype.Map {
	return mmdbtype.Map{
		"country_code": mmdbtype.String(country), "latitude": mmdbtype.Float32(lat), "longitude": mmdbtype.Float32(lon),
		"city": mmdbtype.String("Oslo"), "timezone": mmdbtype.String(""),
	}
}

func files(t testing.TB) geoip.Files {
	t.Helper()
	return geoip.Files{
		ASN: mustWrite(t, "GeoLite2-ASN", map[string]mmdbtype.Map{
			"81.2.69.0/24": {"autonomous_system_number": mmdbtype.Uint32(2119), "autonomous_system_organization": mmdbtype.String("Telenor")},
			"192.0.2.0/24": {"autonomous_system_number": mmdbtype.Uint32(64500)},
		}),
		Anonymous: mustWrite(t, "GeoIP2-Anonymous-IP", map[string]mmdbtype.Map{
			"192.0.2.0/25":   {"is_anonymous": mmdbtype.Bool(true), "is_tor_exit_node": mmdbtype.Bool(true)},
			"192.0.2.128/25": {"is_hosting_provider": mmdbtype.Bool(true)},
		}),
	}
}

func check(t *testing.T, r *geoip.Resolver, want map[string]anomaly.Place) {
	t.Helper()
	for ip, place := range want {
		got, err := r.Resolve(netip.MustParseAddr(ip))
		if err != nil || got != place {
			t.Errorf("%s: %+v, %v; want %+v", ip, got, err, place)
		}
	}
	if got, err := r.Resolve(netip.Addr{}); err != nil || got != (anomaly.Place{}) {
		t.Errorf("no address: %+v, %v", got, err)
	}
}

func closing(t testing.TB, r *geoip.Resolver, err error) *geoip.Resolver {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestMaxMind(t *testing.T) {
	t.Parallel()
	f := files(t)
	f.City = mustWrite(t, "GeoLite2-City", map[string]mmdbtype.Map{
		"81.2.69.0/24":    maxMindCity("NO", 59.91, 10.75, 20, "Europe/Oslo"),
		"2001:db8::/32":   maxMindCity("BR", -23.55, -46.63, 100, "America/Sao_Paulo"),
		"198.51.100.0/24": {"country": mmdbtype.Map{"iso_code": mmdbtype.String("SE")}},
	})
	r, err := geoip.Open(f)
	oslo := anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, Radius: 20, Zone: "Europe/Oslo", ASN: 2119}
	check(t, closing(t, r, err), map[string]anomaly.Place{
		"81.2.69.142": oslo, "::ffff:81.2.69.142": oslo,
		"2001:db8::1":  {Country: "BR", Lat: -23.55, Lon: -46.63, Radius: 100, Zone: "America/Sao_Paulo"},
		"198.51.100.1": {Country: "SE"},
		"192.0.2.1":    {ASN: 64500, Anonymous: true},
		"192.0.2.200":  {ASN: 64500, Anonymous: true},
		"203.0.113.1":  {}, "10.0.0.1": {}, "fe80::1%eth0": {},
	})
}

func TestFlat(t *testing.T) {
	t.Parallel()
	f := files(t)
	f.City = mustWrite(t, "city ipv4", map[string]mmdbtype.Map{"81.2.69.0/24": flatCity("NO", 59.5, 10.75)})
	f.Anonymous = ""
	f.IsAnonymous = func(_ netip.Addr, asn uint32) bool { return asn == 64500 }
	r, err := geoip.Open(f)
	check(t, closing(t, r, err), map[string]anomaly.Place{
		"81.2.69.142": {Country: "NO", Lat: 59.5, Lon: 10.75, ASN: 2119},
		"192.0.2.1":   {ASN: 64500, Anonymous: true},
		"203.0.113.1": {},
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text.mmdb")
	if err := os.WriteFile(text, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]geoip.Files{
		"nothing": {}, "missing": {City: filepath.Join(t.TempDir(), "none")}, "text": {City: text}, "bad ASN": {ASN: text},
		"bad second file": {ASN: mustWrite(t, "GeoLite2-ASN", nil), Anonymous: text},
	} {
		if _, err := geoip.Open(f); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestThroughADetector(t *testing.T) {
	t.Parallel()
	f := files(t)
	f.City = mustWrite(t, "GeoLite2-City", map[string]mmdbtype.Map{"81.2.69.0/24": maxMindCity("NO", 59.91, 10.75, 20, "Europe/Oslo")})
	r, err := geoip.Open(f)
	d, err2 := anomaly.New(anomaly.NewMemory(0), [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, anomaly.Config{Geo: closing(t, r, err)})
	if err2 != nil {
		t.Fatal(err2)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			a := anomaly.Attempt{UserID: fmt.Sprint("user ", i), Time: day, IP: netip.MustParseAddr("81.2.69.142")}
			if err := d.Learn(t.Context(), a, anomaly.Proved); err != nil {
				t.Error(err)
			}
			a.IP = netip.MustParseAddr("192.0.2.1")
			got, err := d.Assess(t.Context(), a)
			if err != nil || got.Findings[0].Kind != 0 && got.Findings[0].Before() != "NO" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkResolve(b *testing.B) {
	f := files(b)
	f.City = mustWrite(b, "GeoLite2-City", map[string]mmdbtype.Map{"81.2.69.0/24": maxMindCity("NO", 59.91, 10.75, 20, "Europe/Oslo")})
	r, err := geoip.Open(f)
	closing(b, r, err)
	ip := netip.MustParseAddr("81.2.69.142")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Resolve(ip); err != nil {
			b.Fatal(err)
		}
	}
}

// version is 4 for the files that have one family.
func version(kind string) int {
	if strings.HasSuffix(kind, "ipv4") {
		return 4
	}
	return 6
}

// TestMissingFamilyIsSaidOnce is not parallel: it looks at the default logger.
func TestMissingFamilyIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	r, err := geoip.Open(geoip.Files{City: mustWrite(t, "city-ipv4", map[string]mmdbtype.Map{"81.2.69.0/24": flatCity("NO", 59.5, 10.5)})})
	r = closing(t, r, err)
	check(t, r, map[string]anomaly.Place{"192.0.2.1": {}})
	if out.Len() != 0 {
		t.Errorf("an address that the file does not have: %s", &out)
	}
	for range 3 {
		check(t, r, map[string]anomaly.Place{"2a00:1450::1": {}, "2a00:1451::1": {}})
	}
	if n := strings.Count(out.String(), "no file has IPv6 addresses"); n != 1 {
		t.Errorf("%d warnings: %s", n, &out)
	}
}

// The free files come as one per family: with the first alone an IPv6 address is
// unknown, which is no error, and with both it is found.
func TestFilesByFamily(t *testing.T) {
	t.Parallel()
	v4 := geoip.Files{City: mustWrite(t, "city-ipv4", map[string]mmdbtype.Map{"81.2.69.0/24": flatCity("NO", 59.5, 10.5)})}
	v6 := geoip.Files{City: mustWrite(t, "city-ipv6", map[string]mmdbtype.Map{"2a00:1450::/32": flatCity("IE", 53.5, -6.5)})}
	no, ie := anomaly.Place{Country: "NO", Lat: 59.5, Lon: 10.5}, anomaly.Place{Country: "IE", Lat: 53.5, Lon: -6.5}
	r, err := geoip.Open(v4)
	r = closing(t, r, err)
	check(t, r, map[string]anomaly.Place{"81.2.69.10": no, "::ffff:81.2.69.10": no, "2a00:1450::1": {}, "192.0.2.1": {}})
	for _, sets := range [][]geoip.Files{{v4, v6}, {v6, v4}} {
		r, err := geoip.Open(sets...)
		r = closing(t, r, err)
		check(t, r, map[string]anomaly.Place{"81.2.69.10": no, "2a00:1450::1": ie, "2a00:1451::1": {}})
	}
	_, err = geoip.Open()
	if err == nil {
		t.Error("no files were accepted")
	}
}
