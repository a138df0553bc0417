package risk

import (
	"encoding/json"
	"iter"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/management/resource"
)

// FromAuth0 makes a history for Replay out of entries of Auth0's tenant log, in the
// order of their time: those of management.Client.Logs, or of an export. Logins ("s")
// are Allowed, or StepUpPassed for the first one within ten minutes after the user has
// passed a challenge of MFA ("gd_auth_succeed"); wrong passwords ("fp") and unknown users ("fu") are Refused. Other
// entries are left out, as are those without a user or a time, those that lie in the
// future, and those that are delivered twice within some 10,000.
//
// The first login that the log has of a user, within a day after their password was
// reset ("scpr", "scp"), is Abandoned: it may be whoever took the account over, and
// owns nothing. The log knows no device ids.
func FromAuth0(logs iter.Seq2[resource.LogEntry, error]) iter.Seq2[Past, error] {
	return func(yield func(Past, error) bool) {
		users, seen := map[string]*pastUser{}, recent{}
		for entry, err := range logs {
			if err != nil {
				yield(Past{}, err)
				return
			}
			if entry.Time.After(time.Now().Add(aheadOfUs)) || seen.twice(entry.ID) {
				continue
			}
			if past, ok := read(entry, users); ok && !yield(past, nil) {
				return
			}
		}
	}
}

// pastUser is what the log has said of a user so far.
type pastUser struct {
	seen          bool // a login that was not Abandoned
	reset, passed time.Time
}

const (
	resetWindow  = 24 * time.Hour
	passedWindow = 10 * time.Minute
	aheadOfUs    = 5 * time.Minute // what package anomaly takes for a clock that differs
)

// recent holds the ids of the last entries: streams and exports deliver some twice.
type recent struct{ young, aged map[string]bool }

func (r *recent) twice(id string) bool {
	const most = 10_000
	if id == "" || r.young[id] || r.aged[id] {
		return id != ""
	}
	if r.young == nil || len(r.young) >= most {
		r.aged, r.young = r.young, make(map[string]bool)
	}
	r.young[id] = true
	return false
}

// auth0Entry holds the fields that are read of an entry. Place is that of the API;
// its country can be missing.
type auth0Entry struct {
	UserID    string `json:"user_id"`
	UserName  string `json:"user_name"`
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
	Location  *geoIP `json:"location_info"`
}

// loginOf is what an entry says about a login, without its outcome. A name that was
// tried stands for the id of a user that Auth0 does not name.
func loginOf(entry resource.LogEntry) (l Login, ok bool) {
	var e auth0Entry
	if json.Unmarshal(entry.Raw, &e) != nil || entry.Time.IsZero() || entry.Time.Unix() < 0 {
		return l, false
	}
	if e.UserID == "" && (entry.Type == "fp" || entry.Type == "fu") {
		e.UserID = cut(e.UserName, 255)
	}
	if e.UserID == "" || len(e.UserID) > 255 || e.UserID[0] == ' ' || strings.ContainsFunc(e.UserID, unicode.IsControl) {
		return l, false
	}
	return Login{Email: e.UserName, Attempt: e.attempt(entry.Time)}, true
}

func read(entry resource.LogEntry, users map[string]*pastUser) (past Past, ok bool) {
	past.Login, ok = loginOf(entry)
	if !ok {
		return Past{}, false
	}
	id, failed := past.Login.UserID, entry.Type == "fp" || entry.Type == "fu"
	u := users[id]
	if u == nil && !failed {
		u = new(pastUser)
		users[id] = u
	}
	switch entry.Type {
	case "fp", "fu":
		past.Outcome = Refused
	case "scp", "scpr":
		u.reset = entry.Time
		return Past{}, false
	case "gd_auth_succeed":
		u.passed = entry.Time
		return Past{}, false
	case "s":
		past.Outcome = Allowed
		switch {
		case !u.passed.IsZero() && entry.Time.Sub(u.passed) <= passedWindow:
			past.Outcome, u.seen, u.passed = StepUpPassed, true, time.Time{}
		case !u.seen && !u.reset.IsZero() && entry.Time.Sub(u.reset) <= resetWindow:
			past.Outcome = Abandoned
		default:
			u.seen = true
		}
	default:
		return Past{}, false
	}
	return past, true
}

func (e *auth0Entry) attempt(at time.Time) anomaly.Attempt {
	a := anomaly.Attempt{UserID: e.UserID, Time: at, UserAgent: e.UserAgent}
	a.IP, _ = netip.ParseAddr(e.IP) // Without one it is not known.
	a.Place = e.Location.place()
	return a
}
