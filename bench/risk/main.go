// Command risk measures how well packages anomaly and risk tell attackers from
// users, beside simpler schemes, on simulated people in real geography. See
// docs/risk for what it prints and how to read it.
//
//	go run ./risk -embedded            # the tables of the shipped model, 11,500 users per seed
//	go run ./risk                      # … of one fitted at once
//	go run ./risk -mode rich           # long histories; -mode month: the first month of a service
//	go run ./risk -ids none            # a service without a device cookie; -ids constant: one value for all
//	go run ./risk -fit model.json      # fit a model for services with and without a device cookie
//	go run ./risk -ablation            # what each number of evidence buys
//	go run ./risk -model               # weights and constants, for docs/risk/model.md; with -ablation that table too
//	go run ./risk -price               # what risk.Config.OnNewDevice costs
//	go run ./risk -budget              # what the shipped defaults spend of their budget
//	go run ./risk -embedded -plots ../docs/risk
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

type options struct {
	users    int
	seeds    int
	mode     mode
	ids      service
	embedded bool
	data     string
	world    string
	fit      string
	budget   bool
	ablation bool
	model    bool
	price    bool
	plots    string
}

func main() {
	var o options
	flag.IntVar(&o.users, "users", 11_500, "users per seed")
	flag.IntVar(&o.seeds, "seeds", len(heldOut), "seeds that are measured, at most 3")
	flag.StringVar((*string)(&o.mode), "mode", string(sparse), "rba: few logins per user; rich: up to 60; month: the first month of a service")
	flag.StringVar((*string)(&o.ids), "ids", string(cookies), "what the service knows devices by: cookies, none, constant")
	flag.BoolVar(&o.embedded, "embedded", false, "measure the model that package anomaly ships, instead of fitting one")
	flag.StringVar(&o.data, "data", "", "directory of the data; default: the user's cache")
	flag.StringVar(&o.world, "world", "there", "the world to measure in: there, beyond or elsewhere, which no model is fitted in; here; synthetic, which needs no data")
	flag.StringVar(&o.fit, "fit", "", "fit a model for all classes of logins and write it there, instead of measuring")
	flag.BoolVar(&o.budget, "budget", false, "print what the shipped defaults spend of their budget, instead of measuring")
	flag.BoolVar(&o.ablation, "ablation", false, "print what each number of evidence buys, instead of measuring: the model is fitted without each")
	flag.BoolVar(&o.model, "model", false, "print weights and constants out of the source, from the directory bench; with -ablation that table too")
	flag.BoolVar(&o.price, "price", false, "print what a policy for new devices costs, instead of measuring")
	flag.StringVar(&o.plots, "plots", "", "write plots into this directory")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The seeds of the protocol: fit on the first, in one world, and report on others
// in another. The cuts of a model that is written take more seeds: a denial is
// extrapolated from the highest thousandth, which is 34 logins of one.
var (
	fitSeed  uint64 = 101
	heldOut         = []uint64{505, 606, 707}
	cutSeeds        = []uint64{202, 303, 313, 323}
)

func run(ctx context.Context, o options) error {
	start := time.Now()
	if o.model {
		if err := printModel(os.Stdout, ".."); err != nil || !o.ablation {
			return err
		}
	}
	here, there, err := o.worlds()
	if err != nil {
		return err
	}
	fmt.Printf("worlds of %d and %d countries after %.1f s\n", len(here.countries), len(there.countries), time.Since(start).Seconds())
	if o.fit != "" {
		return fitModel(ctx, here, o)
	}
	if o.ablation {
		return ablate(ctx, here, there, o, os.Stdout)
	}
	if o.price {
		return printPrice(ctx, there, o, os.Stdout)
	}
	if o.budget {
		return printBudget(ctx, there, o, os.Stdout)
	}
	e, err := experiment(ctx, here, there, o)
	if err != nil {
		return err
	}
	e.print(os.Stdout)
	if err := e.addRows(); err != nil {
		return err
	}
	fmt.Printf("\n%.1f s\n", time.Since(start).Seconds())
	return e.write(o)
}

// worlds are that of the fit and that of the measurement.
func (o options) worlds() (here, there *world, err error) {
	if o.world == "synthetic" {
		w := syntheticWorld(404)
		return w, w, nil
	}
	if !slices.Contains(worldNames, o.world) {
		return nil, nil, fmt.Errorf("no world %q", o.world)
	}
	files, err := fetch(o.data)
	if err != nil {
		return nil, nil, err
	}
	all, err := realWorlds(files, "here", o.world)
	return all["here"], all[o.world], err
}
