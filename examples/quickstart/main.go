// Quickstart shows every pattern in one transcript, offline. It makes a file
// of 400 users with mixed password hashes, plans their migration, runs it
// by import jobs through the real SDK over TLS, migrates the rest at their first
// login, and logs users in at the tenant with their old passwords. Then one user goes
// through tenancy, session, guardian, anomaly, risk, actions and delegation, and the
// audit log proves it. Each step names its package.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -json
//
// With -live it runs against the tenant that AUTH0_DOMAIN, AUTH0_CLIENT_ID,
// AUTH0_CLIENT_SECRET and AUTH0_CONNECTION name, and creates its example users
// there; the steps after the migration stay at the tenant in this process. The
// application needs the grants Client Credentials and Password, and
// the scopes create:users, read:users, update:users, delete:users and
// read:connections of the Management API.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	live := flags.Bool("live", false, "run against the tenant that AUTH0_DOMAIN and its companions name")
	asJSON := flags.Bool("json", false, "print one JSON object instead of a transcript")
	users := flags.Int("users", 400, "legacy users, at least 40")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *users < 40 {
		return fmt.Errorf("-users is %d; give at least 40, so that every format is there", *users)
	}

	t := newTranscript(out)
	if *asJSON {
		t = newTranscript(io.Discard)
	}
	open := localTenant
	if *live {
		open = func() (*auth0Tenant, error) { return liveTenant(env) }
	}
	report, err := migrate(ctx, t, *users, open)
	if err != nil {
		return err
	}
	if err := patterns(ctx, t, report); err != nil {
		return err
	}
	if *asJSON {
		if err := json.NewEncoder(out).Encode(report); err != nil {
			return err
		}
	}
	return report.check()
}
