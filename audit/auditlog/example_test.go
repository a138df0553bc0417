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
