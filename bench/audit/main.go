// Audit compares the ingest of an audit log with the same inserts without
// sealing, and with the chain of hashes that people usually build, in one run:
//
//	go run ./audit
//
// Eight writers append batches of 200 events of about 450 bytes for a while. All
// three candidates write the same rows and indexes. "plain" does nothing else.
// "sealed" is auditlog's: hashes and a pending row with each batch, and two
// processes' worth of Run that seal meanwhile. "chained" locks the last row of the
// chain for each batch, hashes each event with the one before, and inserts. Plain
// and sealed take turns; the ratio is the median of the pairs. "behind" is how long
// the oldest unsealed event had waited when the writers stopped, and "done" how long
// it took until all was sealed. "Record" is Log.Record of single events by 64
// goroutines, encryption included.
//
// SQLite is a file in a temporary folder. Postgres and MariaDB are those of
// AUTH0KIT_TEST_POSTGRES and AUTH0KIT_TEST_MYSQL, or the local ones; each run has a
// schema of its own and drops it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
)

type settings struct {
	length         time.Duration
	pairs          int
	writers, batch int
	only           string
	report         int
}

func main() {
	var s settings
	flag.DurationVar(&s.length, "time", 5*time.Second, "how long each candidate writes in each round")
	flag.IntVar(&s.pairs, "pairs", 7, "pairs of plain and sealed; the median ratio is printed")
	flag.IntVar(&s.writers, "writers", 8, "writers at once")
	flag.IntVar(&s.batch, "batch", 200, "events of one transaction")
	flag.StringVar(&s.only, "only", "", "one product: sqlite, postgres or mariadb")
	flag.IntVar(&s.report, "report", 0, "make reports over so many events instead")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "audit:", err)
		os.Exit(1)
	}
}

// row is what is printed for one product.
type row struct {
	product                string
	plain, sealed, chained float64 // Events a second, medians.
	record                 float64
	ratio, lowest, highest float64
	behind, done           time.Duration // The longest of the rounds.
	size                   uint64        // Sealed and verified, of all rounds.
}

func run(ctx context.Context, out io.Writer, s settings) error {
	if s.report > 0 {
		for _, p := range products {
			if s.only == "" || strings.EqualFold(s.only, p.name) {
				if err := printReport(ctx, out, p, s.report); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "events/s\t plain\t sealed\t sealed/plain\t (all pairs)\t chained\t behind\t done\t Record\t verified\t")
	for _, p := range products {
		if s.only != "" && !strings.EqualFold(s.only, p.name) {
			continue
		}
		r, err := compare(ctx, p, s)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(w, "%s\t %.0f\t %.0f\t %.2f\t %.2f-%.2f\t %.0f\t %s\t %s\t %.0f\t %d\t\n", r.product, r.plain, r.sealed, r.ratio, r.lowest, r.highest,
			r.chained, r.behind.Round(10*time.Millisecond), r.done.Round(10*time.Millisecond), r.record, r.size)
		what := "events written and sealed, " + r.product
		if err := errors.Join(w.Flush(), benchrow.Add(
			benchrow.Row{What: what, Unit: "events/s", Peer: "the same rows without sealing", Theirs: r.plain, Ours: r.plain * r.ratio, More: true},
			benchrow.Row{What: what, Unit: "events/s", Peer: "a chain of hashes under a lock", Theirs: r.chained, Ours: r.sealed, More: true},
		)); err != nil {
			return err
		}
	}
	return nil
}

func compare(ctx context.Context, p product, s settings) (row, error) {
	r := row{product: p.name}
	var plain, sealed, ratios []float64
	for i := range s.pairs {
		var a, b float64
		var err error
		runPlain := func() { a, err = measure(ctx, p, s, appendPlain) }
		runSealed := func() {
			var l lag
			b, l, err = measureSealed(ctx, p, s)
			r.behind, r.done, r.size = max(r.behind, l.behind), max(r.done, l.done), r.size+l.size
		}
		order := []func(){runPlain, runSealed}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, f := range order {
			if f(); err != nil {
				return r, err
			}
		}
		plain, sealed, ratios = append(plain, a), append(sealed, b), append(ratios, b/a)
	}
	r.plain, r.sealed, r.ratio, r.lowest, r.highest = median(plain), median(sealed), median(ratios), slices.Min(ratios), slices.Max(ratios)
	var err error
	if r.chained, err = measure(ctx, p, s, appendChained); err != nil {
		return r, err
	}
	r.record, err = measureRecord(ctx, p, s)
	return r, err
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
