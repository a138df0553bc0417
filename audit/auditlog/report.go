package auditlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Report is what a log says about a period. Package audit/report writes it as a
// page and as CSV; Log.SignReport writes it signed.
type Report struct {
	Log          string    `json:"log"`                    // Name of the log.
	Organization string    `json:"organization,omitempty"` // Whose report it is; empty for all.
	Generated    time.Time `json:"generated"`
	Period

	Coverage   []Coverage `json:"coverage"`   // First: what is not known, by source.
	Unsealed   int        `json:"unsealed"`   // Recorded and not sealed yet, so not in the report: of the whole log and of any time.
	Expired    uint64     `json:"expired"`    // Events that retention has removed from the whole log.
	Size       uint64     `json:"size"`       // Sealed events of the whole log.
	Checkpoint string     `json:"checkpoint"` // Signed, see Log.Checkpoint. Empty when nothing is sealed.

	Events   int   `json:"events"`   // Of the period.
	Attempts Tally `json:"attempts"` // Logins, not events: see Tally.
	Days     []Day `json:"days"`     // Those that have events.

	Actions      []Count `json:"actions"`       // Events by action, most first.
	Failures     []Count `json:"failures"`      // Failed attempts by reason, most first.
	UnknownCodes []Count `json:"unknown_codes"` // Codes of sources that nobody has judged: their outcome is unknown.

	Users              []Activity `json:"users"`         // The 100 with the most events. Who is forgotten appears under a pseudonym.
	UserCount          int        `json:"user_count"`    // All that have events. Who was forgotten and came back counts once for each event.
	Organizations      []Activity `json:"organizations"` // The 100 with the most events.
	OrganizationsCount int        `json:"organizations_count"`

	Changes     Section `json:"changes"`
	Factors     Section `json:"factors"`
	Revocations Section `json:"revocations"`
	Findings    Section `json:"findings"`
	Reads       Section `json:"reads"`
}

// Tally counts attempts. The events of a login are one attempt when they have the
// same Correlation, name no two users, happened in the same month, UTC, and the log took
// each within an hour and 20,000 events of the one before; an event without a Correlation
// is an attempt by itself. An attempt has succeeded when one of its events has, it has
// failed when one has and none succeeded, and is unknown otherwise. What delegates and
// agents do is not counted.
type Tally struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Unknown   int `json:"unknown"`
}

// ErrNoAttempts is returned by SuccessRate when no attempt has a known outcome.
var ErrNoAttempts = errors.New("auditlog: no attempt has a known outcome")

// SuccessRate returns which part of the attempts with a known outcome succeeded,
// from 0 to 1.
func (t Tally) SuccessRate() (float64, error) {
	if t.Succeeded+t.Failed == 0 {
		return 0, ErrNoAttempts
	}
	return float64(t.Succeeded) / float64(t.Succeeded+t.Failed), nil
}

// Day is one day of a report.
type Day struct {
	Date     string `json:"date"` // "2026-11-24"
	Events   int    `json:"events"`
	Attempts Tally  `json:"attempts"`
}

// Count is how often something was there.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Activity is what a user or an organization did.
type Activity struct {
	ID        string    `json:"id"`
	Forgotten bool      `json:"forgotten,omitempty"` // ID is a pseudonym.
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Events    int       `json:"events"`
	Attempts  Tally     `json:"attempts"`
}

// Section lists events one by one, ordered by time: at most 500 of each day, and 500
// in all, those that organizations caused with their own trails last. Total is how many
// there are; Query returns the others.
type Section struct {
	Total   int     `json:"total"`
	Entries []Entry `json:"entries"`
}

const maxActive = 100 // Users and organizations of a report.

// Report returns what happened in a period, with what is not known first. It reads the
// sums that Run keeps of whole days, UTC, and the events since: a report over many events
// takes no longer than over few. Where the period begins or ends within a day, as midnight
// elsewhere does, it reads the events of that part, of all organizations. Events are in a
// report once they are sealed. Months of which retention has removed events are left out. Making it is recorded as "audit.report" first.
func (l *Log) Report(ctx context.Context, p Period) (*Report, error) {
	return l.report(ctx, "", p)
}

func (l *Log) report(ctx context.Context, org string, p Period) (*Report, error) {
	if !p.To.IsZero() && !p.From.Before(p.To) {
		return nil, errors.New("auditlog: a report's period must end after it begins")
	}
	if err := l.access(ctx, "report", Filter{Organization: org, Period: p}); err != nil {
		return nil, err
	}
	days, err := l.daysIn(ctx, org, p)
	if err != nil {
		return nil, err
	}
	r := &Report{Log: l.signer.Name(), Organization: org, Generated: l.cfg.Now().UTC().Truncate(time.Second)}
	if r.Period, err = periodOf(p, days, r.Generated); err != nil {
		return nil, err
	}
	for _, fill := range []func(context.Context, *Report) error{l.fillState, l.fillCoverage} {
		if err := fill(ctx, r); err != nil {
			return nil, err
		}
	}
	all := make(cells)
	for _, d := range days {
		total := d.cells[ofAll]
		r.Days = append(r.Days, Day{d.Date, int(total.Events), total.tally()})
		all.merge(d.cells)
	}
	r.count(all)
	if err := l.fillUsers(ctx, r, all); err != nil {
		return nil, err
	}
	return r, l.fillSections(ctx, r, days, all)
}

// daysIn returns the sums of a period: those of its whole days, and of the parts before
// and after them.
func (l *Log) daysIn(ctx context.Context, org string, p Period) ([]day, error) {
	from, to := "", "~" // before and after all days
	var parts []Period
	first, last := p.From.UTC().Truncate(24*time.Hour), p.To.UTC().Truncate(24*time.Hour)
	if !p.From.IsZero() {
		if !first.Equal(p.From) {
			first = first.AddDate(0, 0, 1)
			end := first
			if !p.To.IsZero() {
				end = earlier(first, p.To)
			}
			parts = append(parts, Period{p.From, end})
		}
		from = first.Format(dayForm)
	}
	if !p.To.IsZero() {
		if !last.Equal(p.To) && !last.Before(first) {
			parts = append(parts, Period{last, p.To})
		}
		to = last.Format(dayForm)
	}
	if org != "" {
		org = orgKey(org)
	}
	days, err := l.daysOf(ctx, org, from, to)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		d, err := l.partOf(ctx, org, part)
		if err != nil {
			return nil, err
		}
		if len(d.cells) > 0 {
			days = append(days, d)
		}
	}
	sortBy(days, func(a, b day) int { return strings.Compare(a.Date, b.Date) })
	return days, nil
}

// periodOf puts the first day of the log and tomorrow in the place of open bounds.
func periodOf(p Period, days []day, now time.Time) (Period, error) {
	p.From, p.To = p.From.UTC(), p.To.UTC()
	today := now.Truncate(24 * time.Hour)
	if p.To.IsZero() {
		p.To = today.AddDate(0, 0, 1)
		if n := len(days); n > 0 {
			last, err := time.Parse(dayForm, days[n-1].Date)
			if err != nil {
				return p, errCells
			}
			p.To = later(p.To, last.AddDate(0, 0, 1))
		}
	}
	if p.From.IsZero() {
		p.From = earlier(today, p.To.AddDate(0, 0, -1))
		if len(days) > 0 {
			first, err := time.Parse(dayForm, days[0].Date)
			if err != nil {
				return p, errCells
			}
			p.From = first
		}
	}
	return p, nil
}

func (l *Log) fillState(ctx context.Context, r *Report) error {
	status, err := l.Status(ctx)
	if err != nil {
		return err
	}
	r.Size, r.Unsealed = status.Size, status.Unsealed
	expired, _, err := readExpired(ctx, l.store)
	if err != nil {
		return err
	}
	for _, x := range expired.Ranges {
		r.Expired += x.To - x.From
	}
	signed, err := l.Checkpoint(ctx)
	if err != nil && !errors.Is(err, ErrNotSealed) {
		return err
	}
	r.Checkpoint = string(signed)
	return nil
}

// fillCoverage adds the sources, as far as the period has passed.
func (l *Log) fillCoverage(ctx context.Context, r *Report) (err error) {
	if passed := (Period{r.From, earlier(r.To, r.Generated)}); passed.From.Before(passed.To) {
		r.Coverage, err = l.coverage(ctx, passed)
	}
	return err
}

func (d cell) tally() Tally {
	return Tally{Total: int(d.Succeeded + d.Failed + d.Unknown), Succeeded: int(d.Succeeded), Failed: int(d.Failed), Unknown: int(d.Unknown)}
}

// count fills what is counted alone.
func (r *Report) count(all cells) {
	total := all[ofAll]
	r.Events, r.Attempts = int(total.Events), total.tally()
	actions, unknown := make(map[string]int), make(map[string]int)
	failures := make(map[string]int)
	for key, d := range all {
		if name, ok := strings.CutPrefix(key, ofAction); ok {
			name = name[:strings.LastIndexByte(name, ':')]
			actions[name] += int(d.Events)
			if code, ok := strings.CutPrefix(name, "unknown."); ok {
				unknown[code] += int(d.Events)
			}
		}
		if name, ok := strings.CutPrefix(key, ofReason); ok && d.Failed != 0 {
			failures[name] += int(d.Failed)
		}
		if id, ok := strings.CutPrefix(key, ofOrg); ok {
			r.Organizations = append(r.Organizations, activityOf(id, d))
		}
	}
	r.Actions, r.Failures, r.UnknownCodes = counts(actions), counts(failures), counts(unknown)
	r.Organizations, r.OrganizationsCount = mostActive(r.Organizations), len(r.Organizations)
}

// fillSections lists events, by the ids that the sums have noted.
func (l *Log) fillSections(ctx context.Context, r *Report, days []day, all cells) error {
	sections := map[string]*Section{
		sectionChanges: &r.Changes, sectionFactors: &r.Factors, sectionRevocations: &r.Revocations,
		sectionFindings: &r.Findings, sectionReads: &r.Reads,
	}
	for key, d := range all {
		if name, ok := strings.CutPrefix(key, ofAction); ok {
			name = name[:strings.LastIndexByte(name, ':')]
			kind, _, _ := strings.Cut(name, ".")
			if s := sections[sectionOf(kind, name)]; s != nil {
				s.Total += int(d.Events)
			}
		}
	}
	noted := make(map[string][]string)
	for _, d := range days {
		for section, ids := range d.noted() {
			noted[section] = append(noted[section], ids...)
		}
	}
	for name, s := range sections {
		ids := append(noted[name], noted[name+byOrganizations]...)
		rows, err := l.store.Find(ctx, ids[:min(maxNoted, len(ids))])
		if err != nil {
			return fmt.Errorf("auditlog: reading events: %w", err)
		}
		if s.Entries, err = l.entries(ctx, r.Organization, sortedRows(rows)); err != nil {
			return err
		}
		for i := range s.Entries {
			s.Entries[i].Personal = nil // a report needs who and from where, not what else was known of them
		}
	}
	return nil
}

func (l *Log) fillUsers(ctx context.Context, r *Report, all cells) error {
	events := make(map[string]string) // by column
	for key, d := range all {
		if column, ok := strings.CutPrefix(key, ofUser); ok {
			r.Users = append(r.Users, activityOf(column, d))
			events[column] = d.Event
		}
	}
	r.Users, r.UserCount = mostActive(r.Users), len(r.Users)
	var ids []string
	for _, a := range r.Users {
		ids = append(ids, events[a.ID])
	}
	rows, err := l.store.Find(ctx, ids)
	if err != nil {
		return fmt.Errorf("auditlog: reading events: %w", err)
	}
	names, err := l.names(ctx, r.Organization, rows)
	if err != nil {
		return err
	}
	for i := range r.Users {
		a := &r.Users[i]
		if name := names[a.ID]; name != "" {
			a.ID = name
			continue
		}
		a.ID, a.Forgotten = strings.TrimPrefix(a.ID, person+":"), true
	}
	return nil
}

// names returns the ids of the users that rows name and that are not forgotten, by
// column. Rows of another organization than the report's name nobody; a login may have its
// organization by another event.
func (l *Log) names(ctx context.Context, org string, rows []driver.Row) (map[string]string, error) {
	entries, err := l.entries(ctx, "", rows)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string)
	for i, e := range entries {
		if org != "" && e.Organization != "" && e.Organization != org {
			continue
		}
		for column, ref := range map[string]audit.Ref{rows[i].Actor: e.Actor, rows[i].OnBehalfOf: e.OnBehalfOf, rows[i].Target: e.Target} {
			if ref.Kind == person && column != person+":"+ref.ID {
				names[column] = ref.ID
			}
		}
	}
	return names, nil
}

func activityOf(id string, d cell) Activity {
	return Activity{ID: id, First: microTime(d.First), Last: microTime(d.Last), Events: int(d.Events), Attempts: d.tally()}
}

func microTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
