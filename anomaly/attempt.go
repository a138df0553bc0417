package anomaly

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
	"unicode/utf8"
)

// Attempt is one login as the service saw it: data with its own time. A missing IP
// or Place is neutral evidence. DeviceID and UserAgent come from the client, who
// can leave them out, so for a user who always had them an empty value counts as
// an unknown one.
type Attempt struct {
	UserID    string     // Required, at most 255 bytes: the key of the profile.
	Time      time.Time  // Required. When the login happened.
	IP        netip.Addr // The client's address. Private, loopback and link-local ones are treated as missing.
	Place     *Place     // Defaults to what Config.Geo says of IP.
	DeviceID  string     // The value of the service's own long-lived, unguessable cookie; not a fingerprint.
	UserAgent string     // Only the first 512 bytes are read.
}

// Place is where an address is. Every field may be empty.
type Place struct {
	Country   string  // ISO 3166-1 alpha-2, upper case.
	Lat, Lon  float64 // Degrees. Both zero means unknown.
	Radius    float64 // Accuracy in km. Zero means unknown; 50 km are assumed.
	ASN       uint32  // Autonomous system number.
	Zone      string  // IANA time zone. Defaults to the zone that Lon gives.
	Anonymous bool    // A VPN, proxy, relay, Tor exit or hosting network.
}

func (p *Place) located() bool { return p.Lat != 0 || p.Lon != 0 }

// GeoResolver returns where an address is. For an unknown address it returns a
// zero Place, not an error. Implementations are safe for concurrent use; package
// geoip has one.
type GeoResolver interface {
	Resolve(ip netip.Addr) (Place, error)
}

// ErrInvalid is matched by every *FieldError.
var ErrInvalid = errors.New("anomaly: invalid attempt")

// FieldError is returned when a field of an Attempt cannot be used. Nothing was
// read or learned.
type FieldError struct{ Field, Problem string }

// Error names the field and the problem, never the value.
func (e *FieldError) Error() string {
	return fmt.Sprintf("anomaly: Attempt.%s %s", e.Field, e.Problem)
}

// Is matches ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// Bounds of an Attempt.
const (
	maxUserID = 255             // bytes, Auth0's own bound
	maxAgent  = 512             // bytes that are read of a user agent
	maxDevice = 1024            // bytes that are read of a device id
	clockSkew = 5 * time.Minute // how far in the future a login may lie

	skewMinutes = uint32(clockSkew / time.Minute)
)

// lastMinute is where the stamps of a profile end, in the year 2149.
var lastMinute = time.Unix(math.MaxUint16*24*3600, 0)

func (a *Attempt) validate() error {
	if err := validateUser(a.UserID); err != nil {
		return err
	}
	switch {
	case a.Time.IsZero():
		return &FieldError{"Time", "must be set"}
	case a.Time.Unix() < 0 || a.Time.After(lastMinute):
		return &FieldError{"Time", "must lie between 1970 and 2149"}
	}
	if a.Place != nil {
		return a.Place.validate()
	}
	return nil
}

// validateUser keeps keys apart from the population's, which starts with a
// space, and storable in every database.
func validateUser(id string) error {
	if id == "" {
		return &FieldError{"UserID", "must be set"}
	}
	if len(id) > maxUserID {
		return &FieldError{"UserID", "has more than 255 bytes"}
	}
	if id[0] == ' ' {
		return &FieldError{"UserID", "must not start with a space"}
	}
	ascii := true
	for i := range len(id) {
		if id[i] < ' ' || id[i] == 0x7f {
			return &FieldError{"UserID", "must not have control characters"}
		}
		ascii = ascii && id[i] < utf8.RuneSelf
	}
	if !ascii && !utf8.ValidString(id) {
		return &FieldError{"UserID", "must be valid UTF-8"}
	}
	return nil
}

// validate refuses what cannot be a place; NaN fails every comparison.
func (p *Place) validate() error {
	switch {
	case !(math.Abs(p.Lat) <= 90):
		return &FieldError{"Place.Lat", "must lie between -90 and 90 degrees"}
	case !(math.Abs(p.Lon) <= 180):
		return &FieldError{"Place.Lon", "must lie between -180 and 180 degrees"}
	case !(p.Radius >= 0 && p.Radius <= 20_040):
		return &FieldError{"Place.Radius", "must lie between 0 and 20,040 km"}
	case p.Country != "" && countryKey(p.Country) == 0:
		return &FieldError{"Place.Country", "must be two upper-case letters or empty"}
	}
	return nil
}
