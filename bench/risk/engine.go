package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// actions counts what the engine, with all its rules, would have done.
type actions struct {
	of         [attackKinds]map[risk.Action]int
	travelOnly int              // genuine logins that are prompted for it
	blind      [attackKinds]int // attacks that would have been allowed without an address
}

var inOrder = []risk.Action{risk.Allow, risk.PromptVerification, risk.MFARequired, risk.Deny}

// decide runs events through an engine in shadow mode. Genuine logins are learnt
// whatever it decided: their users pass the challenge.
func decide(ctx context.Context, events []event, m mode, model *anomaly.Model, into *actions) error {
	d, err := anomaly.New(anomaly.NewMemory(len(events)), sealing, anomaly.Config{Model: model})
	if err != nil {
		return err
	}
	engine, err := risk.New(d, risk.Config{Shadow: true, Model: model})
	if err != nil {
		return err
	}
	j := judge{d, engine, model, into}
	known := map[int]bool{}
	for i := range events {
		ev := &events[i]
		if ev.attack != genuine && !known[ev.user] {
			continue
		}
		trust := anomaly.Allowed
		if float64(i) >= m.warmUp()*float64(len(events)) {
			action, err := j.count(ctx, ev)
			if err != nil {
				return err
			}
			if action != risk.Allow {
				trust = anomaly.Proved
			}
		}
		if ev.attack != genuine {
			continue
		}
		known[ev.user] = true
		if err := d.Learn(ctx, ev.attempt, trust); err != nil {
			return err
		}
		if i%10_000 == 0 {
			if err := d.Merge(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// judge counts what an engine does.
type judge struct {
	detector *anomaly.Detector
	engine   *risk.Engine
	model    *anomaly.Model
	into     *actions
}

func (j judge) count(ctx context.Context, ev *event) (risk.Action, error) {
	decision, err := j.engine.Evaluate(ctx, risk.Login{Attempt: ev.attempt})
	if err != nil {
		return "", err
	}
	if j.into.of[ev.attack] == nil {
		j.into.of[ev.attack] = map[risk.Action]int{}
	}
	j.into.of[ev.attack][decision.Action]++
	if ev.attack == genuine {
		a, err := j.detector.Assess(ctx, ev.attempt)
		if err == nil {
			j.into.countTravel(a, j.model)
		}
		return decision.Action, err
	}
	hidden := ev.attempt
	hidden.IP, hidden.Place = netip.Addr{}, &anomaly.Place{}
	d, err := j.engine.Evaluate(ctx, risk.Login{Attempt: hidden})
	if err == nil && d.Action == risk.Allow {
		j.into.blind[ev.attack]++
	}
	return decision.Action, err
}

// countTravel counts prompts that come from travel that cannot be, and from nothing
// else.
func (a *actions) countTravel(found anomaly.Assessment, model *anomaly.Model) {
	sum := float64(found.Prior)
	for _, f := range found.Findings {
		sum += float64(f.LogOdds)
	}
	if found.Unreachable && sum < model.Weights(found.Class).Cuts[0] {
		a.travelOnly++
	}
}

func (a *actions) print(w io.Writer) {
	fmt.Fprintf(w, "\nwhat the engine does, first logins included\n%-14s %9s", "", "logins")
	for _, action := range inOrder {
		fmt.Fprintf(w, " %19s", action)
	}
	fmt.Fprintf(w, " %21s\n", "allowed, no address")
	for k, counts := range a.of {
		total := 0
		for _, n := range counts {
			total += n
		}
		fmt.Fprintf(w, "%-14s %9d", attackKind(k), total)
		for _, action := range inOrder {
			fmt.Fprintf(w, " %18.3f%%", 100*float64(counts[action])/float64(total))
		}
		fmt.Fprintf(w, " %20.3f%%\n", 100*float64(a.blind[k])/float64(total))
	}
	denied, total := a.denied()
	fmt.Fprintf(w, "prompted for travel alone: %.3f%% of the genuine\n", 100*float64(a.travelOnly)/float64(total))
	fmt.Fprintf(w, "false denials: %d of %d, at most %.2f in 100,000 with 95%% confidence\n", denied, total, 1e5*upper(denied)/float64(total))
}

// denied is how many genuine logins were denied, of how many.
func (a *actions) denied() (denied, total int) {
	for _, n := range a.of[genuine] {
		total += n
	}
	return a.of[genuine][risk.Deny], total
}

// upper is the 95% upper bound of a Poisson mean of which n were seen.
func upper(n int) float64 {
	for mean := float64(n); ; mean += 0.01 {
		below, term := 0.0, math.Exp(-mean)
		for i := range n + 1 {
			below += term
			term *= mean / float64(i+1)
		}
		if below <= 0.05 {
			return mean
		}
	}
}
