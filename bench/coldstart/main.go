// Coldstart measures how long the quickstart takes for somebody who has just
// installed Go, beside a program of go-auth0 that makes one call:
//
//	go run ./coldstart
//
// Both are downloaded, compiled and run with caches that are empty, one after the
// other. The bar is 1.8 times as long.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
)

// peer makes one call with go-auth0, to a server in its own process.
const peer = `package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/auth0/go-auth0/management"
)

func main() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{\"user_id\":\"auth0|1\"}")
	}))
	m, err := management.New(s.Listener.Addr().String(), management.WithInsecure())
	if err != nil {
		log.Fatal(err)
	}
	user, err := m.User.Read(context.Background(), "auth0|1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.GetID())
}
`

const peerVersion = "v1.47.0"

func main() {
	warm := flag.Bool("warm", false, "use the caches that are there: whether it works, no figure to quote")
	rounds := flag.Int("rounds", 1, "rounds of both; the median is printed")
	flag.Parse()
	if err := run(context.Background(), *warm, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, warm bool, rounds int) (err error) {
	dir, err := os.MkdirTemp("", "coldstart")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	theirs := filepath.Join(dir, "peer")
	if err := writePeer(ctx, theirs); err != nil {
		return err
	}
	var tookPeer, tookOurs []time.Duration
	for range max(1, rounds) {
		a, err := once(ctx, dir, theirs, warm, "run", ".")
		if err != nil {
			return fmt.Errorf("the program of go-auth0: %w", err)
		}
		b, err := once(ctx, dir, "..", warm, "run", "./examples/quickstart", "-json")
		if err != nil {
			return fmt.Errorf("the quickstart: %w", err)
		}
		tookPeer, tookOurs = append(tookPeer, a), append(tookOurs, b)
		fmt.Printf("go-auth0, one call: %v; the quickstart: %v; %.2f times as long\n", a.Round(time.Second), b.Round(time.Second), b.Seconds()/a.Seconds())
	}
	return benchrow.Add(benchrow.Row{
		What: "quickstart from empty caches", Unit: "s", Peer: "go-auth0 " + peerVersion + ", one call",
		Theirs: median(tookPeer).Seconds(), Ours: median(tookOurs).Seconds(),
	})
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// writePeer makes the peer's module. What tidy looks up is not measured.
func writePeer(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	mod := "module peer\n\ngo 1.26.0\n\nrequire github.com/auth0/go-auth0 " + peerVersion + "\n"
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "main.go"), []byte(peer), 0o600), os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600)); err != nil {
		return err
	}
	tidy := exec.CommandContext(ctx, "go", "mod", "tidy")
	tidy.Dir = dir
	if out, err := tidy.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod tidy: %w: %s", err, out)
	}
	return nil
}

// once runs the go command in a folder, with empty caches unless warm.
func once(ctx context.Context, dir, in string, warm bool, args ...string) (took time.Duration, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = in, append(os.Environ(), "GOFLAGS=-modcacherw"), os.Stderr
	if !warm {
		caches, err := os.MkdirTemp(dir, "caches")
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(caches)) }()
		cmd.Env = append(cmd.Env, "GOCACHE="+filepath.Join(caches, "build"), "GOMODCACHE="+filepath.Join(caches, "mod"))
	}
	start := time.Now()
	err = cmd.Run()
	return time.Since(start), err
}
