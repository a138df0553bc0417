package audittest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// testReport ingests two days of another log and reads them back as sums, once
// while they are only sealed and once more with what came later.
func testReport(t *testing.T, h Harness) {
	s := newSeal(t)
	l, again := newLog(t, h.Store, s), newLog(t, h.Again, s)
	day := noon.Truncate(24 * time.Hour)
	batch := func(first, n int, after, cursor string) {
		t.Helper()
		var events []audit.Event
		for i := first; i < first+n; i++ {
			e := login(fmt.Sprint("r", i), fmt.Sprint("auth0|", i%3))
			e.Time, e.Correlation = day.Add(time.Duration(i)*time.Hour), fmt.Sprint("login ", i)
			if i%4 == 0 {
				e.Outcome, e.Reason = audit.Failure, "wrong_password"
			}
			events = append(events, e)
		}
		covered := auditlog.Period{From: day, To: day.Add(time.Duration(first+n) * time.Hour)}
		added, err := l.Ingest(t.Context(), auditlog.Batch{Source: "auth0:t", After: after, Cursor: cursor, Covered: covered, Events: append(events, events[0])})
		must(t, err)
		if added != n {
			t.Errorf("%d events were new; want %d", added, n)
		}
	}
	check := func(n, failed int) {
		t.Helper()
		trail, err := again.Trail("org_1")
		must(t, err)
		p := auditlog.Period{From: day, To: day.AddDate(0, 0, 2)}
		for _, report := range []func() (*auditlog.Report, error){
			func() (*auditlog.Report, error) { return l.Report(t.Context(), p) },
			func() (*auditlog.Report, error) { return trail.Report(t.Context(), p) },
		} {
			r, err := report()
			must(t, err)
			want := auditlog.Tally{Total: n, Succeeded: n - failed, Failed: failed}
			if r.Events != n || r.Attempts != want || r.UserCount != 3 || len(r.Users) != 3 || !strings.HasPrefix(r.Users[0].ID, "auth0|") {
				t.Errorf("a report has %d events, %+v, users %+v; want %d and %+v", r.Events, r.Attempts, r.Users, n, want)
			}
			if len(r.Failures) != 1 || r.Failures[0] != (auditlog.Count{Name: "wrong_password", N: failed}) {
				t.Errorf("failures %v", r.Failures)
			}
		}
	}
	batch(0, 24, "", "one")
	seal(t, l)
	check(24, 6)
	batch(24, 8, "one", "two")
	seal(t, again)
	check(32, 8)
	_, err := again.Ingest(t.Context(), auditlog.Batch{Source: "auth0:t", After: "one", Cursor: "two"})
	wantError(t, err, auditlog.ErrCursorMoved, "a cursor that another process has moved")
}
