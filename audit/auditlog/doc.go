// Package auditlog is an audit log that an auditor can verify: it records events,
// seals them into a Merkle tree, finds tampering, forgets people and still proves
// the rest.
//
//	package main
//
//	import (
//		"context"
//		"encoding/base64"
//		"log"
//		"os"
//
//		"github.com/auth0kit/auth0kit/audit"
//		"github.com/auth0kit/auth0kit/audit/auditlog"
//	)
//
//	func main() {
//		ctx := context.Background()
//		wrap, err := base64.StdEncoding.DecodeString(os.Getenv("AUDIT_WRAP")) // openssl rand -base64 32
//		if err != nil {
//			log.Fatal(err)
//		}
//		seal, err := auditlog.ParseSeal(os.Getenv("AUDIT_KEY"), wrap) // see GenerateKey
//		if err != nil {
//			log.Fatal(err)
//		}
//		// Packages sqlaudit and pgaudit have stores that outlive the process.
//		events, err := auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		go func() { log.Fatal(events.Run(ctx)) }() // seals
//
//		err = audit.Record(ctx, events, audit.Event{
//			Type: "invoice", Action: "invoice.pay", Outcome: audit.Success,
//			Actor: audit.Ref{Kind: "user", ID: "auth0|42"},
//		})
//		if err != nil {
//			log.Fatal(err) // it is not in the log
//		}
//	}
//
// A [Log] is an audit.Recorder: hand it to the packages that record. [Log.Record]
// returns when the event is stored durably. One process at a time, of all that
// are in [Log.Run], seals what was recorded within about a second.
//
// # What is sealed
//
// The leaf of an event is the JSON that is stored, byte for byte. Leaves form an
// RFC 6962 Merkle tree, whose signed checkpoints are in the form of C2SP
// tlog-checkpoint; every checkpoint is kept. [Log.Prove] proves that an event is
// in the log, [Log.ProveConsistency] that a log grew and was not rewritten, and
// [Log.Verify] reads everything and says which event was edited, deleted or moved.
// Columns that a store keeps beside the leaf for searching are compared with it.
//
// Whoever can write to the store and has the signing key can write another log.
// Keep checkpoints elsewhere ([Log.Checkpoint]): only they show that the end was
// cut off, which Verify calls [ErrTailNotProved] until it gets one.
//
// # People
//
// Ids of users, IP, UserAgent and Personal are encrypted inside of the leaf under
// a key of their own: IP and UserAgent under the actor's, Personal under the
// target's. [Log.Forget] destroys a person's key. Their events stay, under a
// pseudonym, and every proof still verifies. Metadata, Organization, Correlation
// and ids of other kinds of references are not encrypted: keep personal data out
// of them. An address with neither actor nor target, as in a login with an
// unknown name, is encrypted under a key of the log and cannot be forgotten alone.
//
// Reading is recorded too: Query, Report, Export, Prove, Verify and Archive leave an
// event with the actor of their context.
//
// # Reports, sinks and organizations
//
// [Log.Report] says what happened in a period, and first of all what is not known. Run
// keeps sums for it, so that it takes about as long over a million events as over a
// thousand. [Log.SignReport] signs it; package report makes a page of it.
//
// Config.Sinks get the events as well: those of package sink, or a function of your
// own. Each has a policy that says what its failure means. Config.Detections are rules
// over the events; package detect has some.
//
// [Log.Ingest] takes events of another log with its cursor and what is complete;
// package auth0logs does it for Auth0's.
//
// [Log.Trail] is one organization's view, for its own administrators: queries, proofs,
// archives, reports, and [Trail.PutStream], with which they send their events to their
// own SIEM. Streams are in the store, so that they are there in every process.
//
// # While the store is down
//
// Record fails while the store does not answer, unless Config.Spool names a directory on
// a local disk. A process that is in Run then writes its events there, synced, and Record
// returns nil. Once one event is in the spool the next ones queue behind it, until Run has
// stored all of them, in order and each once. The directory may be shared: files of a
// process that has ended, or was killed, are stored by the next that runs. Events are
// encrypted with Seal.Keys; whoever can write to the directory can still remove events
// that the store does not have yet, without a trace when the process ends before. When the
// disk or SpoolBytes are used up, Record fails with the store's error.
// "audit.spool_drain" says how many events came this way; "audit.spool_gap" says it where
// some were refused or could not be read. A file with lines that no key opens is kept under
// its name with ".damaged" behind it: take that away, and a process that has the key stores
// its events. Ingest, reading and what changes the log itself do need the store.
//
// # Limits
//
// An event may have 64 KiB, see package audit. A process seals some tens of
// thousands of events a second. Times are kept to the microsecond. The store's
// administrator can delete events that are not sealed yet without a trace for
// about a second after they were recorded.
package auditlog
