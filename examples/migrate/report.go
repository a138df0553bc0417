package main

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/internal/pages"
	"github.com/auth0kit/auth0kit/migration"
)

// report is what a verb found, for people. It has keys and rules, and no personal
// data.
type report struct {
	Verb, Source, Connection string
	Plan                     *migration.Plan
	Result                   *migration.Result
	Verification             *migration.Verification
	Problems                 []migration.Problem
}

func (r *report) plan(p *migration.Plan) { r.Plan, r.Problems = p, slices.Clone(p.Problems) }

func (r *report) problem(p migration.Problem) {
	if p.Retry { // the plan has listed the others
		r.Problems = append(r.Problems, p)
	}
}

// bar is one row of a chart.
type bar struct {
	Name  string
	Count int
	Width float64 // of 600
}

func bars100(counts []bar) []bar {
	most := 1
	for _, b := range counts {
		most = max(most, b.Count)
	}
	for i := range counts {
		if n := counts[i].Count; n > 0 {
			counts[i].Width = max(3, 600*float64(n)/float64(most)) // a few are visible beside many
		}
	}
	return counts
}

// Classes are the users of the plan, by what becomes of them.
func (r report) Classes() []bar {
	p := r.Plan
	return bars100([]bar{
		{Name: "keep their hash as it is", Count: p.Direct}, {Name: "keep it in another spelling", Count: p.Converted},
		{Name: "migrate at their first login", Count: p.LazyOnly}, {Name: "have no password", Count: p.ResetOnly},
		{Name: "are invalid", Count: p.Invalid}, {Name: "are duplicates", Count: p.Duplicate}, {Name: "are at Auth0 already", Count: p.Owned},
	})
}

// Formats are the stored passwords.
func (r report) Formats() []bar {
	var all []bar
	for _, name := range slices.Sorted(maps.Keys(r.Plan.Formats)) {
		all = append(all, bar{Name: name, Count: r.Plan.Formats[name]})
	}
	return bars100(all)
}

// rule is a rule with the users who break it.
type rule struct {
	Name, Advice string
	Count        int
	Keys         []string // at most shownKeys
}

const shownKeys = 20

// Rules are the problems by rule, the most frequent first.
func (r report) Rules() []rule {
	by := make(map[string]*rule)
	for _, p := range r.Problems {
		name := string(p.Rule)
		if name == "" {
			name = p.Code
		}
		if p.Path != "" {
			name += " of " + p.Path
		}
		if by[name] == nil {
			by[name] = &rule{Name: name, Advice: advice(p)}
		}
		by[name].Count++
		if len(by[name].Keys) < shownKeys {
			by[name].Keys = append(by[name].Keys, p.Key)
		}
	}
	var all []rule
	for _, name := range slices.Sorted(maps.Keys(by)) {
		all = append(all, *by[name])
	}
	slices.SortStableFunc(all, func(a, b rule) int { return b.Count - a.Count })
	return all
}

func advice(p migration.Problem) string {
	switch {
	case p.Retry:
		return "Auth0 refused these users; remove the cause, then: migrate retry."
	case p.Rule == migration.RuleDuplicate:
		return "An earlier user has the same; the first one is migrated."
	case p.Rule == migration.RuleConflict:
		return "Somebody at Auth0 has the email or the id already."
	case p.Rule == migration.RulePassword:
		return "Nobody can verify this hash; -reset unusable imports the users without a password."
	case p.Rule == migration.RulePrecision:
		return "Auth0 rounds these numbers; write them as text."
	case p.Path == "phone_number":
		return "See -phone normalize or -phone drop."
	case p.Rule == migration.RuleUsername:
		return "See -username drop."
	case p.Rule == migration.RuleRequired:
		return "Import jobs require an email."
	}
	return "Correct the source."
}

// Next says what to do next.
func (r report) Next() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch r.Verb {
	case "plan":
		if err := r.Plan.Err(); err != nil {
			say("%s.", err)
			return all
		}
		if r.Plan.Invalid+r.Plan.Duplicate > 0 {
			say("Look at the problems below. They stop nobody else.")
		}
		say("Start with: migrate run. It can be stopped and goes on where it was.")
	case "run", "retry", "sync":
		if r.Result.Failed > 0 {
			say("%d users were refused: look at the problems, then migrate retry.", r.Result.Failed)
		}
		say("Compare with what was sent: migrate verify.")
		if r.Result.Lazy > 0 {
			say("%d users come at their first login: put migration/lazy or migration/customdb in front of it.", r.Result.Lazy)
		}
		say("After the switch, watch for wrong hashes: migrate verify -watch-fp.")
	case "verify":
		if r.Verification.Changed+r.Verification.Missing+r.Verification.Outside > 0 {
			say("Look at the differences below; users who have logged in may have changed their data themselves.")
		} else {
			say("Everything that was sent is there. Switch the login over, and watch: migrate verify -watch-fp.")
		}
	}
	return all
}

// Length writes a duration for people.
func (r report) Length(d time.Duration) string {
	switch minutes := int(d.Round(time.Minute) / time.Minute); {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
}

func (r report) text(out io.Writer) {
	if r.Plan != nil {
		fmt.Fprintf(out, "%d users in %s\n", r.Plan.Total, r.Source)
		for _, c := range r.Classes() {
			fmt.Fprintf(out, "%8d %s\n", c.Count, c.Name)
		}
		for _, s := range r.Plan.Stages {
			fmt.Fprintf(out, "%-12s %d, %d requests, %s\n", s.Name, s.Total, s.Requests, r.Length(s.Left))
		}
		for _, o := range r.Plan.Options {
			fmt.Fprintln(out, o)
		}
	}
	if res := r.Result; res != nil {
		fmt.Fprintf(out, "%d migrated, %d failed, %d at their first login, %d without a password, %d invalid, %d duplicates\n",
			res.Migrated, res.Failed, res.Lazy, res.Reset, res.Invalid, res.Duplicate)
	}
	if v := r.Verification; v != nil {
		fmt.Fprintf(out, "%d compared: %d the same, %d changed, %d missing; %d memberships, %d missing; %d at Auth0 are not of this run\n",
			v.Checked, v.Same, v.Changed, v.Missing, v.Memberships, v.Outside, v.Extra)
	}
	for _, rule := range r.Rules() {
		fmt.Fprintf(out, "%8d %s: %v  %s\n", rule.Count, rule.Name, rule.Keys[:min(3, len(rule.Keys))], rule.Advice)
	}
	for _, next := range r.Next() {
		fmt.Fprintln(out, "->", next)
	}
}

//go:embed report.html
var page string

var reportPage = template.Must(template.New("report").Parse(page))

// write writes a page and a list for the verb, such as plan.html and plan.csv.
func (r report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	html, err := os.OpenFile(filepath.Join(dir, r.Verb+".html"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = reportPage.Execute(html, struct {
		report
		CSS  template.CSS
		Made string
	}{r, template.CSS(pages.CSS), time.Now().Format("2 January 2006 15:04")}) //nolint:gosec // our own stylesheet
	if err := errors.Join(err, html.Close()); err != nil {
		return err
	}
	list, err := os.OpenFile(filepath.Join(dir, r.Verb+".csv"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := csv.NewWriter(list)
	rows := [][]string{{"key", "class", "rule", "path", "code", "retry"}}
	for _, p := range r.Problems {
		rows = append(rows, []string{p.Key, string(p.Class), string(p.Rule), p.Path, p.Code, strconv.FormatBool(p.Retry)})
	}
	return errors.Join(w.WriteAll(rows), list.Close())
}
