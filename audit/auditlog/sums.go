package auditlog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Kinds of the records of sums: of everything, by day and part; of one
// organization, by its hash and day.
const (
	kindSum    = "sum"
	kindOrgSum = "orgsum"
)

const (
	dayForm  = "2006-01-02"
	sumParts = 16 // Records of a day, so that one large day is not one large record.
)

// What a cell's key begins with.
const (
	ofAction = "a:" // action, outcome
	ofReason = "r:" // of failed attempts
	ofUser   = "u:" // reference, with a pseudonym
	ofOrg    = "o:"
	ofAll    = "t"
	ofNoted  = "n:" // section, time, id of an event that a report lists
)

const (
	maxNoted = 500   // Of one section and day.
	maxOpen  = 10000 // Attempts that later events may still join.
	openFor  = time.Hour
)

// scope is whose sums: of a day, of everything or of one organization.
type scope struct{ day, org string }

// attempt is a login that may not be over yet: its events have one correlation.
type attempt struct {
	Day     string        `json:"d"`
	Last    int64         `json:"l"` // When the log took the last event, microseconds.
	User    string        `json:"u,omitempty"`
	Event   string        `json:"e,omitempty"` // One that names the user.
	Org     string        `json:"o,omitempty"`
	Reason  string        `json:"r,omitempty"`
	Outcome audit.Outcome `json:"s"`
}

// rolledUp is how far the sums are.
type rolledUp struct {
	Next uint64             `json:"next"`
	At   time.Time          `json:"at"`
	Open map[string]attempt `json:"open,omitempty"`
}

const rollUpCursor = "sums"

// sums collects what rows add to the sums of their days.
type sums struct {
	scopes map[scope]cells
	open   map[string]attempt // By correlation.
	only   Period             // Of part of a day: what happened at other times is summed under no day.
}

func newSums(open map[string]attempt) *sums {
	s := &sums{scopes: make(map[scope]cells), open: make(map[string]attempt, len(open))}
	maps.Copy(s.open, open)
	return s
}

func (s *sums) of(day, org string) cells {
	k := scope{day, org}
	if s.scopes[k] == nil {
		s.scopes[k] = make(cells)
	}
	return s.scopes[k]
}

func (s *sums) add(r *driver.Row) {
	day, at := s.dayOf(r.At), r.At.UnixMicro()
	d := cell{First: at, Last: at, Events: 1}
	user := userOf(r)
	section := sectionOf(r.Type, r.Action)
	for _, org := range both(r.Organization) {
		c := s.of(day, org)
		c.add(ofAll, d)
		c.add(ofAction+r.Action+":"+strconv.Itoa(int(r.Outcome)), d)
		if user != "" {
			named := d
			named.Event = r.ID
			c.add(ofUser+user, named)
		}
		if org == "" && r.Organization != "" {
			c.add(ofOrg+r.Organization, d)
		}
		if section != "" {
			c.add(notedKey(section, r), cell{Event: r.ID})
		}
	}
	if isAttempt(r) {
		s.attempt(r, day, user)
	}
}

func (s *sums) dayOf(at time.Time) string {
	if !s.only.From.IsZero() && (at.Before(s.only.From) || !at.Before(s.only.To)) {
		return ""
	}
	return at.UTC().Format(dayForm)
}

// both are the scopes of an event: everything, and its organization.
func both(org string) []string {
	if org == "" {
		return []string{""}
	}
	return []string{"", org}
}

func notedKey(section string, r *driver.Row) string {
	return ofNoted + section + ":" + r.At.UTC().Format("150405.000000") + ":" + r.ID
}

// isAttempt reports whether an event is of a login of its own user: a failed second
// factor is, one that succeeds is followed by the login itself. A delegate's
// login is not.
func isAttempt(r *driver.Row) bool {
	return r.OnBehalfOf == "" && (r.Type == "login" || r.Type == "mfa" && r.Outcome == audit.Failure && r.Correlation != "")
}

// userOf is who acts: the delegate where there is one.
func userOf(r *driver.Row) string {
	if r.OnBehalfOf != "" {
		return onlyUser(r.OnBehalfOf)
	}
	return cmp.Or(onlyUser(r.Actor), onlyUser(r.Target))
}

func onlyUser(column string) string {
	if strings.HasPrefix(column, person+":") {
		return column
	}
	return ""
}

func (s *sums) attempt(r *driver.Row, day, user string) {
	fresh := attempt{Day: day, Last: r.LoggedAt.UnixMicro(), User: user, Org: r.Organization, Reason: r.Reason, Outcome: r.Outcome}
	if user != "" {
		fresh.Event = r.ID
	}
	if r.Outcome != audit.Failure {
		fresh.Reason = ""
	}
	if r.Correlation == "" {
		s.count(fresh, 1)
		return
	}
	a, known := s.open[r.Correlation]
	if known && fresh.Last-a.Last < openFor.Microseconds() {
		s.count(a, -1)
		fresh = a.with(fresh)
	}
	s.count(fresh, 1)
	s.open[r.Correlation] = fresh
}

// with is the attempt after another of its events: a success decides.
func (a attempt) with(e attempt) attempt {
	a.Last = max(a.Last, e.Last)
	if a.User == "" {
		a.User, a.Event = e.User, e.Event
	}
	a.Org = cmp.Or(a.Org, e.Org)
	switch {
	case a.Outcome == audit.Success || e.Outcome == audit.Unknown:
	case e.Outcome == audit.Success:
		a.Outcome, a.Reason = audit.Success, ""
	case a.Outcome == audit.Unknown:
		a.Outcome, a.Reason = e.Outcome, e.Reason
	}
	return a
}

// count adds an attempt, or takes it back with -1.
func (s *sums) count(a attempt, n int64) {
	var d cell
	*[]*int64{&d.Unknown, &d.Succeeded, &d.Failed}[a.Outcome] += n
	for _, org := range both(a.Org) {
		c := s.of(a.Day, org)
		c.add(ofAll, d)
		if a.User != "" {
			named := d
			named.Event = a.Event // the user may have no other event on this day
			c.add(ofUser+a.User, named)
		}
		if org == "" && a.Org != "" {
			c.add(ofOrg+a.Org, d)
		}
		if a.Outcome == audit.Failure {
			c.add(ofReason+a.Reason, d)
		}
	}
}

// close forgets attempts that no event joins any more, and the oldest beyond
// maxOpen.
func (s *sums) close(now time.Time) {
	oldest := now.Add(-openFor).UnixMicro()
	maps.DeleteFunc(s.open, func(_ string, a attempt) bool { return a.Last < oldest })
	if len(s.open) <= maxOpen {
		return
	}
	keys := slices.SortedFunc(maps.Keys(s.open), func(x, y string) int { return cmp.Compare(s.open[x].Last, s.open[y].Last) })
	for _, key := range keys[:len(keys)-maxOpen] {
		delete(s.open, key)
	}
}

// records returns the sums by the kind and key of their records.
func (s *sums) records() map[recordKey]cells {
	out := make(map[recordKey]cells)
	for k, all := range s.scopes {
		for key, d := range all {
			r := recordKey{kindOrgSum, orgKey(k.org) + "/" + k.day + "/0"}
			if k.org == "" {
				r = recordKey{kindSum, k.day + "/" + partOf(key)}
			}
			if out[r] == nil {
				out[r] = make(cells)
			}
			out[r].add(key, d)
		}
	}
	return out
}

type recordKey struct{ kind, key string }

func partOf(key string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return strconv.FormatUint(uint64(h.Sum32()%sumParts), 16)
}

// orgKey is an organization's id as part of a key, which has only ASCII.
func orgKey(org string) string {
	sum := sha256.Sum256([]byte(org))
	return hex.EncodeToString(sum[:16])
}

// trim keeps the first maxNoted events of each section.
func (c cells) trim() {
	noted := make(map[string][]string)
	for key := range c {
		if rest, ok := strings.CutPrefix(key, ofNoted); ok {
			section, _, _ := strings.Cut(rest, ":")
			noted[section] = append(noted[section], key)
		}
	}
	for _, keys := range noted {
		slices.Sort(keys)
		for _, key := range keys[min(maxNoted, len(keys)):] {
			delete(c, key)
		}
	}
}
