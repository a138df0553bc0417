package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/report"
)

const hostile = `=cmd|' /C calc'!A0"></title><script>alert(1)</script>`

func some() *auditlog.Report {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	r := &auditlog.Report{
		Log: "example.com/audit", Generated: day.AddDate(0, 1, 0), Period: auditlog.Period{From: day, To: day.AddDate(0, 1, 0)},
		Events: 1234567, Unsealed: 2, Expired: 7, Checkpoint: "example.com/audit\n5\nroot\n\n— example.com/audit sig\n",
		Attempts: auditlog.Tally{Total: 12, Succeeded: 9, Failed: 2, Unknown: 1},
		Coverage: []auditlog.Coverage{{Source: "auth0:" + hostile, Period: auditlog.Period{From: day, To: day.AddDate(0, 1, 0)}, Holes: []auditlog.Hole{
			{Period: auditlog.Period{From: day, To: day.AddDate(0, 0, 3)}, Reason: "retention"},
		}}},
		Failures:     []auditlog.Count{{Name: "wrong_password", N: 2}},
		UnknownCodes: []auditlog.Count{{Name: "brand_new", N: 1}},
		Users:        []auditlog.Activity{{ID: "auth0|" + hostile, Events: 5}, {ID: "p_X", Forgotten: true, Events: 1}}, UserCount: 300,
		Organizations: []auditlog.Activity{{ID: hostile, Events: 3}}, OrganizationsCount: 1,
		Changes: auditlog.Section{Total: 900, Entries: []auditlog.Entry{{Event: audit.Event{
			ID: "e1", Time: day, Type: "admin", Action: "admin.sapi", Actor: audit.Ref{Kind: "user", ID: hostile}, OnBehalfOf: audit.Ref{Kind: "agent", ID: "a"},
			Outcome: audit.Failure, Reason: "denied", IP: "203.0.113.7", Organization: hostile,
		}}}},
	}
	for i := range 30 {
		r.Days = append(r.Days, auditlog.Day{Date: day.AddDate(0, 0, i).Format("2006-01-02"), Events: i, Attempts: auditlog.Tally{Total: i, Succeeded: i / 2, Failed: i - i/2}})
	}
	return r
}

func TestHTML(t *testing.T) {
	t.Parallel()
	r := some()
	r.Organization = hostile
	var page bytes.Buffer
	require.NoError(t, report.HTML(&page, r))
	text := page.String()
	assert.NotContains(t, text, "<script", "what is in an event must stay text")
	assert.NotRegexp(t, regexp.MustCompile(`(?i)(src|href)=|url\(|@import`), text, "the page loads something")
	assert.Equal(t, 1, strings.Count(text, "<h1>"))
	// What is not known comes before every figure.
	assert.Less(t, strings.Index(text, "What is not known"), strings.Index(text, "Success rate"))
	for _, want := range []string{"81.8%", "1,234,567", "lost: removed at the source", "p_X (forgotten)", "through agent a", "1 of 900 are listed", "brand_new", "2 recorded events", "7 events"} {
		assert.Contains(t, text, want)
	}
	assert.Equal(t, 30, strings.Count(text, `<g><title>`), "a bar for each day")
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else {
				require.NoError(t, err)
			}
		}
	}
}

func TestHTMLOfNothingAndOfYears(t *testing.T) {
	t.Parallel()
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, years := range []int{1, 7, 900} {
		r := &auditlog.Report{Period: auditlog.Period{From: day, To: day.AddDate(years, 0, 0)}}
		var page bytes.Buffer
		require.NoError(t, report.HTML(&page, r))
		assert.Contains(t, page.String(), "No hole is known")
		assert.Contains(t, page.String(), "not known</dd>", "there is no rate of nothing")
		assert.NotContains(t, page.String(), "NaN")
		r.Days = []auditlog.Day{{Date: "2020-01-09", Attempts: auditlog.Tally{Total: 3, Failed: 3}}}
		page.Reset()
		require.NoError(t, report.HTML(&page, r))
		if years < 900 {
			assert.Contains(t, page.String(), "Logins by week")
			assert.Contains(t, page.String(), "2020-01-08: 0 succeeded, 3 failed")
		}
	}
}

// A period of parts of days says so, and has a bar for each of its days.
func TestHTMLOfPartsOfDays(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	r := &auditlog.Report{Period: auditlog.Period{From: day.Add(22 * time.Hour), To: day.AddDate(0, 0, 2).Add(22 * time.Hour)}}
	for i := range 3 {
		r.Days = append(r.Days, auditlog.Day{Date: day.AddDate(0, 0, i).Format("2006-01-02"), Events: 1, Attempts: auditlog.Tally{Total: 1, Succeeded: 1}})
	}
	var out bytes.Buffer
	require.NoError(t, report.HTML(&out, r))
	assert.Contains(t, out.String(), "2026-11-24 22:00 to 2026-11-26 22:00, the end excluded.")
	assert.Contains(t, out.String(), "26 Nov", "the last day has its bar")
}

func TestCSV(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, report.CSV(&out, some()))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	sections := map[string]int{}
	for _, row := range rows {
		sections[row[0]]++
		for _, cell := range row {
			if cell != "" {
				assert.NotContains(t, "=+-@\t\r", cell[:1], cell)
			}
		}
	}
	assert.Equal(t, 30, sections["day"])
	for _, s := range []string{"coverage", "hole", "logins", "failure", "user", "organization", "changes", "unknown_code", "unsealed"} {
		assert.NotZero(t, sections[s], s)
	}
	require.Error(t, report.CSV(failing{}, some()))
	require.Error(t, report.HTML(failing{}, some()))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func ExampleCSV() {
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	r := &auditlog.Report{ // of Log.Report
		Log: "example.com/audit", Period: auditlog.Period{From: day, To: day.AddDate(0, 0, 1)},
		Events: 4, Attempts: auditlog.Tally{Total: 2, Succeeded: 1, Failed: 1},
	}
	var out bytes.Buffer
	if err := report.CSV(&out, r); err != nil {
		fmt.Println(err)
	}
	for _, line := range strings.Split(out.String(), "\n")[1:5] {
		fmt.Println(line)
	}
	// Output:
	// report,example.com/audit,2026-11-24T00:00:00Z,2026-11-25T00:00:00Z,4,,,,,,,,,,,,,
	// unsealed,,,,0,,,,,,,,,,,,,
	// expired,,,,0,,,,,,,,,,,,,
	// logins,,,,4,2,1,1,0,,,,,,,,,
}

func ExampleHTML() {
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	r := &auditlog.Report{Log: "example.com/audit", Period: auditlog.Period{From: day, To: day.AddDate(0, 0, 1)}} // of Log.Report
	var page bytes.Buffer
	err := report.HTML(&page, r)
	fmt.Println(strings.Contains(page.String(), "What is not known"), err)
	// Output: true <nil>
}

// A spreadsheet of another country splits at semicolons, and takes wide signs for signs.
func TestCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "@SUM(A1)": "'@SUM(A1)", "-1": "'-1", "\t=1": "'\t'=1", "＝1": "'＝1", "＠A": "'＠A",
		"samlp|shop|x;=HYPERLINK(1)": "samlp|shop|x;'=HYPERLINK(1)", "x;\"=1": "x;\"'=1", "x,-1": "x,'-1",
		"auth0|a-b@example.com": "auth0|a-b@example.com", "org_1=2": "org_1=2", "": "",
	} {
		r := some()
		r.Users = []auditlog.Activity{{ID: cell}}
		var out bytes.Buffer
		require.NoError(t, report.CSV(&out, r))
		rows, err := csv.NewReader(&out).ReadAll()
		require.NoError(t, err)
		for _, row := range rows {
			if row[0] == "user" {
				assert.Equal(t, want, row[1])
			}
		}
	}
}
