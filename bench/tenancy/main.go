// Tenancy compares the verification of access tokens with what other Go
// libraries need for it, in one run:
//
//	go run ./tenancy
//
// One token with five permissions is verified again and again, once signed with
// RS256 and once with ES256. Every candidate checks signature, issuer, audience
// and expiry with the issuer's published keys in its own cache, and reads
// subject, organization and permissions. The floor is the bare signature check. Of
// the peers, go-jwt-middleware 3 alone knows DPoP.
//
// The time is CPU time of the process, so that a loaded machine disturbs less;
// candidates take turns, and the fastest and the median round are printed. Run it
// on a machine that is calm.
package main

import (
	"context"
	"errors"
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
	rounds := flag.Int("rounds", 15, "rounds of every candidate")
	count := flag.Int("n", 400, "verifications in a round")
	flag.Parse()
	if err := run(context.Background(), *rounds, *count); err != nil {
		fmt.Fprintln(os.Stderr, "tenancy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds, count int) error {
	for _, alg := range []string{"RS256", "ES256"} {
		candidates, err := verifiers(ctx, alg)
		if err != nil {
			return err
		}
		if err := compare(ctx, alg+", strict verification", candidates, rounds, count); err != nil {
			return err
		}
	}
	candidates, err := dpop(ctx)
	if err != nil {
		return err
	}
	if err := compare(ctx, "DPoP, a request with RS256 token and ES256 proof", candidates, rounds, count); err != nil {
		return err
	}
	candidates, err = caches(ctx)
	if err != nil {
		return err
	}
	return compare(ctx, "verified-token cache, hit", candidates, rounds, 25*count)
}

// compare prints one table. The first candidate is the floor.
func compare(ctx context.Context, title string, candidates []candidate, rounds, count int) error {
	results, err := measure(ctx, candidates, rounds, count)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\t CPU us, best\t median\t ratio\t B/op\t allocs/op\t\n", title)
	for i, r := range results {
		fmt.Fprintf(w, "%s\t %.2f\t %.2f\t %.2f\t %d\t %d\t\n", candidates[i].name,
			micros(r.best()), micros(r.median()), r.ratio(results[0]), r.bytes, r.allocs)
	}
	fmt.Fprintln(w)
	return errors.Join(w.Flush(), addRows(title, candidates, results))
}

// addRows compares the one of ours with each of the others.
func addRows(title string, candidates []candidate, results []result) error {
	mine := slices.IndexFunc(candidates, func(c candidate) bool { return strings.HasPrefix(c.name, "auth0kit") })
	for i, r := range results {
		if i == mine {
			continue
		}
		if err := benchrow.Add(benchrow.Row{What: title, Unit: "us of CPU", Peer: candidates[i].name, Theirs: micros(r.best()), Ours: micros(results[mine].best())}); err != nil {
			return err
		}
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
