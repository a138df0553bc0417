// Mfa is a shop in which paying needs a second factor that is five minutes old at
// most: guardian's pages behind session's cookies, on an Auth0 tenant in this
// process. It walks through the life of a factor and says what happens:
//
//	go run ./examples/mfa
//
// With an address it serves the shop instead, for a phone with an authenticator
// app: open http://localhost:8080/, log in, and scan the code.
//
//	go run ./examples/mfa -serve localhost:8080
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mfa:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mfa", flag.ContinueOnError)
	addr := flags.String("serve", "", "address to serve the shop on, instead of the walk")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := newShop(*addr != "")
	if err != nil {
		return err
	}
	if *addr == "" {
		return walk(ctx, s, out)
	}
	h, err := s.handler()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("-serve: %w", err)
	}
	fmt.Fprintf(out, "serving on http://%s/\n", listener.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
