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
	dayForm   = "2006-01-02"
	monthForm = "2006-01"
	sumParts  = 16 // Records of a day, so that one large day is not one large record.
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
	maxNoted   = 500       // Of one section and day.
	openFor    = time.Hour // By the log's clock, from one event of an attempt to the next.
	openOver   = 20_000    // Events of the log, likewise: it bounds what is open.
	closeEvery = 512       // Events: so many attempts may be open although their hour is over.

	recountCells = 500_000 // Sums that Verify holds at a time: some 100 MB.
)

// attempt is a login that may not be over yet: its events have one correlation.
type attempt struct {
	Day     string        `json:"d"`
	Index   uint64        `json:"i"` // Of the last event.
	Last    int64         `json:"l"` // When the log took the last event, microseconds.
	User    string        `json:"u,omitempty"`
	Event   string        `json:"e,omitempty"` // One that names the user.
	Org     string        `json:"o,omitempty"`
	Reason  string        `json:"r,omitempty"`
	Outcome audit.Outcome `json:"s"`
}

// rolledUp is how far the sums are.
type rolledUp struct {
	Next    uint64             `json:"next"`
	At      time.Time          `json:"at"`
	Open    map[string]attempt `json:"open,omitempty"`
	Logged  map[string]int64   `json:"logged,omitempty"`
	Expired string             `json:"expired,omitempty"` // The expiry whose sums are removed.
}

const rollUpCursor = "sums"

// sums collects what sealed events add to the sums of their days. What comes out depends
// on the events alone, and not on when and in which steps they are read, so that Verify
// comes to the same. Nothing reaches from a month into another: retention removes whole
// months, and the sums of the others must stay what they are.
type sums struct {
	scopes  map[scope]cells
	open    map[string]attempt // By month and correlation.
	logged  map[string]int64   // By month, when the log took the newest event since the last multiple of closeEvery.
	next    uint64             // Everything before is in.
	expired map[string]bool    // Months of which nothing is summed.
	only    Period             // Of part of a day.
	held    window
	last    struct{ org, key string } // Of the last event that has an organization.
}

func newSums(at rolledUp, expired map[string]bool) *sums {
	s := &sums{
		scopes: make(map[scope]cells), next: at.Next, expired: expired,
		open: make(map[string]attempt, len(at.Open)), logged: make(map[string]int64, len(at.Logged)),
	}
	for key, a := range at.Open {
		if !expired[monthIn(key)] {
			s.open[key] = a
		}
	}
	for month, n := range at.Logged {
		if !expired[month] {
			s.logged[month] = n
		}
	}
	return s
}

// monthIn is the month of a day, or of the key of an attempt.
func monthIn(s string) string { return s[:min(len(monthForm), len(s))] }

// put adds to a sum of a day, of everything or of an organization.
func (s *sums) put(day, org, key string, d cell) {
	k := scope{slot{day, partOf(cmp.Or(org, key))}, org}
	if day == "" || !s.held.has(k.slot) {
		return
	}
	c := s.scopes[k]
	if c == nil {
		c = make(cells)
		s.scopes[k] = c
	}
	before := len(c)
	c.add(key, d)
	if len(c) > before {
		s.held.added(s.scopes)
	}
}

// take adds the next sealed event.
func (s *sums) take(r *driver.Row) {
	s.reach(r.Index)
	s.add(r)
}

// reach closes attempts that no event joins any more, at each multiple of closeEvery on
// the way to index. It is called for the end of a step as well: then a step ends with the
// same open attempts whatever it has read.
func (s *sums) reach(index uint64) {
	point := index - index%closeEvery
	if s.next < point {
		maps.DeleteFunc(s.open, func(key string, a attempt) bool {
			newest, some := s.logged[monthIn(key)]
			return a.Index+openOver <= point || some && newest-a.Last >= openFor.Microseconds()
		})
		clear(s.logged)
	}
	s.next = max(s.next, index)
}

func (s *sums) add(r *driver.Row) {
	day, at := r.At.UTC().Format(dayForm), r.At.UnixMicro()
	month := monthIn(day)
	if s.expired[month] {
		return
	}
	if !s.only.From.IsZero() && (r.At.Before(s.only.From) || !r.At.Before(s.only.To)) {
		day = "" // only what began in the part is counted
	}
	d := cell{First: at, Last: at, Events: 1}
	user := userOf(r)
	section := sectionOf(r.Type, r.Action)
	for _, org := range s.both(r.Organization) {
		s.put(day, org, ofAll, d)
		s.put(day, org, ofAction+r.Action+":"+strconv.Itoa(int(r.Outcome)), d)
		if user != "" {
			named := d
			named.Event = r.ID
			s.put(day, org, ofUser+user, named)
		}
		if org == "" && r.Organization != "" {
			s.put(day, org, ofOrg+r.Organization, d)
		}
		if section != "" {
			s.put(day, org, notedKey(section, r), cell{Event: r.ID})
		}
	}
	if isAttempt(r) {
		s.attempt(r, day, month, user)
	}
}

// both are the scopes of an event: everything, and its organization. An attempt asks up to
// three times for one.
func (s *sums) both(org string) []string {
	if org == "" {
		return []string{""}
	}
	if s.last.org != org {
		s.last.org, s.last.key = org, orgKey(org)
	}
	return []string{"", s.last.key}
}

// byOrganizations is behind the section of what organizations do with their own trails:
// however much that is, it takes no place of the others.
const byOrganizations = "~"

func notedKey(section string, r *driver.Row) string {
	if r.Type == "audit" && r.Organization != "" {
		section += byOrganizations
	}
	return ofNoted + section + ":" + r.At.UTC().Format("150405.000000") + ":" + r.ID
}

// isAttempt reports whether an event is of a login of its own user: a failed second
// factor is, one that succeeds is followed by the login itself. A delegate's
// login is not.
func isAttempt(r *driver.Row) bool {
	return r.OnBehalfOf == "" && (r.Type == "login" || r.Type == "mfa" && r.Outcome == audit.Failure && r.Correlation != "")
}

// userOf is who acts: the delegate where there is one. Whom a reading of the log is about
// has done nothing.
func userOf(r *driver.Row) string {
	if r.Type == "audit" {
		return onlyUser(r.Actor)
	}
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

func (s *sums) attempt(r *driver.Row, day, month, user string) {
	fresh := attempt{Day: day, Index: r.Index, Last: r.LoggedAt.UnixMicro(), User: user, Org: r.Organization, Reason: r.Reason, Outcome: r.Outcome}
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
	s.logged[month] = max(s.logged[month], fresh.Last)
	key := month + r.Correlation
	a, known := s.open[key]
	same := a.User == "" || user == "" || a.User == user // a correlation may be what a client says
	if known && same && fresh.Last-a.Last < openFor.Microseconds() && near(a.Index, fresh.Index) {
		s.count(a, -1)
		fresh = a.with(fresh)
	}
	s.count(fresh, 1)
	s.open[key] = fresh
}

func near(a, b uint64) bool { return max(a, b)-min(a, b) < openOver }

// with is the attempt after another of its events: a success decides.
func (a attempt) with(e attempt) attempt {
	a.Index, a.Last = max(a.Index, e.Index), max(a.Last, e.Last)
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
	switch a.Outcome {
	case audit.Success:
		d.Succeeded = n
	case audit.Failure:
		d.Failed = n
	default:
		d.Unknown = n
	}
	for _, org := range s.both(a.Org) {
		s.put(a.Day, org, ofAll, d)
		if a.User != "" {
			named := d
			named.Event = a.Event // the user may have no other event on this day
			s.put(a.Day, org, ofUser+a.User, named)
		}
		if org == "" && a.Org != "" {
			s.put(a.Day, org, ofOrg+a.Org, d)
		}
		if a.Outcome == audit.Failure {
			s.put(a.Day, org, ofReason+a.Reason, d)
		}
	}
}

// of returns the sums of a day, of everything or of an organization.
func (s *sums) of(day, org string) cells {
	all := make(cells)
	for k, c := range s.scopes {
		if k.day == day && k.org == org {
			all.merge(c)
		}
	}
	return all
}

type recordKey struct{ kind, key string }

func (k recordKey) String() string { return k.kind + "/" + k.key }

// record returns where a scope is stored.
func (k scope) record() recordKey {
	if k.org != "" {
		return recordKey{kindOrgSum, k.org + "/" + k.day + "/0"}
	}
	return recordKey{kindSum, k.day + "/" + strconv.FormatUint(uint64(k.part), 16)}
}

// scopeOf returns what a record sums.
func scopeOf(k recordKey) (scope, bool) {
	day, org := k.key, ""
	if k.kind == kindOrgSum {
		org, day, _ = strings.Cut(k.key, "/")
	}
	day, part, _ := strings.Cut(day, "/")
	n, _ := strconv.ParseUint(part, 16, 8)
	s := scope{slot{day, uint8(n)}, org}
	if org != "" {
		s.part = partOf(org)
	}
	return s, s.record() == k
}

func partOf(key string) uint8 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return uint8(h.Sum32() % sumParts)
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
