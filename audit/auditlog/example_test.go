package auditlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

func exampleLog() *auditlog.Log {
	key, _, err := auditlog.GenerateKey("example.com/audit")
	if err != nil {
		log.Fatal(err)
	}
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef")) // from a secret store
	if err != nil {
		log.Fatal(err)
	}
	events, err := auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{})
	if err != nil {
		log.Fatal(err)
	}
	return events
}

// waitSealed runs the log until everything is sealed.
func waitSealed(ctx context.Context, events *auditlog.Log) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- events.Run(ctx) }()
	for {
		s, err := events.Status(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if s.Unsealed == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	<-done
}

func Example() {
	ctx := audit.NewContext(context.Background(), audit.Origin{
		Actor: audit.Ref{Kind: "user", ID: "auth0|ann"}, IP: "203.0.113.7",
	})
	events := exampleLog() // auditlog.New
	go events.Run(ctx)     // seals; here waitSealed does it

	err := audit.Record(ctx, events, audit.Event{
		Type: "session", Action: "session.revoke", Outcome: audit.Success,
		Target: audit.Ref{Kind: "user", ID: "auth0|bob"},
	})
	fmt.Println(err)
	for e, err := range events.Query(ctx, auditlog.Filter{Type: "session"}) {
		fmt.Println(e.Actor.ID, e.Action, e.Target.ID, e.IP, err)
	}
	// Output:
	// <nil>
	// auth0|ann session.revoke auth0|bob 203.0.113.7 <nil>
}

func ExampleLog_Verify() {
	ctx := context.Background()
	events := exampleLog()
	for range 3 {
		if err := audit.Record(ctx, events, audit.Event{Type: "session", Action: "session.create"}); err != nil {
			log.Fatal(err)
		}
	}
	waitSealed(ctx, events)

	v, err := events.Verify(ctx)
	fmt.Println(v.Size, errors.Is(err, auditlog.ErrTailNotProved))

	kept, err := events.Checkpoint(ctx) // to be kept outside of the store
	if err != nil {
		log.Fatal(err)
	}
	v, err = events.Verify(ctx, kept)
	fmt.Println(v.Size, v.ProvedTo, err)
	// Output:
	// 3 true
	// 3 3 <nil>
}

func ExampleLog_Prove() {
	ctx := context.Background()
	events := exampleLog()
	err := audit.Record(ctx, events, audit.Event{ID: "1", Type: "session", Action: "session.create", Actor: audit.Ref{Kind: "user", ID: "auth0|ann"}})
	if err != nil {
		log.Fatal(err)
	}
	waitSealed(ctx, events)

	p, err := events.Prove(ctx, "1")
	if err != nil {
		log.Fatal(err)
	}
	text, _ := p.MarshalText() // to the auditor, who has events.VerifierKey()

	var received auditlog.Proof
	if err := received.UnmarshalText(text); err != nil {
		log.Fatal(err)
	}
	e, err := received.Verify(events.VerifierKey())
	fmt.Println(e.Action, err)
	received.Leaf = bytes.Replace(received.Leaf, []byte("create"), []byte("revoke"), 1)
	_, err = received.Verify(events.VerifierKey())
	fmt.Println(err)
	// Output:
	// session.create <nil>
	// auditlog: the proof does not show that the event is in the log
}

func ExampleLog_Forget() {
	ctx := context.Background()
	events := exampleLog()
	bob := audit.Ref{Kind: "user", ID: "auth0|bob"}
	err := audit.Record(ctx, events, audit.Event{
		Type: "mfa", Action: "mfa.enroll", Target: bob, Personal: map[string]string{"phone": "+15550100"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(events.Forget(ctx, "auth0|bob"))
	for e := range events.Query(ctx, auditlog.Filter{Type: "mfa"}) {
		fmt.Println(e.Action, e.Forgotten, e.Target.ID[:2], len(e.Target.ID), e.Personal)
	}
	// Output:
	// <nil>
	// mfa.enroll true p_ 28 map[]
}

func ExampleLog_Report() {
	ctx := context.Background()
	events := exampleLog() // auditlog.New
	user := audit.Ref{Kind: "user", ID: "auth0|ann"}
	for _, e := range []audit.Event{
		{Action: "login.fp", Outcome: audit.Failure, Reason: "wrong_password", Correlation: "first"},
		{Action: "login.s", Outcome: audit.Success, Correlation: "first"}, // the same login
		{Action: "login.fp", Outcome: audit.Failure, Reason: "wrong_password", Correlation: "second"},
	} {
		e.Type, e.Actor = "login", user
		if err := audit.Record(ctx, events, e); err != nil {
			log.Fatal(err)
		}
	}
	waitSealed(ctx, events) // Run does it

	r, err := events.Report(ctx, auditlog.Period{})
	if err != nil {
		log.Fatal(err)
	}
	rate, err := r.Attempts.SuccessRate()
	fmt.Println(r.Events, "events,", r.Attempts.Total, "logins,", rate, err)
	fmt.Println(r.Failures, r.Users[0].ID)
	// Output:
	// 3 events, 2 logins, 0.5 <nil>
	// [{wrong_password 1}] auth0|ann
}

func ExampleLog_Ingest() {
	ctx := context.Background()
	events := exampleLog()
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	batch := auditlog.Batch{
		Source: "hr", Cursor: "42", Covered: auditlog.Period{From: day, To: day.AddDate(0, 0, 1)},
		Events: []audit.Event{{ID: "hr:42", Time: day.Add(time.Hour), Type: "staff", Action: "staff.leave", Outcome: audit.Success}},
	}
	fmt.Println(events.Ingest(ctx, batch))
	_, err := events.Ingest(ctx, batch) // another process, from the same cursor
	fmt.Println(errors.Is(err, auditlog.ErrCursorMoved))
	// Output:
	// 1 <nil>
	// true
}

func ExampleTrail_PutStream() {
	ctx := context.Background()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	if err != nil {
		log.Fatal(err)
	}
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef")) // from a secret store
	if err != nil {
		log.Fatal(err)
	}
	webhook := func(auditlog.Target) (auditlog.Deliver, error) { // sink.Webhook
		return func(context.Context, auditlog.Delivery) error { return nil }, nil
	}
	events, err := auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{Kinds: map[string]auditlog.Kind{"webhook": webhook}})
	if err != nil {
		log.Fatal(err)
	}
	trail, err := events.Trail("org_1")
	if err != nil {
		log.Fatal(err)
	}
	made, err := trail.PutStream(ctx, auditlog.Stream{Kind: "webhook", Target: auditlog.Target{URL: "https://siem.example.com/audit"}})
	fmt.Println(len(made.Target.Secrets), "secret, shown this once", err)
	all, err := trail.Streams(ctx)
	fmt.Println(all[0].Kind, all[0].Host, all[0].State, err)
	// Output:
	// 1 secret, shown this once <nil>
	// webhook siem.example.com active <nil>
}
