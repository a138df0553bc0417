package risk

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/management/resource"
)

// ReadAuth0Logs yields the entries of an export of Auth0's tenant log, for FromAuth0:
// JSON objects one after another, such as one a line, or an array of them; each as the
// Management API returns it, or as a log stream delivers it, with "log_id" and
// "data". FromAuth0 wants them in the order of their time. An error says which entry
// cannot be read, and ends the sequence; the entries before it were yielded.
func ReadAuth0Logs(r io.Reader) iter.Seq2[resource.LogEntry, error] {
	return func(yield func(resource.LogEntry, error) bool) {
		in := bufio.NewReader(r)
		dec := json.NewDecoder(in)
		first, _ := firstByte(in) // Without one there is no entry.
		if first == '[' {
			_, _ = dec.Token() // It is the bracket.
		}
		for n := 1; dec.More(); n++ {
			var raw json.RawMessage
			err := dec.Decode(&raw)
			entry, bad := exported(raw)
			if err = errors.Join(err, bad); err != nil {
				yield(resource.LogEntry{}, fmt.Errorf("risk: export of Auth0's log: entry %d is not an entry", n))
				return
			}
			if !yield(entry, nil) {
				return
			}
		}
		if _, err := dec.Token(); err != nil && (err != io.EOF || first == '[') {
			yield(resource.LogEntry{}, errors.New("risk: export of Auth0's log: it ends in the middle"))
		}
	}
}

// firstByte is the first byte that is no space; it stays in the reader.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			return b, in.UnreadByte()
		}
	}
}

func exported(raw json.RawMessage) (resource.LogEntry, error) {
	var e struct {
		ID   string          `json:"log_id"`
		Type string          `json:"type"`
		Date time.Time       `json:"date"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return resource.LogEntry{}, err
	}
	if e.Type == "" && len(e.Data) > 0 {
		entry, err := exported(e.Data)
		if entry.ID == "" {
			entry.ID = e.ID
		}
		return entry, err
	}
	return resource.LogEntry{ID: e.ID, Type: e.Type, Time: e.Date, Raw: raw}, nil
}

// ParseAction reads the event of a post-login Action, as it is sent as JSON, for
// Evaluate: the user, the address with the place that Auth0 knows, the user agent,
// Auth0's own assessments, and whether a second factor was proved within ten minutes
// before now. Geographic fields that cannot be are left out. An event has no device
// id.
//
// Source: Auth0 docs, "Actions Triggers: post-login - Event Object".
func ParseAction(event []byte, now time.Time) (Login, error) {
	var in actionEvent
	if err := json.Unmarshal(event, &in); err != nil {
		return Login{}, errors.New("risk: the event is not that of a post-login Action")
	}
	if in.User.ID == "" {
		return Login{}, errors.New("risk: the event has no user.user_id")
	}
	l := Login{Email: in.User.Email, SessionID: in.Session.ID, Attempt: anomaly.Attempt{
		UserID: in.User.ID, Time: now, UserAgent: in.Request.UserAgent, Place: in.Request.GeoIP.place(),
	}}
	l.IP, _ = netip.ParseAddr(in.Request.IP) // Without one it is missing.
	if len(in.Authentication.RiskAssessment) > 0 {
		var err error
		if l.Auth0, err = ParseAuth0(in.Authentication.RiskAssessment); err != nil {
			return Login{}, err
		}
	}
	for _, m := range in.Authentication.Methods {
		age := now.Sub(m.Timestamp)
		l.MFA = l.MFA || m.Name == "mfa" && age >= -time.Minute && age <= passedWindow
	}
	return l, nil
}

// actionEvent holds the fields that are read of an event.
type actionEvent struct {
	User struct {
		ID    string `json:"user_id"`
		Email string `json:"email"`
	}
	Session struct{ ID string }
	Request struct {
		IP        string `json:"ip"`
		UserAgent string `json:"user_agent"`
		GeoIP     *geoIP `json:"geoip"`
	}
	Authentication struct {
		Methods []struct {
			Name      string
			Timestamp time.Time
		}
		RiskAssessment json.RawMessage
	}
}

// geoIP is where Auth0 says that an address is: in Actions with names in camel case,
// and in its log with underscores.
type geoIP struct {
	Country  string  `json:"countryCode"`
	Lat      float64 `json:"latitude"`
	Lon      float64 `json:"longitude"`
	Zone     string  `json:"timeZone"`
	Country2 string  `json:"country_code"`
	Zone2    string  `json:"time_zone"`
}

// place is nil where Auth0 names no country, so that a resolver is asked.
func (g *geoIP) place() *anomaly.Place {
	if g == nil || !(g.Lat >= -90 && g.Lat <= 90 && g.Lon >= -180 && g.Lon <= 180) {
		return nil
	}
	p := &anomaly.Place{Country: g.Country + g.Country2, Lat: g.Lat, Lon: g.Lon, Zone: g.Zone + g.Zone2}
	if len(p.Country) != 2 || slices.ContainsFunc([]byte(p.Country), func(c byte) bool { return c < 'A' || c > 'Z' }) {
		return nil
	}
	return p
}
