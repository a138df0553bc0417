// Loginhook serves a login pipeline in Go, deploys the Action that calls it, logs
// several users in and shows their tokens before and after, and what the next
// pipeline would change:
//
//	go run ./examples/loginhook
//
// All that is on an Auth0 tenant in this process. With a URL it serves the pipeline
// for the tenant of AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET instead:
// it prints what would change there and, with -apply, does it. LOGIN_KEY is 32
// random bytes in base64.
//
//	go run ./examples/loginhook -serve :8080 -url https://login.example.com/auth0/actions -apply
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit/slogaudit"
	"github.com/auth0kit/auth0kit/examples/internal/program"
	"github.com/auth0kit/auth0kit/management"
)

func main() { program.Main("loginhook", run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("loginhook", flag.ContinueOnError)
	addr := flags.String("serve", "localhost:8080", "address to serve on, with -url")
	url := flags.String("url", "", "where the tenant reaches this program; without it, a demonstration")
	apply := flags.Bool("apply", false, "deploy the Action")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *url == "" {
		return demonstrate(ctx, out)
	}
	key, err := base64.StdEncoding.DecodeString(os.Getenv("LOGIN_KEY"))
	if err != nil || len(key) == 0 {
		return errors.New("LOGIN_KEY is not 32 random bytes in base64")
	}
	cfg, err := management.ConfigFromEnv()
	if err != nil {
		return err
	}
	client, err := management.New(cfg)
	if err != nil {
		return err
	}
	recorder, err := slogaudit.New(slog.NewJSONHandler(os.Stderr, nil))
	if err != nil {
		return err
	}
	live, err := pipeline(actions.NewMemoryCounter(), recorder)
	if err != nil {
		return err
	}
	h, err := actions.Handler([][]byte{key}, actions.HandlerConfig{OnCall: report(out)}, live)
	if err != nil {
		return err
	}
	return serve(ctx, *addr, h, func(ctx context.Context) error {
		return deploy(ctx, out, client, live, *url, key, *apply)
	})
}

// serve answers until ctx ends, and calls ready once it does: an Action that is
// deployed before that would deny the logins of the meantime.
func serve(ctx context.Context, addr string, h http.Handler, ready func(context.Context) error) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("-serve: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return program.Serve(ctx, listener, h) })
	g.Go(func() error { return ready(ctx) })
	return g.Wait()
}

// report prints how each request ended, without personal data.
func report(out io.Writer) func(context.Context, *actions.Event, *actions.Result, error) {
	return func(_ context.Context, e *actions.Event, r *actions.Result, err error) {
		switch {
		case e == nil:
			fmt.Fprintln(out, "refused:", err)
		case r != nil && r.Denied != "":
			fmt.Fprintln(out, e.User.ID, "denied:", err)
		}
	}
}

// deploy prints what would change in the tenant, and does it if it is to be done.
func deploy(ctx context.Context, out io.Writer, client actions.Target, p *actions.Pipeline, url string, key []byte, apply bool) error {
	d, err := actions.NewDeployment(client, p, url, [][]byte{key}, actions.DeploymentConfig{})
	if err != nil {
		return err
	}
	plan, err := d.Plan(ctx)
	if err != nil {
		return err
	}
	if err := plan.WriteDiff(out, false); err != nil || !apply {
		return err
	}
	return d.Apply(ctx, plan)
}
