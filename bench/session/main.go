// Session compares the loading of a session for one request with scs and with a
// bare GET, in one run:
//
//	go run ./session
//
// It starts a redis-server of its own. Every candidate stands behind the same
// handlers: middleware loads the session, the handler reads the user, and the
// answer is thrown away. For each number of clients it prints wall time and CPU
// time, of the client and Redis together, of one request. A session holds a user
// and 1500 bytes of tokens. The columns to the right say what happens to a session
// when requests overlap: whether a request that was under way during logout, or
// during the change of the token, brings the old token back, and whether of two
// overlapping changes one is lost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
)

func main() {
	length := flag.Duration("time", time.Second, "how long each candidate runs for each number of clients and round")
	rounds := flag.Int("rounds", 3, "rounds of every candidate; the median is printed")
	sessions := flag.Int("sessions", 20000, "sessions whose memory is measured")
	only := flag.Bool("ratios", false, "run the three candidates whose ratios are printed, and print nothing else")
	flag.Parse()
	if err := run(context.Background(), *length, *rounds, *sessions, *only); err != nil {
		fmt.Fprintln(os.Stderr, "session:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, length time.Duration, rounds, sessions int, only bool) error {
	redis, err := startRedis()
	if err != nil {
		return err
	}
	defer redis.stop()
	all, err := candidates(redis.addr)
	if err != nil {
		return err
	}
	if only {
		all = slices.DeleteFunc(all, func(c *candidate) bool { return c.name != theirs && c.name != ours && c.name != oursGoRedis })
	}
	fmt.Println("load of the machine before:", loadOfMachine())
	results, err := measure(ctx, all, redis, length, rounds)
	if err != nil {
		return err
	}
	defer func() { fmt.Println("load of the machine after:", loadOfMachine()) }()
	if only {
		return printRatios(all, results)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "us per request\t")
	for _, n := range clients {
		fmt.Fprintf(w, " %d: wall\t CPU\t", n)
	}
	fmt.Fprint(w, " allocs\t to Redis\t B in+out\t B/session\t resurrects\t revives fixated\t loses updates\t\n")
	for i, c := range all {
		r := results[i]
		fmt.Fprintf(w, "%s\t", c.name)
		for i := range clients {
			fmt.Fprintf(w, " %.1f\t %.1f\t", micros(r.wall[i]), micros(r.cpu[i]))
		}
		memory, err := memoryPerSession(c, redis, sessions)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, " %d\t %s\t %s\t %s\t %s\t %s\t %s\t\n", r.allocs, r.commands, r.bytes, memory,
			yes(c, resurrects), yes(c, revivesFixated), yes(c, losesUpdates))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printRatios(all, results)
}

// printRatios says how many times less time and CPU ours needs than scs.
func printRatios(all []*candidate, results []result) error {
	of := func(name string) result {
		return results[slices.IndexFunc(all, func(c *candidate) bool { return c.name == name })]
	}
	scs := of(theirs)
	for _, name := range []string{ours, oursGoRedis} {
		r := of(name)
		fmt.Printf("%s against %s:", name, theirs)
		for i, n := range clients {
			fmt.Printf("  %d clients %.1fx wall, %.1fx CPU", n, float64(scs.wall[i])/float64(r.wall[i]), float64(scs.cpu[i])/float64(r.cpu[i]))
			what := fmt.Sprintf("session of a request, %d clients, %s", n, name)
			if err := benchrow.Add(
				benchrow.Row{What: what, Unit: "us", Peer: theirs, Theirs: micros(scs.wall[i]), Ours: micros(r.wall[i])},
				benchrow.Row{What: what, Unit: "us of CPU, Redis included", Peer: theirs, Theirs: micros(scs.cpu[i]), Ours: micros(r.cpu[i])},
			); err != nil {
				return err
			}
		}
		fmt.Println()
	}
	return nil
}

// loadOfMachine is the load average of the last minutes, where the system tells it.
func loadOfMachine() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// yes runs a check, which does not apply to what is no session.
func yes(c *candidate, check func(*candidate) (bool, error)) string {
	if c.login == nil {
		return "-"
	}
	bad, err := check(c)
	switch {
	case err != nil:
		return err.Error()
	case bad:
		return "YES"
	}
	return "no"
}
