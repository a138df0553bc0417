package main

import (
	"context"
	"fmt"
	"io"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// spent is what of the budget an engine spends on genuine logins after the first
// settling ones.
type spent struct {
	logins, prompted, mfa float64 // prompted: challenged at all
	cuts                  [3]float64
}

const settling = 10_000

func (s spent) prompt() float64 { return s.prompted / s.logins }
func (s spent) second() float64 { return s.mfa / s.logins }

// spend runs logins through an engine as it enforces: who is challenged and
// genuine passes, who attacks does not. Attackers are one login in every so many, 0
// for none, and those that are let in are learned like everybody.
func spend(ctx context.Context, events []event, ids service, every int) (s spent, err error) {
	d, err := anomaly.New(anomaly.NewMemory(len(events)), sealing, anomaly.Config{})
	if err != nil {
		return s, err
	}
	engine, err := risk.New(d, risk.Config{Shadow: true})
	if err != nil {
		return s, err
	}
	genuineLogins, attacks := 0, 0
	for i := range events {
		ev := &events[i]
		if ev.attack != genuine {
			if every == 0 || attacks*(every-1) >= genuineLogins {
				continue
			}
			attacks++
		}
		decision, err := engine.Evaluate(ctx, risk.Login{Attempt: ev.attempt})
		if err != nil {
			return s, err
		}
		trust := anomaly.Allowed
		if decision.Action != risk.Allow {
			trust = anomaly.Proved
			if ev.attack != genuine {
				trust = anomaly.Untrusted
			}
		}
		if err := d.Learn(ctx, ev.attempt, trust); err != nil {
			return s, err
		}
		if ev.attack == genuine {
			genuineLogins++
			s.count(decision.Action, genuineLogins > settling)
		}
		if i%2_000 == 0 {
			if err := d.Merge(ctx); err != nil {
				return s, err
			}
		}
	}
	class := anomaly.WithDevice
	if ids != cookies {
		class = anomaly.WithoutDevice
	}
	s.cuts = d.Cuts(class, .05, .02)
	return s, nil
}

func (s *spent) count(a risk.Action, settled bool) {
	if !settled {
		return
	}
	s.logins++
	switch a {
	case risk.PromptVerification:
		s.prompted++
	case risk.MFARequired, risk.Deny:
		s.prompted++
		s.mfa++
	}
}

// printBudget shows what the shipped defaults spend in a world, without attackers
// and with one login in ten of theirs.
func printBudget(ctx context.Context, w *world, o options, out io.Writer) error {
	for _, seed := range heldOut[:o.seeds] {
		events := w.simulate(seed, o.users, o.mode, o.ids)
		for _, every := range []int{0, 10} {
			s, err := spend(ctx, events, o.ids, every)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "seed %d, attackers one login in %d: %.0f genuine logins after the first %d, challenged %.2f%%, MFA %.2f%%; cuts %.2f\n",
				seed, every, s.logins, settling, 100*s.prompt(), 100*s.second(), s.cuts)
		}
	}
	return nil
}

// printPrice shows which share of the genuine logins a policy for new devices
// challenges, by the history from which on it holds, and how many of them the budget
// would not.
func printPrice(ctx context.Context, w *world, o options, out io.Writer) error {
	events := w.simulate(heldOut[0], o.users, o.mode, o.ids)
	fmt.Fprintf(out, "\n%s, %s, seed %d, %d users: genuine logins that risk.Config.OnNewDevice challenges\n\n| From | logins with a new device | beyond the budget |\n|---|---|---|\n",
		o.mode, devices[o.ids], heldOut[0], o.users)
	for _, from := range []float32{0, 2, 4, 8, 12, 25} {
		p, err := price(ctx, events, from)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %.0f | %.1f%% | %.1f%% |\n", from, 100*p.seen/p.logins, 100*p.beyond/p.logins)
	}
	return nil
}

type priced struct{ logins, seen, beyond float64 }

func price(ctx context.Context, events []event, from float32) (p priced, err error) {
	d, err := anomaly.New(anomaly.NewMemory(len(events)), sealing, anomaly.Config{})
	if err != nil {
		return p, err
	}
	engine, err := risk.New(d, risk.Config{Shadow: true, OnNewDevice: risk.OnNewDevice{Action: risk.PromptVerification, From: from}})
	if err != nil {
		return p, err
	}
	for i := range events {
		if events[i].attack != genuine {
			continue
		}
		a := events[i].attempt
		assessed, err := d.Assess(ctx, a)
		if err != nil {
			return p, err
		}
		decision, err := engine.Evaluate(ctx, risk.Login{Attempt: a})
		if err != nil {
			return p, err
		}
		p.logins++
		if assessed.Findings[anomaly.NewDevice-1].Kind != 0 && assessed.Earlier >= from {
			p.seen++
		}
		if decision.ByPolicy {
			p.beyond++
		}
		if err := d.Learn(ctx, a, anomaly.Proved); err != nil {
			return p, err
		}
		if i%2_000 == 0 {
			if err := d.Merge(ctx); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}
