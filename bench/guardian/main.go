// Guardian simulates months of logins with an authenticator app: honest people
// with slow fingers, wrong clocks and shared addresses beside people who guess. It
// prints how often honest people are refused or locked out, beside the odds of
// guessing:
//
//	go run ./guardian -people 4000 -days 250
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
)

func main() {
	people := flag.Int("people", 4000, "honest people whose accounts nobody attacks")
	days := flag.Int("days", 250, "days, with one login a day on average")
	seed := flag.Uint64("seed", 1, "seed of the random numbers")
	flag.Parse()
	w, err := simulate(*people, *days, *seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "guardian:", err)
		os.Exit(1)
	}
	w.print(os.Stdout)
	total := w.honest(unattacked)
	if err := benchrow.Add(benchrow.Row{What: fmt.Sprintf("right codes refused, of %d honest logins", total.logins), Unit: "codes", Ours: float64(total.refused)}); err != nil {
		fmt.Fprintln(os.Stderr, "guardian:", err)
		os.Exit(1)
	}
}
