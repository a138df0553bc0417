// Orgadmin keeps the administrators of organizations as a file of YAML or JSON
// declares them:
//
//	go build -o orgadmin ./examples/orgadmin
//	./orgadmin plan admins.yaml
//	./orgadmin apply admins.yaml
//	./orgadmin undo org_0123456789abcdef.20261128T230855.applied.json
//
// The file names the administrators of each organization by its id; organizations
// that it does not name stay as they are:
//
//	organizations:
//	  org_0123456789abcdef: [ada@example.com, bob@example.com]
//
// AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET are an application for the
// Management API, and ADMIN_ROLE_ID is the role of administrators. PORTAL_CLIENT_ID
// and INVITER_NAME are the application that people log in to and the name in the
// mail, with which those without an account are invited; without both nobody is.
// "orgadmin scopes" prints the scopes that are needed, and "orgadmin -h" the flags.
//
// Apply writes a record of what it did for each organization, which undo reads, to a
// new file in the folder of -out; it changes nothing when it cannot. The undo of a
// record writes one too, beside it, with the name's end .undone.json, and a record
// that has it is not undone again.
//
// Events of the audit log go to standard error, a line of JSON each. An error about
// one organization does not stop the others.
//
// Without arguments it shows all this on an Auth0 tenant in this process.
//
// It exits with 0 when everything is as declared, or was made so; with 2 when a plan
// has something to do; with 3 when something was refused, or too few administrators
// count; and with 1 when something failed. Where several of these happened, 1 goes
// before 3 and 3 before 2. "go run" exits with 1 for each of 1, 2 and 3.
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
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit/slogaudit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
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
	guards delegation.Config
	now    func() time.Time
}

const usage = `usage: orgadmin [flags] plan FILE     show what would be done
       orgadmin [flags] apply FILE    do it, and write a record for undo
       orgadmin [flags] undo RECORD   take back what a record of apply says
       orgadmin scopes                print the scopes that are needed
       orgadmin                       show all this on a tenant in this process

Environment: AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET and ADMIN_ROLE_ID;
PORTAL_CLIENT_ID and INVITER_NAME together, to invite people.

Flags:
`

func run(ctx context.Context, args []string, env func(string) string, out, log io.Writer) (int, error) {
	p := program{out: out, now: time.Now}
	flags := flag.NewFlagSet("orgadmin", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // What Parse writes is in its error too.
	flags.BoolVar(&p.json, "json", false, "print one JSON document instead of a diff")
	flags.StringVar(&p.folder, "out", ".", "`folder` for the records that apply writes")
	color := flags.String("color", "auto", "auto, always or never")
	flags.IntVar(&p.guards.MaxRemovals, "max-removals", 5, "the most `people` that one organization may lose in one run; -1 is no maximum")
	flags.IntVar(&p.guards.MinAdmins, "min-admins", 1, "the `administrators` that an organization keeps; 0 is no minimum")
	flags.BoolVar(&p.guards.AllowEmpty, "allow-empty", false, "let a list be empty")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) || err == nil && flags.Arg(0) == "help" {
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		return asDeclared, nil
	}
	if err != nil {
		return failed, fmt.Errorf("%w; orgadmin -h shows the flags", err)
	}
	if p.guards.MaxRemovals == 0 {
		return failed, errors.New("-max-removals must be at least 1, or -1 for no maximum")
	}
	if p.guards.MinAdmins == 0 {
		p.guards.MinAdmins = -1 // Zero is the default of Config.
	}
	p.color = *color == "always" || *color == "auto" && terminal(out) && env("NO_COLOR") == ""
	return p.do(ctx, flags.Args(), env, log)
}

// do looks at the arguments before it needs a tenant.
func (p program) do(ctx context.Context, args []string, env func(string) string, log io.Writer) (int, error) {
	if len(args) == 0 {
		return demo(ctx, p)
	}
	verb := args[0]
	switch {
	case verb == "scopes":
		return asDeclared, p.scopes()
	case verb != "plan" && verb != "apply" && verb != "undo":
		return failed, fmt.Errorf("%q is none of plan, apply, undo and scopes; orgadmin -h shows them", verb)
	case len(args) != 2:
		return failed, fmt.Errorf("%s needs one file, and flags before %[1]s; orgadmin -h shows them", verb)
	}
	service, err := p.live(env, log)
	if err != nil {
		return failed, err
	}
	p.admin = service.As(delegation.Job("orgadmin"))
	if verb == "undo" {
		return p.undo(ctx, args[1])
	}
	return p.declared(ctx, args[1], verb == "apply")
}

// live returns the Service of the tenant that the environment names.
func (p program) live(env func(string) string, log io.Writer) (*delegation.Service, error) {
	for _, name := range []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "ADMIN_ROLE_ID"} {
		if env(name) == "" {
			return nil, fmt.Errorf("the environment variable %s is empty; set it", name)
		}
	}
	cfg := p.guards
	var err error
	if cfg.Onboarding, err = onboarding(env); err != nil {
		return nil, err
	}
	client, err := management.New(management.Config{
		Domain: env("AUTH0_DOMAIN"), ClientID: env("AUTH0_CLIENT_ID"), ClientSecret: env("AUTH0_CLIENT_SECRET"),
		MaxWait: -1, // A job waits for the rate limit.
	})
	if err != nil {
		return nil, fmt.Errorf("AUTH0_DOMAIN: %w", err) // The others are not empty, and more is not asked of them.
	}
	if cfg.Recorder, err = slogaudit.New(slog.NewJSONHandler(log, nil)); err != nil {
		return nil, err
	}
	return delegation.New(client, env("ADMIN_ROLE_ID"), delegation.Jobs("orgadmin"), cfg)
}

// onboarding returns how people without an account are invited, nil when they are not.
func onboarding(env func(string) string) (delegation.Onboarding, error) {
	portal, inviter := env("PORTAL_CLIENT_ID"), env("INVITER_NAME")
	switch {
	case portal == "" && inviter == "":
		return nil, nil
	case portal == "":
		return nil, errors.New("INVITER_NAME is set and PORTAL_CLIENT_ID is not; set it to the application that people log in to")
	case inviter == "":
		return nil, errors.New("PORTAL_CLIENT_ID is set and INVITER_NAME is not; set it to the name that the mail of an invitation shows")
	}
	return delegation.Invite{ClientID: portal, Inviter: inviter}, nil
}

// scopes prints the scopes that the program needs. No tenant is asked.
func (p program) scopes() error {
	nobody := auth0test.NewTenant(auth0test.Options{}).Management()
	plain, err := delegation.New(nobody, "rol", delegation.Jobs(), delegation.Config{})
	if err != nil {
		return err
	}
	inviting, err := delegation.New(nobody, "rol", delegation.Jobs(), delegation.Config{Onboarding: delegation.Invite{ClientID: "portal", Inviter: "nobody"}})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, "required:")
	for _, scope := range inviting.Scopes() {
		if !slices.Contains(plain.Scopes(), scope) {
			scope += " (to invite: only with PORTAL_CLIENT_ID)"
		}
		fmt.Fprintln(p.out, "  "+scope)
	}
	fmt.Fprintln(p.out, "optional, without which less is seen:")
	for _, scope := range inviting.OptionalScopes() {
		fmt.Fprintln(p.out, "  "+scope)
	}
	return nil
}

func terminal(w io.Writer) bool {
	f, is := w.(*os.File)
	if !is {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
