package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/report"
	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/internal/testing/node"
)

// reportOfAMonth is a report with something in every part of it.
func reportOfAMonth() *auditlog.Report {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	r := &auditlog.Report{
		Log: "example.com/audit", Generated: day.AddDate(0, 1, 0), Period: auditlog.Period{From: day, To: day.AddDate(0, 1, 0)}, Size: 81203, Unsealed: 2,
		Coverage: []auditlog.Coverage{
			{Source: "auth0:shop.eu.auth0.com", Holes: []auditlog.Hole{{Period: auditlog.Period{From: day.AddDate(0, 0, 7), To: day.AddDate(0, 0, 8)}, Reason: "retention"}}},
			{Source: "auth0:staff.eu.auth0.com"},
		},
		Failures:     []auditlog.Count{{Name: "wrong_password", N: 811}, {Name: "unknown_user", N: 240}, {Name: "mfa_rejected", N: 31}, {Name: "", N: 3}},
		UnknownCodes: []auditlog.Count{{Name: "brand_new", N: 4}}, UserCount: 4310, OrganizationsCount: 2,
		Checkpoint: "example.com/audit\n81203\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n— example.com/audit Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n",
	}
	for i := range 30 {
		t := auditlog.Tally{Succeeded: 2000 + 700*(i%7) - 40*i, Failed: 30 + 7*i, Unknown: i % 5}
		t.Total = t.Succeeded + t.Failed + t.Unknown
		r.Days = append(r.Days, auditlog.Day{Date: day.AddDate(0, 0, i).Format("2006-01-02"), Events: 3 * t.Total, Attempts: t})
		r.Events += 3 * t.Total
		r.Attempts.Total, r.Attempts.Succeeded = r.Attempts.Total+t.Total, r.Attempts.Succeeded+t.Succeeded
		r.Attempts.Failed, r.Attempts.Unknown = r.Attempts.Failed+t.Failed, r.Attempts.Unknown+t.Unknown
	}
	for i := range 40 {
		r.Users = append(r.Users, auditlog.Activity{ID: fmt.Sprintf("auth0|5f7c8ec7c33c6c004bbafe%02d", i), First: day, Last: day.AddDate(0, 0, 20), Events: 400 - i, Attempts: auditlog.Tally{Total: 90, Succeeded: 88, Failed: 2}})
		r.Changes.Entries = append(r.Changes.Entries, auditlog.Entry{Event: audit.Event{
			Time: day.Add(time.Duration(i) * 7 * time.Hour), Type: "admin", Action: "admin.sapi", Outcome: audit.Success, IP: "2001:db8::7",
			Actor: audit.Ref{Kind: "user", ID: fmt.Sprint("google-apps|admin", i, "@example.com")}, Target: audit.Ref{Kind: "client", ID: "7hOpLF2x0nGqCjVZJmLgpZjVJbvTQ1mA"}, Organization: "org_9ybsU1dN2dKfDkBi",
		}})
	}
	r.Users = append(r.Users, auditlog.Activity{ID: "p_QX2RLWTXFYO4TYDFW3YIXDWJ6I", Forgotten: true, First: day, Last: day, Events: 1})
	r.Organizations = []auditlog.Activity{{ID: "org_9ybsU1dN2dKfDkBi", First: day, Last: day, Events: 90}, {ID: "org_b", First: day, Last: day, Events: 8}}
	r.Actions = []auditlog.Count{{Name: "login.s", N: 80000}, {Name: "session.create", N: 70000}}
	r.Changes.Total = 41
	r.Reads.Total, r.Reads.Entries = 1, []auditlog.Entry{{Event: audit.Event{Time: day, Action: "audit.query", Outcome: audit.Success, Actor: audit.Ref{Kind: "user", ID: "auth0|auditor"}}}}
	return r
}

// The report is rendered as readers see it: on a phone, a tablet and a desk, light
// and dark, at 200%, and as a printed PDF. AUTH0KIT_PICTURES names a folder that
// keeps the pictures to be looked at.
func TestAuditReportInChromium(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	require.NoError(t, report.HTML(&page, reportOfAMonth()))
	axe, err := os.ReadFile(filepath.Join(node.Modules(t), "axe-core", "axe.min.js"))
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(page.Bytes())
	}))
	t.Cleanup(server.Close)
	tab := browser.Start(t)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(server.URL)))
	keep := func(name string, content []byte) {
		if dir := os.Getenv("AUTH0KIT_PICTURES"); dir != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		}
	}
	for _, width := range []int64{360, 640, 768, 1280} { // 640 is 1280 at 200%
		for _, scheme := range []string{"light", "dark"} {
			keep(fmt.Sprintf("report-%d-%s.png", width, scheme), tab.Screenshot(width, 0, scheme))
			tab.Screenshot(width, 800, scheme)
			over, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
			require.NoError(t, err)
			assert.LessOrEqual(t, over, 0, "the page scrolls sideways at %d", width)
			if width != 360 && width != 1280 {
				continue // axe judges what the widest and the narrowest page have
			}
			_, err = chromedp.Run(tab, chromedp.Evaluate[chromedp.Void](string(axe)))
			require.NoError(t, err)
			found, err := chromedp.Run(tab, chromedp.Evaluate[[]string](
				`axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes[0].html + " " + v.nodes[0].failureSummary))`, chromedp.EvalAwaitPromise))
			require.NoError(t, err)
			assert.Empty(t, found, "axe at %d, %s", width, scheme)
		}
	}
	pdf := tab.PDF()
	keep("report.pdf", pdf)
	assert.True(t, bytes.HasPrefix(pdf, []byte("%PDF")))
	assert.Empty(t, tab.ConsoleErrors())
}
