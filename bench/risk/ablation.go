package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/auth0kit/auth0kit/anomaly"
)

// heads are those of a table with a column for each kind, after the first.
func heads(kinds []attackKind) (line string) {
	for _, k := range kinds {
		line += fmt.Sprintf(" %s |", k)
	}
	return line + "\n|---|" + strings.Repeat("---|", len(kinds))
}

// ablate fits the model without each number of evidence, in one world, and prints
// what the rest costs in another: genuine logins challenged at 98% of the attackers
// stopped; and what the counts of failures buy beside the shipped model.
func ablate(ctx context.Context, here, there *world, o options, w io.Writer) error {
	train, err := stream(ctx, here.simulate(fitSeed, o.users, sparse, o.ids), sparse, o.ids, anomaly.DefaultModel())
	if err != nil {
		return err
	}
	rows, err := stream(ctx, there.simulate(heldOut[0], o.users, sparse, o.ids), sparse, o.ids, anomaly.DefaultModel())
	if err != nil {
		return err
	}
	shown := []attackKind{naive, vpn, targeted, veryTargeted, naiveNoID, carrierExit, office, homeNet, thiefCountry, noAddress, keepsNone}
	line := func(name string, without ...int) (*anomaly.Model, error) {
		m, err := fitWeights(samplesOf(train, without...), "")
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(w, "| %s |", name)
		measured := []*measured{measure(rows, func(r *row) float64 {
			e := r.Evidence
			for _, number := range without {
				e[number] = 0
			}
			return m.Weights(r.Class).LogOdds(&e)
		})}
		for _, k := range shown {
			if len(measured[0].scores[k]) > 0 {
				fmt.Fprintf(w, " %.1f |", 100*reauth(measured, k, .98))
			} else {
				fmt.Fprint(w, " |")
			}
		}
		fmt.Fprintln(w)
		return m, nil
	}
	fmt.Fprintf(w, "\n%s, %d users, seed %d: percent of genuine logins challenged at 98%% stopped\n\n| without |%s\n", devices[o.ids], o.users, heldOut[0], heads(shown))
	m, err := line("nothing")
	if err != nil {
		return err
	}
	for i, name := range anomaly.EvidenceNames() {
		if m.WithDevice.By[name] == 0 && m.WithoutDevice.By[name] == 0 && m.LosesDevice.By[name] == 0 {
			continue // it weighs nothing
		}
		if _, err := line(name, i); err != nil {
			return err
		}
	}
	return printStuffing(ctx, there, o, w)
}
