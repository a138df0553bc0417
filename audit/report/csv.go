package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

var csvColumns = []string{
	"section", "name", "from", "to", "events", "attempts", "succeeded", "failed", "unknown",
	"time", "outcome", "reason", "actor", "on_behalf_of", "target", "organization", "ip", "event_id",
}

// CSV writes the report as one table, whose first column says what a row is. A cell
// that a spreadsheet would take for a formula begins with an apostrophe, and so does what
// would be one behind a semicolon, a comma or a tab.
func CSV(w io.Writer, r *auditlog.Report) error {
	out := csv.NewWriter(w)
	c := csvRows{out: out}
	c.row(csvColumns...)
	c.row("report", r.Log, stamp(r.From), stamp(r.To), strconv.Itoa(r.Events))
	for _, s := range r.Coverage {
		c.row("coverage", s.Source, stamp(s.From), stamp(s.To))
		for _, h := range s.Holes {
			c.row("hole", s.Source+": "+h.Reason, stamp(h.From), stamp(h.To))
		}
	}
	c.counted("unsealed", "", r.Unsealed)
	c.counted("expired", "", int(r.Expired))
	c.tally("logins", "", "", "", r.Events, r.Attempts)
	for _, d := range r.Days {
		c.tally("day", d.Date, "", "", d.Events, d.Attempts)
	}
	for _, list := range []struct {
		section string
		counts  []auditlog.Count
	}{{"failure", r.Failures}, {"unknown_code", r.UnknownCodes}, {"action", r.Actions}} {
		for _, n := range list.counts {
			c.counted(list.section, n.Name, n.N)
		}
	}
	for _, a := range r.Users {
		c.tally("user", a.ID, stamp(a.First), stamp(a.Last), a.Events, a.Attempts)
	}
	for _, a := range r.Organizations {
		c.tally("organization", a.ID, stamp(a.First), stamp(a.Last), a.Events, a.Attempts)
	}
	for _, s := range sections(r) {
		c.counted(s.id+"_total", "", s.Total)
		for _, e := range s.Entries {
			c.entry(s.id, e)
		}
	}
	if out.Flush(); c.err == nil {
		c.err = out.Error()
	}
	if c.err != nil {
		return fmt.Errorf("report: writing CSV: %w", c.err)
	}
	return nil
}

type csvRows struct {
	out *csv.Writer
	err error
}

func (c *csvRows) row(cells ...string) {
	row := make([]string, len(csvColumns))
	for i, s := range cells {
		row[i] = neutral(s)
	}
	if c.err == nil {
		c.err = c.out.Write(row)
	}
}

func (c *csvRows) counted(section, name string, n int) {
	c.row(section, name, "", "", strconv.Itoa(n))
}

func (c *csvRows) tally(section, name, from, to string, events int, t auditlog.Tally) {
	c.row(section, name, from, to, strconv.Itoa(events), strconv.Itoa(t.Total), strconv.Itoa(t.Succeeded), strconv.Itoa(t.Failed), strconv.Itoa(t.Unknown))
}

func (c *csvRows) entry(section string, e auditlog.Entry) {
	c.row(section, e.Action, "", "", "1", "", "", "", "", stamp(e.Time), e.Outcome.String(), e.Reason,
		text(e.Actor), text(e.OnBehalfOf), text(e.Target), e.Organization, e.IP, e.ID)
}

// formula is the beginning of one (OWASP, CSV Injection): of a cell, or behind what is a
// separator in other countries.
var formula = regexp.MustCompile("(^|[;,\t\r\n]\"*)([=+\\-@\t\r\n＝＋－＠])")

// neutral keeps a spreadsheet from taking a cell for a formula.
func neutral(s string) string {
	for range 2 { // a tab is both
		s = formula.ReplaceAllString(s, "$1'$2")
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
