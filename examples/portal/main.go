// Portal is a small product for companies: their bookkeepers pay invoices, and their
// administrators see to people, sessions and the audit trail. It uses all patterns of
// this module as a customer would.
//
//	go run ./examples/portal
//
// It brings an Auth0 tenant and keeps everything in memory and SQLite, says where to
// open it, and forgets everything when it ends. README.md has a tour, and what to set
// for Redis, Postgres and a tenant of yours.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/auth0kit/auth0kit/examples/internal/program"
)

func main() { program.Main("portal", run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "address to serve on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	p, err := newPortal(ctx, listener.Addr().(*net.TCPAddr).Port, os.Getenv)
	if err != nil {
		return err
	}
	defer p.close()
	fmt.Fprintf(out, "serving on %s\n", p.base)
	if p.demo != nil {
		fmt.Fprintf(out, "sign in as %s, %s or %s with the password %q, or arrive as %s with %q\n", ada, bob, eve, password, lin, legacyPassword)
	}
	return p.serve(ctx, listener)
}
