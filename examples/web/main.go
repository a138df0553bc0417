// Web is a web application whose users sign in at Auth0: their sessions on all
// devices, signing out elsewhere and everywhere, a transfer that needs a second
// factor five minutes old at most, and logouts that Auth0 tells of.
//
//	go run ./examples/web
//
// It brings an Auth0 tenant, keeps sessions in memory, and says where to open it.
// Sessions are in Redis with REDIS_URL, and users at your tenant with AUTH0_DOMAIN,
// AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET and APP_BASE_URL. README.md has the settings.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"

	"github.com/auth0kit/auth0kit/examples/internal/program"
)

func main() { program.Main("web", run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "address to serve on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	a, err := newApp(listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return err
	}
	defer a.close()
	fmt.Fprintf(out, "serving on %s\n", a.base)
	if a.tenant != nil {
		fmt.Fprintf(out, "sign in as %s or %s with the password %q\n", ada, bob, password)
	}
	go func() { _ = a.sessions.Run(ctx) }() // tells Auth0 what ended
	return program.Serve(ctx, listener, a.handler())
}
