// Tenant serves an Auth0 tenant on this machine, for clients in any language:
//
//	go run ./examples/tenant -addr 127.0.0.1:8443 -ca ca.pem
//
// It prints what a client needs as shell variables and a line for each request,
// shows what is in it at / in a browser, and forgets everything when it is
// interrupted. Programs trust it through ca.pem: SSL_CERT_FILE for Go,
// NODE_EXTRA_CA_CERTS for Node.js, --cacert for curl. With -http it needs none.
//
// What it starts with is built in, or read from the JSON file that -seed names
// (docs/auth0test/clients.md has one). Ids and secrets are the same at each start,
// so that they can stand in an .env. Serve it to yourself alone: its secrets are
// no secrets.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "tenant:", err)
		os.Exit(1)
	}
}

// config is what the flags say.
type config struct {
	addr, ca, clientID, clientSecret, seed, plan, ignore string
	plain                                                bool
}

var plans = map[string]auth0test.Plan{
	"unlimited": auth0test.Unlimited, "free": auth0test.Free, "professional": auth0test.Professional, "enterprise": auth0test.Enterprise,
	"enterprise-dev": auth0test.EnterpriseDev, "private-20": auth0test.Private20, "private-100": auth0test.Private100,
}

func parse(args []string, log io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("tenant", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&c.addr, "addr", "127.0.0.1:0", "`address` to serve on; port 0 takes a free one")
	flags.StringVar(&c.ca, "ca", "", "`file` to write the certificate to that clients must trust (required without -http)")
	flags.BoolVar(&c.plain, "http", false, "serve plain HTTP")
	flags.StringVar(&c.clientID, "client-id", "", "`id` of the machine client, which may use the whole Management API")
	flags.StringVar(&c.clientSecret, "client-secret", "local-secret-of-the-machine-client", "its `secret`")
	flags.StringVar(&c.seed, "seed", "", "JSON `file` with what the tenant starts with, in place of what is built in")
	flags.StringVar(&c.plan, "plan", "unlimited", "rate limits of a `plan`: unlimited, free, professional, enterprise, enterprise-dev, private-20 or private-100")
	flags.StringVar(&c.ignore, "ignore-settings", "", "settings, with commas between, that are kept and shown without effect in place of being refused: `names` of docs/auth0test/settings.md, or *")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.ca == "" && !c.plain {
		return c, errors.New("-ca is missing: name a file for the certificate that clients must trust, or serve plain HTTP with -http")
	}
	if _, known := plans[c.plan]; !known {
		return c, fmt.Errorf("-plan: there is no plan %q", c.plan)
	}
	return c, nil
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	c, err := parse(args, log)
	if err != nil {
		return err
	}
	seed, err := readSeed(c.seed)
	if err != nil {
		return fmt.Errorf("-seed: %w", err)
	}
	opts := auth0test.Options{
		Missing: http.StatusNotFound, FixedIDs: true, Overview: true, Plan: plans[c.plan],
		ClientID: c.clientID, ClientSecret: c.clientSecret, Logger: slog.New(&lines{out: log}),
	}
	if c.ignore != "" {
		opts.IgnoredSettings = strings.Split(c.ignore, ",")
	}
	tenant := auth0test.NewTenant(opts)
	app, err := seed.add(tenant)
	if err != nil {
		return fmt.Errorf("-seed: %w", err)
	}
	server, err := listen(tenant, c)
	if err != nil {
		return err
	}
	defer server.Close()
	announce(out, server, tenant, app, c)
	<-ctx.Done()
	return nil
}

func listen(tenant *auth0test.Tenant, c config) (*auth0test.Server, error) {
	start := tenant.Listen
	if c.plain {
		start = tenant.ListenHTTP
	}
	server, err := start(c.addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if c.ca == "" || c.plain {
		return server, nil
	}
	if err := os.WriteFile(c.ca, server.CAPEM, 0o600); err != nil {
		server.Close()
		return nil, fmt.Errorf("-ca: %w", err)
	}
	return server, nil
}

// announce prints what a client needs. The last line says that it is complete.
func announce(out io.Writer, server *auth0test.Server, tenant *auth0test.Tenant, app auth0test.Application, c config) {
	machine, domain := tenant.Machine(), server.Domain
	if c.plain {
		domain = server.URL // A domain alone means https to clients.
	}
	fmt.Fprintf(out, "AUTH0_DOMAIN=%s\nAUTH0_ISSUER_BASE_URL=%s\nAUTH0_CLIENT_ID=%s\nAUTH0_CLIENT_SECRET=%s\nAUTH0_CONNECTION=%s\n",
		domain, server.URL, machine.ID, machine.Secret, auth0test.DefaultConnection)
	if app.ID != "" {
		fmt.Fprintf(out, "APP_CLIENT_ID=%s\nAPP_CLIENT_SECRET=%s\n", app.ID, app.Secret)
	}
	if !c.plain {
		fmt.Fprintf(out, "SSL_CERT_FILE=%s\nNODE_EXTRA_CA_CERTS=%s\n", c.ca, c.ca)
	}
	fmt.Fprintf(out, "# ready: open %s in a browser; interrupt to stop\n", server.URL)
}
