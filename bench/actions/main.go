// Actions measures a login pipeline of all ready steps, and a signed round trip to
// its handler on loopback:
//
//	go run ./actions
//
// The pipeline's time is CPU time of the process, best and median of the rounds;
// the wall time of the same rounds is beside it. The round trip is what a deployed
// Action waits for, without its JavaScript: sign, POST on a connection that is open,
// verify the answer.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
	"github.com/auth0kit/auth0kit/internal/webhook"
)

func main() {
	rounds := flag.Int("rounds", 15, "rounds of the pipeline")
	runs := flag.Int("runs", 2000, "logins of a round, and round trips")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *rounds, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "actions:", err)
		os.Exit(1)
	}
}

const ns = "https://example.com/"

type allow struct{}

func (allow) Decide(context.Context, *actions.Event) (actions.Verdict, error) {
	return actions.AllowLogin, nil
}

func pipeline() (*actions.Pipeline, error) {
	return actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended."), actions.EmailDomains("example.com"), actions.EmailVerified("Verify your email address."),
		actions.Decide("risk", allow{}), actions.MFA(func(*actions.Event) bool { return true }), actions.MetadataClaims(ns, "plan"), actions.RoleClaim(ns+"roles"),
		actions.DeviceClaims(ns), actions.Segment(ns+"segment", actions.NewMemoryCounter()), actions.Track(audit.Discard))
}

func event(id string) *actions.Event {
	verified := true
	return &actions.Event{
		ID: id, Time: time.Now(), User: actions.User{ID: "auth0|1", Email: "ada@example.com", EmailVerified: &verified, AppMetadata: map[string]any{"plan": "gold"}},
		Client: actions.Ref{ID: "app"}, Roles: []string{"admin"}, Request: actions.Request{IP: "203.0.113.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"},
		Transaction: actions.Transaction{Protocol: "oidc-basic-profile"},
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func run(ctx context.Context, out io.Writer, rounds, runs int) error {
	p, err := pipeline()
	if err != nil {
		return err
	}
	n := 0
	round := func() error {
		for range runs {
			n++
			if r, err := p.Run(ctx, event(strconv.Itoa(n))); err != nil || !r.MFA {
				return fmt.Errorf("the pipeline did not do its work: %w", err)
			}
		}
		return nil
	}
	if err := round(); err != nil { // Warm.
		return err
	}
	var used, wall []time.Duration
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		start, c := time.Now(), cpu()
		if err := round(); err != nil {
			return err
		}
		used, wall = append(used, (cpu()-c)/time.Duration(runs)), append(wall, time.Since(start)/time.Duration(runs))
	}
	runtime.ReadMemStats(&after)
	slices.Sort(used)
	slices.Sort(wall)
	fmt.Fprintf(out, "pipeline of ten ready steps: CPU %v best, %v median; wall %v best, %v median; %d allocations\n",
		used[0], used[len(used)/2], wall[0], wall[len(wall)/2], (after.Mallocs-before.Mallocs)/uint64(rounds*runs))
	if err := benchrow.Add(benchrow.Row{What: "pipeline of ten ready steps", Unit: "us of CPU", Ours: micros(used[0])}); err != nil {
		return err
	}
	return trips(ctx, out, p, runs)
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

const body = `{"v":1,"trigger":"post-login","sends":["authorization.roles","organization.metadata","request.ip","request.user_agent","user.email","user.email_verified"],
"event":{"user":{"user_id":"auth0|1","email":"ada@example.com","email_verified":true,"app_metadata":{"plan":"gold"}},"client":{"id":"app"},"authorization":{"roles":["admin"]},
"request":{"ip":"203.0.113.7","user_agent":"Firefox"},"transaction":{"protocol":"oidc-basic-profile"}}}`

// trips measures round trips on loopback.
func trips(ctx context.Context, out io.Writer, p *actions.Pipeline, runs int) error {
	key := make([]byte, 32)
	rand.Read(key)
	h, err := actions.Handler([][]byte{key}, actions.HandlerConfig{}, p)
	if err != nil {
		return err
	}
	ring, err := webhook.New([][]byte{key})
	if err != nil {
		return err
	}
	s := httptest.NewServer(h)
	defer s.Close()
	took := make([]time.Duration, runs)
	for i := range took {
		start := time.Now()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		ring.Sign(r.Header, "trip-"+strconv.Itoa(i), start, []byte(body))
		answer, err := s.Client().Do(r)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("answer %d: %w", answer.StatusCode, err)
		}
		if _, err := ring.Verify(answer.Header, text, time.Now(), time.Minute); err != nil {
			return err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	fmt.Fprintf(out, "round trip on loopback: p50 %v, p99 %v\n", took[runs/2], took[runs*99/100])
	return benchrow.Add(benchrow.Row{What: "signed round trip of an Action on loopback, p50", Unit: "us", Ours: micros(took[runs/2])})
}
