// Package audit defines the events that a service and the packages of auth0kit
// record: who did what to whom, from where, and how it ended.
//
// A service makes one [Recorder] and hands it to the packages that it uses.
// Middleware puts the origin of a request into the context once, and every event
// that is recorded below it carries that origin:
//
//	package main
//
//	import (
//		"log"
//		"net/http"
//
//		"github.com/auth0kit/auth0kit/audit"
//	)
//
//	func main() {
//		events := audit.NewMemory() // in production a log of package auditlog
//
//		http.HandleFunc("POST /invoices/{id}/pay", func(w http.ResponseWriter, r *http.Request) {
//			ctx := audit.NewContext(r.Context(), audit.Origin{ // usually a middleware's
//				Actor: audit.Ref{Kind: "user", ID: "auth0|42"}, IP: "203.0.113.7", UserAgent: r.UserAgent(),
//			})
//			err := audit.Record(ctx, events, audit.Event{
//				Type: "invoice", Action: "invoice.pay", Outcome: audit.Success,
//				Target: audit.Ref{Kind: "invoice", ID: r.PathValue("id")},
//			})
//			if err != nil { // audit.ErrNotRecorded
//				http.Error(w, "try again later", http.StatusServiceUnavailable)
//			}
//		})
//		log.Fatal(http.ListenAndServe(":8080", nil))
//	}
//
// Packages record with [Record], which completes the event from the context,
// validates it, and wraps a failure in [ErrNotRecorded].
//
// # What belongs in an event
//
// Type and Action name what happened in a small, fixed vocabulary ("session",
// "session.create"); Reason says why it failed in words of low cardinality
// ("wrong_code"). Actor, OnBehalfOf and Target are references, not names; an event
// has one target; record what concerns several targets as several events with one
// Correlation. Data that identifies a person beyond the reference (an email, a
// phone number) goes into [Event.Personal], which is separate so that it can be
// sealed and erased. Never put secrets, tokens, codes or hashes into an event.
package audit
