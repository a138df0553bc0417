// Orgadmin keeps the administrators of organizations as a file of YAML or JSON
// declares them:
//
//	go run ./examples/orgadmin plan admins.yaml
//	go run ./examples/orgadmin apply admins.yaml
//	go run ./examples/orgadmin undo org_0123456789abcdef.applied.json
//
// The file names the administrators of each organization by its id; organizations
// that it does not name stay as they are:
//
//	organizations:
//	  org_0123456789abcdef: [ada@example.com, bob@example.com]
//
// AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET are an application for the
// Management API, ADMIN_ROLE_ID is the role of administrators, and PORTAL_CLIENT_ID
// the application that people log in to, with which those without an account are
// invited. "orgadmin scopes" prints the scopes that are needed.
//
// Without arguments it shows all this on an Auth0 tenant in this process.
//
// It exits with 0 when everything is as declared, or was made so; with 2 when a plan
// has something to do; with 3 when something was refused, or too few administrators
// count; and with 1 when something failed. Where several of these happened, 1 goes
// before 3 and 3 before 2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/auth0kit/auth0kit/audit/slogaudit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// What the program exits with.
const (
	asDeclared = iota
	failed
	changes
	refused
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "orgadmin:", err)
	}
	stop()
	os.Exit(code)
}

// program is what the flags say.
type program struct {
	admin  *delegation.Admin
	out    io.Writer
	color  bool
	json   bool
	folder string
}

func run(ctx context.Context, args []string, env func(string) string, out, log io.Writer) (int, error) {
	p := program{out: out}
	flags := flag.NewFlagSet("orgadmin", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.BoolVar(&p.json, "json", false, "print one JSON document instead of a diff")
	flags.StringVar(&p.folder, "out", ".", "folder for what was applied, which undo reads: ORG.applied.json, then ORG.applied.2.json and so on")
	color := flags.String("color", "auto", "auto, always or never")
	if err := flags.Parse(args); err != nil {
		return failed, err
	}
	p.color = *color == "always" || *color == "auto" && terminal(out) && env("NO_COLOR") == ""
	if flags.NArg() == 0 {
		return demo(ctx, p)
	}
	service, err := live(env, log)
	if err != nil {
		return failed, err
	}
	p.admin = service.As(delegation.Job("orgadmin"))
	verb, file := flags.Arg(0), flags.Arg(1)
	switch {
	case verb == "scopes":
		for _, scope := range append(service.Scopes(), service.OptionalScopes()...) {
			fmt.Fprintln(out, scope)
		}
		return asDeclared, nil
	case flags.NArg() != 2:
		return failed, errors.New("usage: orgadmin [-json] [-color auto|always|never] [-out folder] plan|apply|undo file")
	case verb == "plan" || verb == "apply":
		return p.declared(ctx, file, verb == "apply")
	case verb == "undo":
		return p.undo(ctx, file)
	}
	return failed, fmt.Errorf("%q is none of plan, apply, undo and scopes", verb)
}

// live returns the Service of the tenant that the environment names.
func live(env func(string) string, log io.Writer) (*delegation.Service, error) {
	client, err := management.New(management.Config{
		Domain: env("AUTH0_DOMAIN"), ClientID: env("AUTH0_CLIENT_ID"), ClientSecret: env("AUTH0_CLIENT_SECRET"),
		MaxWait: -1, // A job waits for the rate limit.
	})
	if err != nil {
		return nil, err
	}
	events, err := slogaudit.New(slog.NewJSONHandler(log, nil))
	if err != nil {
		return nil, err
	}
	cfg := delegation.Config{Recorder: events}
	if portal := env("PORTAL_CLIENT_ID"); portal != "" {
		cfg.Onboarding = delegation.Invite{ClientID: portal, Inviter: "Example Inc."}
	}
	return delegation.New(client, env("ADMIN_ROLE_ID"), delegation.Jobs("orgadmin"), cfg)
}

func terminal(w io.Writer) bool {
	f, is := w.(*os.File)
	if !is {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
