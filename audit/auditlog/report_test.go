package auditlog_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

func userRef(id string) audit.Ref { return audit.Ref{Kind: "user", ID: id} }

func put(t *testing.T, l *auditlog.Log, events ...audit.Event) {
	t.Helper()
	for _, e := range events {
		require.NoError(t, audit.Record(t.Context(), l, e))
	}
}

// model counts as the documentation of Tally says, from all events at once.
type model struct {
	events   int
	tally    auditlog.Tally
	failures map[string]int
	users    map[string]int
	days     map[string]int
}

func modelOf(events []audit.Event, org string, from, to time.Time) model {
	m := model{failures: map[string]int{}, users: map[string]int{}, days: map[string]int{}}
	attempts, last := map[string][]audit.Event{}, map[string]audit.Event{}
	for _, e := range events {
		if org != "" && e.Organization != org || e.Time.Before(from) || !e.Time.Before(to) {
			continue
		}
		m.events++
		m.users[e.Actor.ID]++
		m.days[e.Time.Format("2006-01-02")]++
		if e.Type == "login" && e.OnBehalfOf.IsZero() {
			if before := last[e.Correlation]; before.ID == "" || before.Actor != e.Actor { // another user's
				last[e.Correlation] = e
			}
			first := last[e.Correlation].ID
			attempts[first] = append(attempts[first], e)
		}
	}
	for _, some := range attempts {
		m.tally.Total++
		best, reason := audit.Unknown, ""
		for _, e := range some {
			if best != audit.Success && e.Outcome != audit.Unknown && (best == audit.Unknown || e.Outcome == audit.Success) {
				best, reason = e.Outcome, e.Reason
			}
		}
		switch best {
		case audit.Success:
			m.tally.Succeeded++
		case audit.Failure:
			m.tally.Failed++
			m.failures[reason]++
		default:
			m.tally.Unknown++
		}
	}
	return m
}

func (m model) equal(t *testing.T, r *auditlog.Report) {
	t.Helper()
	assert.Equal(t, m.events, r.Events)
	assert.Equal(t, m.tally, r.Attempts)
	failures, users, days := map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range r.Failures {
		failures[f.Name] = f.N
	}
	for _, u := range r.Users {
		users[u.ID] = u.Events
	}
	for _, d := range r.Days {
		days[d.Date] = d.Events
	}
	assert.Equal(t, m.failures, failures)
	assert.Equal(t, m.users, users)
	assert.Equal(t, m.days, days)
}

// A report counts what a reading of all events counts, however the sums were cut
// into steps.
func TestReportCountsLikeAReadingOfAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
		go l.Run(ctx)
		var all []audit.Event
		for i := range 600 {
			e := audit.Event{
				ID: fmt.Sprint("e", i), Time: time.Now(), Type: []string{"login", "login", "session"}[rand.N(3)],
				Actor: userRef(fmt.Sprint("auth0|", (i/4+rand.N(8)/7)%7)), Outcome: audit.Outcome(rand.N(3)), // now and then another one's
				Organization: []string{"", "org_a", "org_b"}[i/4%3], Correlation: fmt.Sprint("c", i/4),
			}
			if e.Action = e.Type + ".do"; e.Outcome == audit.Failure {
				e.Reason = []string{"wrong_password", "blocked"}[rand.N(2)]
			}
			if rand.N(10) == 0 {
				e.OnBehalfOf, e.Actor = e.Actor, userRef("auth0|owner")
			}
			put(t, l, e)
			if e.OnBehalfOf != (audit.Ref{}) {
				e.Actor = e.OnBehalfOf // who is active
			}
			all = append(all, e)
			if i%4 < 3 {
				time.Sleep(rand.N(90 * time.Second))
			} else {
				time.Sleep(rand.N(40 * time.Minute))
			}
		}
		time.Sleep(time.Second * time.Duration(rand.N(100)+2))
		first := all[0].Time.UTC().Truncate(24 * time.Hour)
		for _, org := range []string{"org_a", "org_b"} {
			trail, err := l.Trail(org)
			require.NoError(t, err)
			r, err := trail.Report(ctx, auditlog.Period{From: first, To: first.AddDate(0, 1, 0)})
			require.NoError(t, err)
			modelOf(all, org, first, first.AddDate(0, 1, 0)).equal(t, r)
		}
		// An attempt is of the day on which it began, so that only the whole period is
		// what the model counts.
		r, err := l.Report(ctx, auditlog.Period{From: first, To: first.AddDate(0, 1, 0)})
		require.NoError(t, err)
		total := modelOf(all, "", first, first.AddDate(0, 1, 0))
		assert.Equal(t, total.tally, r.Attempts)
		assert.Equal(t, total.users, func() map[string]int {
			users := map[string]int{}
			for _, u := range r.Users {
				users[u.ID] = u.Events
			}
			return users
		}())
		assert.Len(t, r.Organizations, 2)
		stop()
	})
}

func TestReportListsWhatAuditorsAskFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(audit.NewContext(t.Context(), audit.Origin{Actor: userRef("auth0|auditor")}))
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
		go l.Run(ctx)
		ann := userRef("auth0|ann")
		put(t, l,
			audit.Event{Type: "admin", Action: "admin.sapi", Actor: ann, Outcome: audit.Success},
			audit.Event{Type: "guardian", Action: "guardian.enroll", Actor: ann, Target: ann, Outcome: audit.Success, Personal: map[string]string{"phone": "+1"}},
			audit.Event{Type: "session", Action: "session.revoke", Actor: ann, Target: ann, Outcome: audit.Success},
			audit.Event{Type: "detection", Action: "detection.password_spray", Target: audit.Ref{Kind: "tenant", ID: "t"}, Outcome: audit.Success},
			audit.Event{Type: "unknown", Action: "unknown.brand_new", Source: "auth0"},
		)
		for range l.Query(ctx, auditlog.Filter{}) {
			break
		}
		time.Sleep(3500 * time.Millisecond) // between two steps of Run
		r, err := l.Report(ctx, auditlog.Period{})
		require.NoError(t, err)
		for name, s := range map[string]auditlog.Section{
			"admin.sapi": r.Changes, "guardian.enroll": r.Factors, "session.revoke": r.Revocations,
			"detection.password_spray": r.Findings, "audit.query": r.Reads,
		} {
			if assert.Equal(t, 1, s.Total, name) && assert.Len(t, s.Entries, 1, name) {
				assert.Equal(t, name, s.Entries[0].Action)
				assert.Nil(t, s.Entries[0].Personal)
			}
		}
		assert.Equal(t, []auditlog.Count{{Name: "brand_new", N: 1}}, r.UnknownCodes)
		assert.Equal(t, 1, r.Unsealed, "the report's own record")

		// Once forgotten, only the pseudonym is left.
		require.NoError(t, l.Forget(ctx, "auth0|ann"))
		time.Sleep(3 * time.Second)
		r, err = l.Report(ctx, auditlog.Period{})
		require.NoError(t, err)
		var text bytes.Buffer
		require.NoError(t, l.SignReport(r, &text))
		assert.NotContains(t, text.String(), "auth0|ann")
		assert.Contains(t, text.String(), "p_")
		assert.Contains(t, text.String(), "auth0|auditor")
		read, err := auditlog.VerifyReport(bytes.NewReader(text.Bytes()), l.VerifierKey())
		require.NoError(t, err)
		assert.Equal(t, r, read)
		_, err = auditlog.VerifyReport(strings.NewReader(strings.Replace(text.String(), `"succeeded":0`, `"succeeded":1`, 1)), l.VerifierKey())
		require.Error(t, err)
		_, other, err := auditlog.GenerateKey("example.com/audit")
		require.NoError(t, err)
		_, err = auditlog.VerifyReport(bytes.NewReader(text.Bytes()), other)
		require.ErrorIs(t, err, auditlog.ErrOtherLog)
		stop()
	})
}

// An organization that changes its streams all day hides no change of the tenant, of that
// day or a later one.
func TestReportWhileAnOrganizationFloods(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
		go l.Run(t.Context())
		flood := func() {
			for i := range 700 {
				put(t, l, audit.Event{ID: fmt.Sprint(time.Now().Unix(), "-", i), Type: "audit", Action: "audit.stream_put", Outcome: audit.Success, Organization: "org_a"})
			}
		}
		flood()
		time.Sleep(time.Second)
		put(t, l, audit.Event{ID: "first", Type: "admin", Action: "admin.sapi", Outcome: audit.Success})
		time.Sleep(48 * time.Hour)
		flood()
		put(t, l, audit.Event{ID: "second", Type: "audit", Action: "audit.sink_pause", Outcome: audit.Success})
		time.Sleep(2 * time.Minute)
		r, err := l.Report(t.Context(), auditlog.Period{})
		require.NoError(t, err)
		assert.Equal(t, 1402, r.Changes.Total)
		require.Len(t, r.Changes.Entries, 500)
		var listed []string
		for _, e := range r.Changes.Entries {
			if e.Organization == "" {
				listed = append(listed, e.ID)
			}
		}
		assert.Equal(t, []string{"first", "second"}, listed)
	})
}

func TestReportPeriods(t *testing.T) {
	t.Parallel()
	l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	day := noon.Truncate(24 * time.Hour)
	for _, p := range []auditlog.Period{{From: day, To: day}, {From: noon, To: noon.Add(-time.Hour)}, {From: day, To: day.AddDate(0, 0, -1)}} {
		_, err := l.Report(t.Context(), p)
		require.Error(t, err, p)
	}
	r, err := l.Report(t.Context(), auditlog.Period{}) // of an empty log
	require.NoError(t, err)
	assert.Zero(t, r.Attempts)
	_, err = r.Attempts.SuccessRate()
	require.ErrorIs(t, err, auditlog.ErrNoAttempts)
	rate, err := auditlog.Tally{Total: 9, Succeeded: 3, Failed: 1, Unknown: 5}.SuccessRate()
	require.NoError(t, err)
	assert.InDelta(t, 0.75, rate, 1e-9)
}

// Reports of the parts of some days add up to the report of these days, which is made of
// stored sums: nothing is in two parts, and nothing in none, attempts neither.
func TestReportsOfPartsOfDaysAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
		go l.Run(ctx)
		begin := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
		time.Sleep(time.Until(begin) + 14*time.Hour)
		for i := range 120 {
			e := audit.Event{
				Type: []string{"login", "session"}[rand.N(2)], Actor: userRef(fmt.Sprint("auth0|", rand.N(7))), Outcome: audit.Outcome(rand.N(3)),
				Organization: []string{"", "org_a"}[rand.N(2)], Correlation: fmt.Sprint("c", i/4),
			}
			if e.Action = e.Type + ".do"; e.Outcome == audit.Failure {
				e.Reason = []string{"wrong_password", "blocked"}[rand.N(2)]
			}
			put(t, l, e)
			time.Sleep(rand.N(16 * time.Minute))
		}
		end := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
		time.Sleep(time.Hour)
		trail, err := l.Trail("org_a")
		require.NoError(t, err)
		for range 5 {
			cuts := []time.Time{begin, begin.Add(rand.N(end.Sub(begin))), begin.Add(rand.N(end.Sub(begin))), begin.Add(rand.N(end.Sub(begin))), end}
			slices.SortFunc(cuts, time.Time.Compare)
			for _, of := range []func(context.Context, auditlog.Period) (*auditlog.Report, error){l.Report, trail.Report} {
				whole, err := of(ctx, auditlog.Period{From: begin, To: end})
				require.NoError(t, err)
				var parts auditlog.Report
				counts := map[string]int{}
				add := func(r *auditlog.Report, n int) {
					for _, c := range slices.Concat(r.Failures, r.Actions) {
						if c.Name != "audit.report" { // each report is an event
							counts[c.Name] += n * c.N
						}
					}
					for _, u := range r.Users {
						counts[u.ID] += n * u.Events
						counts[u.ID+" logins"] += n * u.Attempts.Total
					}
				}
				add(whole, -1)
				for i, from := range cuts[:4] {
					if !from.Before(cuts[i+1]) {
						continue
					}
					r, err := of(ctx, auditlog.Period{From: from, To: cuts[i+1]})
					require.NoError(t, err)
					assert.True(t, r.From.Equal(from) && r.To.Equal(cuts[i+1]))
					parts.Attempts.Total += r.Attempts.Total
					parts.Attempts.Succeeded += r.Attempts.Succeeded
					parts.Attempts.Failed += r.Attempts.Failed
					parts.Attempts.Unknown += r.Attempts.Unknown
					add(r, 1)
				}
				assert.Equal(t, whole.Attempts, parts.Attempts)
				for name, n := range counts {
					assert.Zero(t, n, name)
				}
			}
		}
		open, err := l.Report(ctx, auditlog.Period{From: begin.Add(time.Hour)})
		require.NoError(t, err)
		assert.True(t, open.From.Equal(begin.Add(time.Hour)))
		stop()
	})
}

// A trail has all of its organization's events and none of another's.
func TestTrailReachesNothingBeyond(t *testing.T) {
	t.Parallel()
	l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
	orgs := []string{"", "org_a", "org_b", "org_a ", "ORG_A"}
	want := map[string][]string{}
	for i := range 200 {
		e := event(fmt.Sprintf("e%03d", i))
		e.Organization = orgs[rand.N(len(orgs))]
		put(t, l, e)
		want[e.Organization] = append(want[e.Organization], e.ID)
	}
	seal(t, l)
	for _, org := range orgs[1:] {
		trail, err := l.Trail(org)
		require.NoError(t, err)
		var got []string
		for e, err := range trail.Query(t.Context(), auditlog.Filter{Type: "session"}) {
			require.NoError(t, err)
			got = append(got, e.ID)
		}
		assert.Equal(t, want[org], got)
		r, err := trail.Report(t.Context(), auditlog.Period{})
		require.NoError(t, err)
		assert.Equal(t, org, r.Organization)
		assert.Empty(t, r.Organizations)
		assert.Equal(t, len(got), r.Events)
		for other, ids := range want {
			_, err := trail.Prove(t.Context(), ids[0])
			if other == org {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, auditlog.ErrNotFound)
			}
		}
		for _, err := range trail.Query(t.Context(), auditlog.Filter{Organization: "org_c"}) {
			require.Error(t, err)
		}
		var archive bytes.Buffer
		require.NoError(t, trail.Archive(t.Context(), &archive, auditlog.Filter{Type: "session"}))
		assert.Equal(t, len(got), strings.Count(archive.String(), `"leaf"`))
	}
	for _, bad := range []string{"", strings.Repeat("x", 300)} {
		_, err := l.Trail(bad)
		require.Error(t, err)
	}
}
