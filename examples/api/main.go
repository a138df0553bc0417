// Api is a small REST service, protected per route and per organization. Without
// -issuer it brings its own Auth0 tenant, logs two people in to their
// organizations, and writes their tokens and ids to a file of shell variables:
//
//	go run ./examples/api -env api.env
//
// README.md goes on from there with curl.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/auth0kit/auth0kit/examples/internal/program"
	"github.com/auth0kit/auth0kit/tenancy"
)

func main() { program.Main("api", run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("api", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "address to serve on")
	issuer := flags.String("issuer", "", "issuer of your tenant, such as https://tenant.eu.auth0.com/ (default: a tenant in this process)")
	audience := flags.String("audience", "https://invoices.example.com", "identifier of the API")
	clients := flags.String("first-party", "", "client ids of your own applications, separated by commas")
	env := flags.String("env", "api.env", "file for the shell variables of the tenant in this process")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	cfg, firstParty := tenancy.VerifierConfig{}, strings.FieldsFunc(*clients, func(r rune) bool { return r == ',' })
	if *issuer == "" {
		offline, err := newOffline(ctx, *audience)
		if err != nil {
			return err
		}
		if err := offline.writeEnv(*env, "http://"+listener.Addr().String()); err != nil {
			return fmt.Errorf("-env: %w", err)
		}
		*issuer, cfg.HTTPClient, firstParty = offline.tenant.Issuer(), offline.tenant.HTTPClient(), []string{offline.app}
	}
	handler, err := newAPI(*issuer, *audience, firstParty, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "serving on http://%s\n", listener.Addr())
	return program.Serve(ctx, listener, handler)
}
