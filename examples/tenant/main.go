// Tenant serves an Auth0 tenant on this machine, for clients in any language:
//
//	go run ./examples/tenant -addr 127.0.0.1:8443 -ca ca.pem
//
// It prints what a client needs as shell variables, runs until it is interrupted,
// and forgets everything then. Programs trust it through ca.pem: SSL_CERT_FILE for
// Go, NODE_EXTRA_CA_CERTS for Node.js, --cacert for curl.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tenant:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("tenant", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:0", "address to serve on; port 0 takes a free one")
	ca := flags.String("ca", "", "file to write the certificate to that clients must trust (required)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *ca == "" {
		return errors.New("-ca is missing: name a file for the certificate that clients must trust")
	}

	tenant := auth0test.NewTenant(auth0test.Options{Missing: http.StatusNotFound})
	server, err := tenant.Listen(*addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	defer server.Close()
	if err := os.WriteFile(*ca, server.CAPEM, 0o600); err != nil {
		return fmt.Errorf("-ca: %w", err)
	}

	seed(tenant)
	machine := tenant.Machine()
	fmt.Fprintf(out, "AUTH0_DOMAIN=%s\nAUTH0_CLIENT_ID=%s\nAUTH0_CLIENT_SECRET=%s\nAUTH0_CONNECTION=%s\nSSL_CERT_FILE=%s\n",
		server.Domain, machine.ID, machine.Secret, auth0test.DefaultConnection, *ca)
	<-ctx.Done()
	return nil
}

// seed adds somebody to look at.
func seed(tenant *auth0test.Tenant) {
	const api = "https://api.example.com"
	tenant.AddAPI(api, "read:orders", "write:orders")
	clerk := tenant.AddRole("clerk", api, "read:orders")
	ada := tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada", EmailVerified: true}, "correct horse battery")
	tenant.AddMember(tenant.AddOrganization("acme"), ada, clerk)
}
