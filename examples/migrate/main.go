// Migrate moves the users of a legacy system to a database connection of Auth0,
// with their passwords. It needs no code for the frameworks that sqlsource knows,
// for files, and for Auth0's own export:
//
//	migrate plan -source django=postgres://app@db/shop -system shop-production -connection customers -key-prefix 'shop|'
//	migrate run  … the same flags
//	migrate verify …
//
// Verbs:
//
//	plan      reads the source and asks the tenant; writes nothing
//	prove     verifies the accounts of -known, offline
//	run       imports; run it again to go on after a stop
//	retry     sends failed users again
//	sync      brings later changes of the source
//	verify    compares Auth0 with what was sent
//	rollback  deletes what was imported and never logged in; without -yes it only says what
//
// The source is a preset and the address of its database ("django=postgres://…",
// "wordpress=mysql://user:password@host:3306/db", "drupal7=…", "laravel=…", "devise=…",
// "aspnet=…", "supabase=…", "keycloak:realm:attribute,…=…", or "sqlite:FILE" as address), a file
// ("users.csv", "users.jsonl" with -map), or "auth0=export.ndjson".
//
// The tenant is that of AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET.
// MIGRATION_SECRET, 32 bytes in base64, keys the digests in the ledger.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but with users to look at
// (problems, failures, differences), 4 stopped before the end.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second interrupt ends the program at once
	}()
	t := &tool{env: os.Getenv, out: os.Stdout, err: os.Stderr}
	os.Exit(t.main(ctx, os.Args[1:]))
}

// The exit codes.
const (
	codeDone = iota
	codeFailed
	codeUsage
	codeLook
	codeStopped
)

// tool is one call of the program.
type tool struct {
	env      func(string) string
	out, err io.Writer
	client   *http.Client // nil is the default

	o      options
	runner *migration.Runner
	target *management.Client
	report report
}

// errLook says that everything was done and that somebody has to look at users.
var errLook = errors.New("there are users to look at")

func (t *tool) main(ctx context.Context, args []string) int {
	o, err := parse(args, t.env, t.err)
	if err != nil {
		fmt.Fprintln(t.err, "migrate:", err)
		return codeUsage
	}
	t.o = o
	err = t.do(ctx)
	switch {
	case err == nil:
		return codeDone
	case errors.Is(err, errLook), errors.Is(err, migration.ErrDifferent):
		fmt.Fprintln(t.err, "migrate:", err)
		return codeLook
	case ctx.Err() != nil:
		fmt.Fprintf(t.err, "migrate: stopped; what was done is in %s. Go on with:\n  migrate %s\n", o.ledger, o.line())
		return codeStopped
	}
	fmt.Fprintln(t.err, "migrate:", err)
	return codeFailed
}

func (t *tool) do(ctx context.Context) error {
	source, closeSource, err := openSource(t.o)
	if err != nil {
		return err
	}
	defer closeSource()
	db, err := openSQLite(t.o.ledger)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // each write was committed
	ledger, err := sqlmigration.New(db, sqlmigration.SQLite, sqlmigration.Config{})
	if err != nil {
		return err
	}
	if err := ledger.CreateSchema(ctx); err != nil {
		return err
	}
	t.target, err = management.New(management.Config{
		Domain: t.env("AUTH0_DOMAIN"), ClientID: t.env("AUTH0_CLIENT_ID"), ClientSecret: t.env("AUTH0_CLIENT_SECRET"),
		HTTPClient: t.client, MaxWait: -1,
	})
	if err != nil {
		return err
	}
	bars := newBars(t.err, t.o.json)
	defer bars.close()
	cfg := t.o.config
	cfg.Progress = bars.show
	t.runner, err = migration.NewRunner(source, t.target, ledger, t.o.run, cfg)
	if err != nil {
		return err
	}
	err = t.verb(ctx, bars)
	if t.o.report != "" && t.report.Verb != "" {
		err = errors.Join(err, t.report.write(t.o.report))
	}
	if err == nil && t.o.watch {
		err = t.watchFailedLogins(ctx)
	}
	return err
}

func (t *tool) verb(ctx context.Context, bars *bars) error {
	t.report = report{Verb: t.o.verb, Source: t.o.run.Source, Connection: t.o.run.Connection}
	switch t.o.verb {
	case "plan":
		return t.plan(ctx)
	case "prove":
		return t.prove(ctx)
	case "verify":
		return t.verify(ctx)
	case "rollback":
		return t.rollback(ctx)
	}
	if _, err := t.planned(ctx); err != nil { // so that progress knows its end
		return err
	}
	work := map[string]func(context.Context) (*migration.Result, error){"run": t.runner.Run, "retry": t.runner.RetryFailed, "sync": t.runner.Sync}[t.o.verb]
	result, err := work(ctx)
	bars.close()
	if err != nil {
		return err
	}
	return t.result(ctx, result)
}

// planned plans for the report and the progress.
func (t *tool) planned(ctx context.Context) (*migration.Plan, error) {
	p, err := t.runner.Plan(ctx)
	if err != nil {
		return nil, err
	}
	t.report.plan(p)
	return p, p.Err()
}

func (t *tool) plan(ctx context.Context) error {
	p, err := t.planned(ctx)
	if p != nil {
		t.say(p, func() { t.report.text(t.out) })
	}
	if err == nil && p.Invalid+p.Duplicate+p.Conflicts > 0 {
		err = fmt.Errorf("%w: %d invalid, %d duplicates, %d conflicts; the others can be migrated", errLook, p.Invalid, p.Duplicate, p.Conflicts)
	}
	return err
}

func (t *tool) prove(ctx context.Context) error {
	proofs, err := t.runner.Prove(ctx, t.o.config.Known...)
	if err != nil {
		return err
	}
	var failed error
	t.say(proofs, func() {
		for _, p := range proofs {
			fmt.Fprintf(t.out, "%-24s %d of %d proved\n", p.Format, p.Proved, p.Users)
		}
	})
	for _, p := range proofs {
		if p.Err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.Format, p.Err))
		}
	}
	return failed
}

func (t *tool) result(ctx context.Context, result *migration.Result) error {
	t.report.Result = result
	for p, err := range t.runner.Problems(ctx) {
		if err != nil {
			return err
		}
		t.report.problem(p)
	}
	t.say(result, func() { t.report.text(t.out) })
	if result.Failed+result.MembershipsFailed > 0 {
		return fmt.Errorf("%w: %d failed, %d not in all organizations; look at the report, then: migrate retry", errLook, result.Failed, result.MembershipsFailed)
	}
	return nil
}

func (t *tool) verify(ctx context.Context) error {
	v, err := t.runner.Verify(ctx)
	if v == nil {
		return err
	}
	t.report.Verification = v
	t.say(v, func() { t.report.text(t.out) })
	return err
}

func (t *tool) rollback(ctx context.Context) error {
	plan, err := t.runner.PlanRollback(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "%d users would be deleted; %d stay because they have logged in, %d because a login created them\n",
		len(plan.Keys), plan.Kept["logged_in"], plan.Kept["lazy"])
	if !t.o.yes {
		return errors.New("nothing was deleted; give -yes to delete them")
	}
	result, err := t.runner.Apply(ctx, plan)
	if err != nil {
		return err
	}
	t.report.Result = result
	t.say(result, func() { fmt.Fprintf(t.out, "%d deleted\n", result.RolledBack) })
	return nil
}

// watchFailedLogins follows the tenant log until it is interrupted.
func (t *tool) watchFailedLogins(ctx context.Context) error {
	fmt.Fprintln(t.err, "following failed logins of migrated users; interrupt to end")
	for f, err := range t.runner.FailedLogins(ctx, t.target, t.o.after) {
		if err != nil {
			return err
		}
		hint := ""
		if f.Hash {
			hint = "  the hash may be wrong: prove an account of this format"
		}
		fmt.Fprintf(t.out, "%s  %s  %s%s\n", f.Time.Format("2006-01-02 15:04:05"), f.Key, f.Format, hint)
	}
	return nil
}

// say prints v as JSON, or what text prints.
func (t *tool) say(v any, text func()) {
	if !t.o.json {
		text()
		return
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // to a pipe whose reader has gone there is nothing more to say
}
