package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
)

// demo is a tenant, its users, and the server of the pipeline.
type demo struct {
	out    io.Writer
	tenant *auth0test.Tenant
	app    auth0test.Application
	log    *audit.Memory

	mu    sync.Mutex // The server writes diffs after it has answered.
	diffs []actions.Diff
	seen  sync.WaitGroup
}

const password = "correct horse battery"

var people = []resource.User{
	{Email: "ada@example.com", AppMetadata: map[string]any{"plan": "gold", "seats": 5}},
	{Email: "bob@example.com", AppMetadata: map[string]any{"plan": "gold", "suspended": true}},
	{Email: "eve@example.com", AppMetadata: map[string]any{"plan": "trial", "trial_ends": "2026-01-31"}},
}

func demonstrate(ctx context.Context, out io.Writer) error {
	d := &demo{out: out, log: audit.NewMemory(), tenant: auth0test.NewTenant(auth0test.Options{JobTime: -1, FixedIDs: true})}
	d.app = d.tenant.AddClient(auth0test.Application{Name: "Shop", CallbackURL: "https://shop.example.com/callback"})
	d.tenant.AddAPI("https://api.example.com")
	for _, u := range people {
		d.tenant.AddUser(u, password)
	}
	fmt.Fprintln(out, "Before:")
	d.logins(ctx)
	fmt.Fprintln(out, "\nDeployment:")
	stop, err := d.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintln(out, "\nAfter:")
	d.logins(ctx)
	for range 10 {
		if _, err := d.login(ctx, people[0].Email); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "\nAfter ten more logins of ada@example.com:")
	d.show(ctx, people[0].Email)
	fmt.Fprintf(out, "\nRecorded: %d logins\n", len(d.log.Events()))
	return d.shadow()
}

// start serves the pipeline on this machine and deploys its Action.
func (d *demo) start(ctx context.Context) (stop func(), err error) {
	key := make([]byte, 32)
	rand.Read(key)
	counter := actions.NewMemoryCounter()
	live, err := pipeline(counter, d.log)
	if err != nil {
		return nil, err
	}
	candidate, err := next(counter)
	if err != nil {
		return nil, err
	}
	h, err := actions.Handler([][]byte{key}, actions.HandlerConfig{Candidates: []*actions.Pipeline{candidate}, OnDiff: d.keep}, live)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: d.counted(h), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	engine, err := scripts.New(scripts.Config{Hosts: []string{listener.Addr().String()}, Console: func(line string) { fmt.Fprintln(d.out, line) }})
	if err != nil {
		return nil, err
	}
	d.tenant.RunScripts(engine)
	var diff bytes.Buffer
	if err := deploy(ctx, &diff, d.tenant.Management(), live, "http://"+listener.Addr().String(), key, true); err != nil {
		return nil, err
	}
	for line := range strings.Lines(diff.String()) {
		if !strings.Contains(line, "url: ") && !strings.Contains(line, "key: ") { // Other in each run.
			fmt.Fprint(d.out, line)
		}
	}
	return func() { server.Close() }, nil
}

// counted knows when the server has done what it does after an answer.
func (d *demo) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.seen.Add(1)
		defer d.seen.Done()
		h.ServeHTTP(w, r)
	})
}

func (d *demo) keep(_ context.Context, diff actions.Diff) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.diffs = append(d.diffs, diff)
}

func (d *demo) login(ctx context.Context, email string) (auth0test.Tokens, error) {
	return d.tenant.Login(ctx, auth0test.Login{ClientID: d.app.ID, Audience: "https://api.example.com", Identifier: email, Password: password})
}

func (d *demo) logins(ctx context.Context) {
	for _, u := range people {
		d.show(ctx, u.Email)
	}
}

// show logs a user in and prints the claims of ours in the access token.
func (d *demo) show(ctx context.Context, email string) {
	tokens, err := d.login(ctx, email)
	if err != nil {
		fmt.Fprintf(d.out, "  %s  %v\n", email, err)
		return
	}
	claims := map[string]any{}
	if parts := strings.Split(tokens.Access, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(text, &claims) != nil {
			fmt.Fprintf(d.out, "  %s  a token that cannot be read\n", email)
			return
		}
	}
	line := "  " + email
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if strings.HasPrefix(name, namespace) {
			line += fmt.Sprintf("  %s=%v", strings.TrimPrefix(name, namespace), claims[name])
		}
	}
	fmt.Fprintln(d.out, line)
}

// shadow prints what the next pipeline would have done about the logins.
func (d *demo) shadow() error {
	d.seen.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	count := map[string]int{}
	for _, diff := range d.diffs {
		for _, change := range diff.Changes {
			count[change]++
		}
	}
	fmt.Fprintf(d.out, "\nThe next pipeline, in the shadow of %d logins, would change:\n", len(d.diffs))
	for _, change := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(d.out, "  %2d  %s\n", count[change], change)
	}
	return nil
}
