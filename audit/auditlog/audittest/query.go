package audittest

import (
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

func testQuery(t *testing.T, h Harness) {
	ctx := t.Context()
	plain := func(id string, change func(*driver.Event)) driver.Event {
		e := driver.Event{ID: id, At: kept, Type: "t", Action: "t.a", LoggedAt: kept, Leaf: []byte(id)}
		change(&e)
		return e
	}
	must(t, h.Store.Append(ctx, batch(
		plain("1", func(e *driver.Event) { e.Actor = "user:p_A" }),
		plain("2", func(e *driver.Event) { e.OnBehalfOf = "user:p_A" }),
		plain("3", func(e *driver.Event) { e.Target = "user:p_A" }),
		plain("4", func(e *driver.Event) { e.Actor, e.Target = "user:p_a", "user:p_A " }),
		plain("5", func(e *driver.Event) { e.Type, e.Action = "u", "u.b" }),
		plain("6", func(e *driver.Event) { e.Action = "t.b" }),
		plain("7", func(e *driver.Event) { e.Organization = "org_1" }),
		plain("8", func(e *driver.Event) { e.Organization, e.Correlation = "ORG_1", "c" }),
		plain("9", func(e *driver.Event) { e.Outcome, e.At = audit.Success, kept.Add(time.Microsecond) }),
	)))
	success, unknown := audit.Success, audit.Unknown
	for _, c := range []struct {
		rule string
		f    driver.Filter
		want []string
	}{
		{"the zero filter", driver.Filter{}, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
		{"a subject in three roles, by the exact bytes", driver.Filter{Subject: "user:p_A"}, []string{"1", "2", "3"}},
		{"type", driver.Filter{Type: "u"}, []string{"5"}},
		{"action", driver.Filter{Action: "t.b"}, []string{"6"}},
		{"organization, by the exact bytes", driver.Filter{Organization: "org_1"}, []string{"7"}},
		{"correlation", driver.Filter{Correlation: "c"}, []string{"8"}},
		{"outcome", driver.Filter{Outcome: &success}, []string{"9"}},
		{"the unknown outcome", driver.Filter{Outcome: &unknown, Type: "u"}, []string{"5"}},
		{"from, included", driver.Filter{From: kept.Add(time.Microsecond)}, []string{"9"}},
		{"to, not included", driver.Filter{To: kept.Add(time.Microsecond), Type: "u"}, []string{"5"}},
		{"all together", driver.Filter{Subject: "user:p_A", Type: "t", Action: "t.a", Outcome: &unknown, From: kept, To: kept.Add(1e6)}, []string{"1", "2", "3"}},
		{"after", driver.Filter{AfterAt: kept, AfterID: "7"}, []string{"8", "9"}},
		{"after the last of a time", driver.Filter{AfterAt: kept, AfterID: "8"}, []string{"9"}},
		{"nobody", driver.Filter{Subject: "user:p_Z"}, nil},
		{"a hostile value", driver.Filter{Organization: "' OR 1=1 --"}, nil},
	} {
		rows, err := h.Again.Query(ctx, c.f, 100)
		must(t, err)
		wantIDs(t, rows, c.rule, c.want...)
	}
}

func testQueryOrder(t *testing.T, h Harness) {
	ctx := t.Context()
	at := func(id string, second int) driver.Event {
		e := event(second)
		e.ID = id
		return e
	}
	must(t, h.Store.Append(ctx, batch(at("b", 2), at("B", 2), at("z", 1), at("a", 2))))
	must(t, h.Store.Append(ctx, batch(at("y", 3), at("a_", 2), at("A", 0))))
	want := []string{"A", "z", "B", "a", "a_", "b", "y"}
	rows, err := h.Again.Query(ctx, driver.Filter{}, 100)
	must(t, err)
	wantIDs(t, rows, "by time, then id", want...)

	for _, subject := range []string{"", "user:p_B"} { // page by page, in two ways
		f := driver.Filter{Subject: subject}
		var got []driver.Row
		for range 10 {
			rows, err := h.Again.Query(ctx, f, 2)
			must(t, err)
			got = append(got, rows...)
			if len(rows) < 2 {
				break
			}
			f.AfterAt, f.AfterID = rows[1].At, rows[1].ID
		}
		wantIDs(t, got, "in pages of two, with subject "+subject, want...)
	}
}
