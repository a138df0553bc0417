package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// A wave of credential stuffing has one try for each account and address, so a single
// login of it shows nothing but what any attacker shows: what is left is what all of
// them have in common. It is no row of evidence, but one of the engine.
const waveFailures = 3000

// wave is what the failures of ten minutes have in common.
type wave struct {
	name     string
	failures int
	agent    func(r *rand.Rand, w *world) string // empty: that count is left out
}

var waves = []wave{
	{"no failures: what the evidence of the login alone does", 0, nil},
	{"3,000 failures by one agent", waveFailures, func(*rand.Rand, *world) string { return waveAgent }},
	{"3,000 failures that show no agent", waveFailures, func(*rand.Rand, *world) string { return "" }},
	{"3,000 failures by agents as people have them", waveFailures, func(r *rand.Rand, w *world) string { return w.device(r).agent }},
}

// waveAgent is a browser of the last year, as tools send it.
const waveAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// stuffed is what a wave meets.
type stuffed struct{ naive, vpn, genuine map[risk.Action]int }

// stuff has the users of a seed log in once more, and an attacker of each kind in the
// place of each of them, while a wave is on.
func stuff(ctx context.Context, w *world, events []event, of wave) (s stuffed, err error) {
	now := epoch.AddDate(10, 0, 0)
	d, err := anomaly.New(anomaly.NewMemory(len(events)), sealing, anomaly.Config{Now: func() time.Time { return now }})
	if err != nil {
		return s, err
	}
	engine, err := risk.New(d, risk.Config{Counters: atOnce{risk.NewMemoryCounters(0), now}, Keys: sealing, Now: func() time.Time { return now }})
	if err != nil {
		return s, err
	}
	next, err := learnAllButLast(ctx, d, events)
	if err != nil {
		return s, err
	}
	r := rand.New(rand.NewPCG(heldOut[0], waveFailures))
	for i := range of.failures {
		net := oneOf(r, eyeball(r, w.country(r)).nets)
		l := risk.Login{Attempt: anomaly.Attempt{UserID: fmt.Sprint("tried ", i), Time: now, IP: net.addr(byte(r.IntN(256))), UserAgent: of.agent(r, w)}}
		if err := engine.Failed(ctx, l); err != nil {
			return s, err
		}
	}
	s = stuffed{map[risk.Action]int{}, map[risk.Action]int{}, map[risk.Action]int{}}
	for i := range events {
		ev := &events[i]
		last, known := next[ev.user]
		if !known || ev.attack > vpn || ev.attack == genuine && ev.attempt.Time != last {
			continue
		}
		a, counts := ev.attempt, s.genuine
		if ev.attack != genuine {
			counts = map[attackKind]map[risk.Action]int{naive: s.naive, vpn: s.vpn}[ev.attack]
			a.Time = last.Truncate(24 * time.Hour).Add(24*time.Hour + a.Time.Sub(a.Time.Truncate(24*time.Hour)))
			if of.agent != nil {
				a.UserAgent = of.agent(r, w)
			}
			if a.UserAgent == "" {
				a.UserAgent = waveAgent
			}
		}
		decision, err := engine.Evaluate(ctx, risk.Login{Attempt: a})
		if err != nil {
			return s, err
		}
		counts[decision.Action]++
	}
	return s, nil
}

// learnAllButLast returns when the users with a history log in next.
func learnAllButLast(ctx context.Context, d *anomaly.Detector, events []event) (map[int]time.Time, error) {
	last, logins := map[int]time.Time{}, map[int]int{}
	for i := range events {
		if ev := &events[i]; ev.attack == genuine {
			last[ev.user] = ev.attempt.Time
			logins[ev.user]++
		}
	}
	for i := range events {
		ev := &events[i]
		if logins[ev.user] < 2 {
			delete(last, ev.user)
		}
		if ev.attack != genuine || ev.attempt.Time.Equal(last[ev.user]) {
			continue
		}
		if err := d.Learn(ctx, ev.attempt, anomaly.Proved); err != nil {
			return nil, err
		}
		if i%10_000 == 0 {
			if err := d.Merge(ctx); err != nil {
				return nil, err
			}
		}
	}
	return last, d.Merge(ctx)
}

// atOnce counts everything in the same ten minutes, whenever users have logged in.
type atOnce struct {
	risk.Counters
	now time.Time
}

func (a atOnce) Add(ctx context.Context, items []risk.Count) ([]risk.Tally, error) {
	for i := range items {
		items[i].At = a.now
	}
	return a.Counters.Add(ctx, items)
}

// share is how many had one of these actions, in percent.
func share(counts map[risk.Action]int, actions ...risk.Action) float64 {
	n, all := 0, 0
	for action, count := range counts {
		all += count
		for _, a := range actions {
			if a == action {
				n += count
			}
		}
	}
	return 100 * float64(n) / float64(max(1, all))
}

// printStuffing prints what the counts of failures buy.
func printStuffing(ctx context.Context, w *world, o options, out io.Writer) error {
	events := w.simulate(heldOut[0], o.users, sparse, o.ids)
	fmt.Fprintf(out, "\ncredential stuffing, one try for each address and account, %s, %d users, seed %d: percent of the logins with a right password that are allowed, and of the genuine logins meanwhile that are challenged / by a second factor\n\n",
		devices[o.ids], o.users, heldOut[0])
	fmt.Fprint(out, "| failures within ten minutes | naive, allowed | vpn, allowed | genuine, challenged / second factor |\n|---|---|---|---|\n")
	for _, of := range waves {
		s, err := stuff(ctx, w, events, of)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %s | %.1f | %.1f | %.1f / %.1f |\n", of.name, share(s.naive, risk.Allow), share(s.vpn, risk.Allow),
			100-share(s.genuine, risk.Allow), share(s.genuine, risk.MFARequired, risk.Deny))
	}
	return nil
}
