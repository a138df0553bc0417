// Command risk measures how well packages anomaly and risk tell attackers from
// users, beside simpler schemes, on simulated people in real geography. See
// docs/risk for what it prints and how to read it.
//
//	go run ./risk -embedded            # the table of the shipped model, 11,500 users per seed
//	go run ./risk                      # … of one fitted at once
//	go run ./risk -mode rich
//	go run ./risk -fit model.json      # fit a model for services with and without a device cookie
//	go run ./risk -embedded -plots ../docs/risk
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"
)

type options struct {
	users    int
	mode     string
	cookies  bool
	embedded bool
	data     string
	small    bool
	fit      string
	plots    string
}

func main() {
	var o options
	flag.IntVar(&o.users, "users", 11_500, "users per seed")
	flag.StringVar(&o.mode, "mode", "rba", "rba: few logins per user; rich: up to 60")
	flag.BoolVar(&o.cookies, "cookies", true, "whether the service has a device cookie")
	flag.BoolVar(&o.embedded, "embedded", false, "measure the model that package anomaly ships, instead of fitting one")
	flag.StringVar(&o.data, "data", "", "directory of the data; default: the user's cache")
	flag.BoolVar(&o.small, "synthetic", false, "use the synthetic world, which needs no data")
	flag.StringVar(&o.fit, "fit", "", "fit a model for all classes of logins and write it there, instead of measuring")
	flag.StringVar(&o.plots, "plots", "", "write plots into this directory")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The seeds of the protocol: fit on the first, set thresholds on the second,
// report on the others. The cuts of a model that is written take more seeds: a
// denial is extrapolated from the highest thousandth, which is 34 logins of one.
var (
	fitSeed, cutSeed uint64 = 101, 202
	heldOut                 = []uint64{505, 606, 707}
	cutSeeds                = []uint64{202, 303, 313, 323}
)

func run(ctx context.Context, o options) error {
	start := time.Now()
	w, err := o.world()
	if err != nil {
		return err
	}
	fmt.Printf("world of %d countries after %.1f s\n", len(w.countries), time.Since(start).Seconds())
	if o.fit != "" {
		return fitModel(ctx, w, o)
	}
	e, err := experiment(ctx, w, o)
	if err != nil {
		return err
	}
	e.print(os.Stdout)
	fmt.Printf("\n%.1f s\n", time.Since(start).Seconds())
	return e.write(o)
}

func (o options) world() (*world, error) {
	if o.small {
		return syntheticWorld(404), nil
	}
	files, err := fetch(o.data)
	if err != nil {
		return nil, err
	}
	return realWorld(files)
}
