package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

//go:embed report.css
var css string

//go:embed report.html
var source string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"number": number, "svg": func(f float64) string { return fmt.Sprintf("%.1f", f) },
}).Parse(source))

// HTML writes the report as one page: no script, and nothing to load.
func HTML(w io.Writer, r *auditlog.Report) error {
	if err := page.Execute(w, newView(r)); err != nil {
		return fmt.Errorf("report: writing HTML: %w", err)
	}
	return nil
}

// view is the report as the page shows it.
type view struct {
	*auditlog.Report
	CSS            template.CSS
	Title, Running string
	First, Last    string
	Bounds         string // Whether the last one is included.
	Made           string
	Complete       bool // Nothing is known to be missing.
	Rate           string
	Known          int // Attempts with a known outcome.
	Days           *dayChart
	Reasons        *rankChart
	DayTable       table
	ReasonTable    table
	Holes          table
	UserTable      table
	OrgTable       table
	ActionTable    table
	CodeTable      table
	Lists          []listing
}

type table struct {
	Caption string
	Heads   []head
	Rows    [][]string
}

type head struct {
	Text string
	Num  bool
}

// listing is a section of events.
type listing struct {
	ID, Title, Note string
	Total, Shown    int
	table
}

func newView(r *auditlog.Report) *view {
	v := &view{
		Report: r, CSS: template.CSS(css), First: date(r.From), Last: date(r.To.AddDate(0, 0, -1)), Bounds: "both included", Made: r.Generated.UTC().Format("2 January 2006, 15:04 UTC"),
		Days: newDayChart(r), Reasons: newRankChart(r.Failures, r.Attempts.Failed), Known: r.Attempts.Succeeded + r.Attempts.Failed,
	}
	if day := 24 * time.Hour; !r.From.Equal(r.From.Truncate(day)) || !r.To.Equal(r.To.Truncate(day)) {
		v.First, v.Last, v.Bounds = minute(r.From), minute(r.To), "the end excluded"
	}
	v.Title = "Audit report"
	if r.Organization != "" {
		v.Title += " of " + r.Organization
	}
	v.Running = fmt.Sprintf("%s · %s · %s to %s", v.Title, r.Log, v.First, v.Last)
	if v.Rate = "not known"; v.Known > 0 {
		v.Rate = percent(r.Attempts.Succeeded, v.Known)
	}
	v.coverage()
	v.numbers()
	for _, s := range sections(r) {
		v.Lists = append(v.Lists, s.listing())
	}
	return v
}

func date(t time.Time) string { return t.UTC().Format("2 January 2006") }

func (v *view) coverage() {
	v.Holes = table{Caption: "Holes by source", Heads: heads("Source", "From", "To", "Why")}
	for _, c := range v.Coverage {
		for _, h := range c.Holes {
			v.Holes.Rows = append(v.Holes.Rows, []string{c.Source, minute(h.From), minute(h.To), why(h.Reason)})
		}
	}
	v.Complete = len(v.Holes.Rows) == 0 && v.Unsealed == 0 && v.Expired == 0 && len(v.UnknownCodes) == 0
}

func why(reason string) string {
	switch reason {
	case "not_read":
		return "not read (yet)"
	case "retention":
		return "lost: removed at the source before it was read"
	}
	return reason
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func (v *view) numbers() {
	v.DayTable = table{Caption: "Events and logins by day", Heads: heads("Day", "#Events", "#Logins", "#Succeeded", "#Failed", "#Unknown")}
	for _, d := range v.Report.Days {
		v.DayTable.Rows = append(v.DayTable.Rows, append([]string{d.Date, number(d.Events)}, tallyCells(d.Attempts)...))
	}
	v.ReasonTable = countTable("Failed logins by reason", "Reason", v.Failures, reason)
	v.ActionTable = countTable("Events by action", "Action", v.Actions, func(s string) string { return s })
	v.CodeTable = countTable("Unknown codes", "Code", v.UnknownCodes, func(s string) string { return s })
	v.UserTable = activityTable("Users with the most events", "User", v.Users)
	v.OrgTable = activityTable("Organizations with the most events", "Organization", v.Organizations)
}

func countTable(caption, name string, counts []auditlog.Count, show func(string) string) table {
	t := table{Caption: caption, Heads: heads(name, "#Count")}
	for _, c := range counts {
		t.Rows = append(t.Rows, []string{show(c.Name), number(c.N)})
	}
	return t
}

func activityTable(caption, name string, all []auditlog.Activity) table {
	t := table{Caption: caption, Heads: heads(name, "First event", "Last event", "#Events", "#Logins", "#Succeeded", "#Failed", "#Unknown")}
	for _, a := range all {
		id := a.ID
		if a.Forgotten {
			id += " (forgotten)"
		}
		t.Rows = append(t.Rows, append([]string{id, minute(a.First), minute(a.Last), number(a.Events)}, tallyCells(a.Attempts)...))
	}
	return t
}

func tallyCells(t auditlog.Tally) []string {
	return []string{number(t.Total), number(t.Succeeded), number(t.Failed), number(t.Unknown)}
}

// heads makes headings; one with # is over numbers.
func heads(texts ...string) []head {
	out := make([]head, len(texts))
	for i, t := range texts {
		out[i].Text, out[i].Num = strings.CutPrefix(t, "#")
	}
	return out
}

func (s section) listing() listing {
	l := listing{ID: s.id, Title: s.title, Note: s.note, Total: s.Total, Shown: len(s.Entries)}
	l.Caption, l.Heads = s.title, heads("Time (UTC)", "Action", "Outcome", "Who", "Whom or what", "Organization", "Address")
	for _, e := range s.Entries {
		who, outcome := text(e.Actor), e.Outcome.String()
		if !e.OnBehalfOf.IsZero() {
			who += ", through " + text(e.OnBehalfOf)
		}
		if e.Reason != "" {
			outcome += ": " + e.Reason
		}
		l.Rows = append(l.Rows, []string{e.Time.UTC().Format("2006-01-02 15:04:05"), e.Action, outcome, who, text(e.Target), e.Organization, e.IP})
	}
	return l
}
