// Compliance fills an audit log from the traffic of an Auth0 tenant in this process and
// from an application's sessions, prints what an auditor asks for, writes the report,
// and then changes one row in the database on purpose and finds it:
//
//	go run ./examples/compliance -out /tmp/compliance
//
// The folder gets report.html (open it in a browser, or print it), report.csv,
// report.json (signed), archive.jsonl, checkpoint.txt and the verifier key: with the
// last three an auditor verifies the archive offline (examples/auditverify).
package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/embed"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auth0logs"
	"github.com/auth0kit/auth0kit/audit/detect"
	"github.com/auth0kit/auth0kit/audit/report"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
)

func main() {
	out := flag.String("out", "", "folder for the files; defaults to a new one")
	flag.Parse()
	if err := run(context.Background(), *out, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compliance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, folder string, out io.Writer) (err error) {
	if folder == "" {
		if folder, err = os.MkdirTemp("", "compliance"); err != nil {
			return err
		}
	} else if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "audit.db")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	t := newTraffic()
	events, err := openLog(ctx, db, t.tenant.Now)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(audit.NewContext(ctx, audit.Origin{Actor: audit.Ref{Kind: "job", ID: "compliance"}}))
	defer stop()
	go events.Run(running) // seals and looks for what is unusual; ends with the program

	if err := t.happen(ctx, events); err != nil {
		return err
	}
	logs, err := auth0logs.New("shop.eu.auth0.com", t.tenant.Management(), events, auth0logs.Config{Now: t.tenant.Now})
	if err != nil {
		return err
	}
	t.tenant.Advance(2 * time.Minute) // what is younger than a minute may not be complete
	if err := logs.Poll(running); err != nil {
		return err
	}
	if err := settled(running, events); err != nil {
		return err
	}
	auditor := audit.NewContext(ctx, audit.Origin{Actor: audit.Ref{Kind: "user", ID: "auth0|auditor"}})
	if err := write(auditor, events, folder, out); err != nil {
		return err
	}
	return breakOne(auditor, db, events, out)
}

func openLog(ctx context.Context, db *sql.DB, now func() time.Time) (*auditlog.Log, error) {
	store, err := sqlaudit.New(db, sqlaudit.SQLite, sqlaudit.Config{})
	if err != nil {
		return nil, err
	}
	if err := store.CreateSchema(ctx); err != nil {
		return nil, err
	}
	key, _, err := auditlog.GenerateKey("example.com/audit") // once, and then from a secret store
	if err != nil {
		return nil, err
	}
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		return nil, err
	}
	return auditlog.New(store, seal, auditlog.Config{Detections: detect.All(), Now: now})
}

// settled waits until the detections have seen everything and all of it is sealed.
func settled(ctx context.Context, events *auditlog.Log) error {
	before := 0
	for range 600 {
		found := 0
		for _, err := range events.Query(ctx, auditlog.Filter{Type: "detection"}) {
			if err != nil {
				return err
			}
			found++
		}
		status, err := events.Status(ctx)
		if err != nil {
			return err
		}
		if found > 0 && found == before && status.Unsealed <= 1 { // the query itself waits
			return nil
		}
		before = found
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("nothing was sealed within a minute")
}

// write makes the report and the files.
func write(ctx context.Context, events *auditlog.Log, folder string, out io.Writer) error {
	r, err := events.Report(ctx, auditlog.Period{})
	if err != nil {
		return err
	}
	summary(out, r)
	signed, err := events.Checkpoint(ctx)
	if err != nil {
		return err
	}
	files := map[string]func(io.Writer) error{
		"report.html":      func(w io.Writer) error { return report.HTML(w, r) },
		"report.csv":       func(w io.Writer) error { return report.CSV(w, r) },
		"report.json":      func(w io.Writer) error { return events.SignReport(r, w) },
		"archive.jsonl":    func(w io.Writer) error { return events.Archive(ctx, w, auditlog.Filter{}, signed) },
		"checkpoint.txt":   func(w io.Writer) error { _, err := w.Write(signed); return err },
		"verifier-key.txt": func(w io.Writer) error { _, err := fmt.Fprintln(w, events.VerifierKey()); return err },
	}
	for name, to := range files {
		var content bytes.Buffer
		if err := to(&content); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), content.Bytes(), 0o600); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "\nThe report is %s\n", filepath.Join(folder, "report.html"))
	return err
}

// summary prints the figures, what is not known first.
func summary(out io.Writer, r *auditlog.Report) {
	for _, c := range r.Coverage {
		fmt.Fprintf(out, "%s: %d holes\n", c.Source, len(c.Holes))
		for _, h := range c.Holes {
			fmt.Fprintf(out, "  %s to %s: %s\n", h.From.Format(time.DateTime), h.To.Format(time.DateTime), h.Reason)
		}
	}
	rate, err := r.Attempts.SuccessRate()
	if err == nil {
		fmt.Fprintf(out, "%d events; %d logins, of which %d succeeded and %d failed: %.0f%%\n", r.Events, r.Attempts.Total, r.Attempts.Succeeded, r.Attempts.Failed, 100*rate)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(out, "  %s: %d\n", f.Name, f.N)
	}
	fmt.Fprintf(out, "%d administrative changes, %d revocations, %d detections:\n", r.Changes.Total, r.Revocations.Total, r.Findings.Total)
	for _, e := range r.Findings.Entries {
		fmt.Fprintf(out, "  %s: %s %s\n", e.Action, cmp.Or(e.Target.Kind, "address"), cmp.Or(e.Target.ID, e.IP))
	}
}

// breakOne verifies the log, makes a failed login a successful one behind its back, and
// verifies again.
func breakOne(ctx context.Context, db *sql.DB, events *auditlog.Log, out io.Writer) error {
	kept, err := events.Checkpoint(ctx) // as it lies with the auditor
	if err != nil {
		return err
	}
	v, err := events.Verify(ctx, kept)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nVerified: %d events are what was sealed\n", v.Events)
	const tamper = `UPDATE auth0kit_audit_events SET leaf = CAST(REPLACE(CAST(leaf AS TEXT), '"outcome":"failure"', '"outcome":"success"') AS BLOB)
		WHERE id = (SELECT id FROM auth0kit_audit_events WHERE action = 'login.fp' ORDER BY at, id LIMIT 1)`
	if _, err := db.ExecContext(ctx, tamper); err != nil {
		return err
	}
	_, err = events.Verify(ctx, kept)
	broken, ok := errors.AsType[*auditlog.TamperError](err)
	if !ok {
		return fmt.Errorf("the changed row was not found: %w", err)
	}
	_, err = fmt.Fprintf(out, "One row changed in the database: event %d was %s (%v)\n", broken.Index, broken.Kind, broken.Fields)
	return err
}
