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
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/auth0kit/auth0kit/tenancy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

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
	return serve(ctx, listener, handler)
}

// serve ends when ctx does.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending) // Serve tells how it ended
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
