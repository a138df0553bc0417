package audittest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

func testForget(t *testing.T, h Harness) {
	ctx := t.Context()
	s := newSeal(t)
	l, again := newLog(t, h.Store, s), newLog(t, h.Again, s)
	help := login("both", "auth0|ann")
	help.Target = user("auth0|bob") // Ann's address, Bob's email
	help.Personal = map[string]string{"email": "auth0|bob@example.com"}
	put(t, l, login("a", "auth0|ann"), login("b", "auth0|bob"), help)
	seal(t, l)
	first := checkpointOf(t, l)
	noPlaintext(t, h.Store)

	must(t, l.Forget(ctx, "auth0|bob"))
	must(t, again.Forget(ctx, "auth0|bob"))    // again
	must(t, again.Forget(ctx, "auth0|nobody")) // is not in the log
	put(t, l, login("b2", "auth0|bob"), login("b3", "auth0|bob"), login("n", "auth0|nobody"))
	byID := make(map[string]auditlog.Entry)
	for _, e := range query(t, again, auditlog.Filter{}) {
		byID[e.ID] = e
	}
	if e := byID["a"]; e.Forgotten || e.Actor.ID != "auth0|ann" || e.IP == "" || e.Personal["email"] == "" {
		t.Errorf("somebody else's event: %+v", e)
	}
	for _, id := range []string{"b", "b2", "b3", "n"} {
		if e := byID[id]; !e.Forgotten || !strings.HasPrefix(e.Actor.ID, "p_") || e.IP != "" || e.UserAgent != "" || e.Personal != nil || e.Action != "login.succeed" {
			t.Errorf("an event of who is forgotten: %+v", e)
		}
	}
	if a, b, c := byID["b"].Actor.ID, byID["b2"].Actor.ID, byID["b3"].Actor.ID; a == b || a == c || b == c {
		t.Error("an event after Forget has the pseudonym of another one")
	}
	if e := byID["both"]; !e.Forgotten || e.Actor.ID != "auth0|ann" || e.IP == "" || e.Target.ID != byID["b"].Actor.ID || e.Personal != nil {
		t.Errorf("an event of both: %+v", e)
	}
	if len(query(t, again, auditlog.Filter{Subject: user("auth0|bob")})) != 0 {
		t.Error("who is forgotten is found by their id")
	}
	if got := query(t, again, auditlog.Filter{Subject: byID["b"].Actor}); len(got) != 2 {
		t.Errorf("%d events are found by the pseudonym; want 2", len(got))
	}
	if got := query(t, again, auditlog.Filter{Action: "audit.forget"}); len(got) != 2 || got[0].Target.ID != byID["b"].Actor.ID {
		t.Errorf("recorded: %+v; want one event for each person, with the pseudonym", got)
	}
	if _, there := record(t, h.Store, "key", byID["b"].Actor.ID); there {
		t.Error("the key is there")
	}
	seal(t, l)
	if r, err := l.Report(ctx, auditlog.Period{}); err != nil || r.UserCount != 5 || r.Attempts.Total != 6 {
		t.Errorf("a report counts %d users and %d logins, %v; want 5: Ann, Bob, and each event of who came back; 6", r.UserCount, r.Attempts.Total, err)
	}
	p, err := l.Prove(ctx, "b")
	must(t, err)
	_, err = p.Verify(l.VerifierKey())
	must(t, err)
	_, err = l.Verify(ctx, first)
	must(t, err)
	export(t, again, "auth0|bob", "[]\n")
	export(t, again, "auth0|ann", `"auth0|ann"`, "203.0.113.7", `"both"`)
}

func export(t *testing.T, l *auditlog.Log, userID string, want ...string) {
	t.Helper()
	var b bytes.Buffer
	must(t, l.Export(t.Context(), userID, &b))
	for _, w := range want {
		if !strings.Contains(b.String(), w) {
			t.Errorf("the export of %s lacks %s: %s", userID, w, b.String())
		}
	}
	if strings.Contains(b.String(), "bob") {
		t.Errorf("the export of %s names another person: %s", userID, b.String())
	}
}

// noPlaintext looks for personal data in everything that the store has of events.
func noPlaintext(t *testing.T, s driver.Store) {
	t.Helper()
	rows, err := s.Query(t.Context(), driver.Filter{}, 1000)
	must(t, err)
	for _, r := range rows {
		text := fmt.Sprintf("%+v %s", r, r.Leaf)
		for _, secret := range []string{"auth0|", "@example.com", "203.0.113.7", "agent of"} {
			if strings.Contains(text, secret) {
				t.Errorf("event %s has %q in clear", r.ID, secret)
			}
		}
	}
}

func testHold(t *testing.T, h Harness) {
	ctx := t.Context()
	s := newSeal(t)
	l, again := newLog(t, h.Store, s), newLog(t, h.Again, s)
	other := login("o", "auth0|eve")
	other.Organization = "org_2"
	help := login("both", "auth0|dan")
	help.Target, help.Personal = user("auth0|bob"), nil
	put(t, l, login("a", "auth0|ann"), login("b", "auth0|bob"), other, help)

	must(t, l.Hold(ctx, auditlog.Hold{Name: "bob", Reason: "case 1", Filter: auditlog.Filter{Subject: user("auth0|bob")}}))
	must(t, l.Hold(ctx, auditlog.Hold{Name: "org", Reason: "case 2", Filter: auditlog.Filter{Organization: "org_2"}}))
	for id, want := range map[string]error{"auth0|bob": auditlog.ErrHeld, "auth0|eve": auditlog.ErrHeld, "auth0|dan": auditlog.ErrHeld, "auth0|ann": nil} {
		wantError(t, again.Forget(ctx, id), want, "forgetting "+id)
	}
	if e := query(t, again, auditlog.Filter{Subject: user("auth0|eve"), Type: "login"}); len(e) != 1 || e[0].Forgotten {
		t.Errorf("after a refused Forget: %+v", e)
	}
	wantError(t, again.Release(ctx, "nobody", "r"), auditlog.ErrNotFound, "releasing what is not there")
	must(t, again.Release(ctx, "bob", "closed"))
	must(t, l.Forget(ctx, "auth0|bob"))
	must(t, l.Forget(ctx, "auth0|dan"))
	wantError(t, l.Forget(ctx, "auth0|eve"), auditlog.ErrHeld, "forgetting after another hold was released")
	var actions []string
	for _, e := range query(t, l, auditlog.Filter{Type: "audit"}) {
		if e.Target.Kind == "hold" {
			actions = append(actions, e.Action+" "+e.Target.ID)
		}
	}
	if got := strings.Join(actions, ", "); got != "audit.hold bob, audit.hold org, audit.release bob" {
		t.Errorf("recorded: %s", got)
	}
}

func testExpiry(t *testing.T, h Harness) {
	ctx := t.Context()
	s := newSeal(t)
	l, again := newLog(t, h.Store, s), newLog(t, h.Again, s)
	at := func(id string, m time.Month, day int) audit.Event {
		e := login(id, "auth0|"+id)
		e.Time = time.Date(2025, m, day, 1, 2, 3, 123456789, time.UTC)
		return e
	}
	put(t, l, at("jan", 1, 31), at("feb", 2, 1), at("mar", 3, 1), at("jan2", 1, 1), at("apr", 4, 30))
	seal(t, l)
	first := checkpointOf(t, l)
	must(t, l.Hold(ctx, auditlog.Hold{Name: "feb", Reason: "case", Filter: auditlog.Filter{Subject: user("auth0|feb")}}))
	seal(t, l)

	plan, err := l.PlanExpiry(ctx, time.Date(2025, 4, 15, 0, 0, 0, 0, time.UTC))
	must(t, err)
	if plan.Events != 3 || fmt.Sprint(plan.Held) != "[feb]" {
		t.Fatalf("the plan removes %d events, held by %v; want 3, [feb]", plan.Events, plan.Held)
	}
	stale, err := again.PlanExpiry(ctx, time.Date(2025, 4, 15, 0, 0, 0, 0, time.UTC))
	must(t, err)
	must(t, l.Apply(ctx, plan))
	wantError(t, again.Apply(ctx, stale), auditlog.ErrDrift, "a plan from before another one was applied")
	if rows := find(t, h.Again, "jan", "feb", "mar", "jan2", "apr"); len(rows) != 2 {
		t.Errorf("left are %v; want feb and apr", idsOf(rows))
	}
	seal(t, l)
	v, err := again.Verify(ctx, first)
	must(t, err)
	if v.Expired != 3 || v.Events != v.Size-3 {
		t.Errorf("verified %+v; want 3 expired", v)
	}
	put(t, again, at("feb3", 2, 3), at("mar2", 3, 3)) // late
	must(t, again.Release(ctx, "feb", "closed"))
	seal(t, l)
	plan, err = again.PlanExpiry(ctx, time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC))
	must(t, err)
	must(t, again.Apply(ctx, plan))
	seal(t, l)
	if v, err := l.Verify(ctx, first); err != nil || v.Expired != 6 {
		t.Errorf("after a second expiry: %+v, %v; want 6 expired", v, err)
	}
	if h.Tamper != nil { // what nobody expired is not excused
		must(t, h.Tamper.Delete("apr"))
		_, err := l.Verify(ctx, first)
		wantTampered(t, err, auditlog.TamperError{Index: 4, Last: 4, Kind: "deleted"})
	}
}
