package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

// results is one run of the protocol.
type results struct {
	title   string
	cookies bool
	model   *anomaly.Model
	schemes []scheme
	cut     []*measured   // per scheme, on the seed of the thresholds
	held    [][]*measured // per scheme and held-out seed
	first   []float64     // AUC of attacks on accounts without a history, per held-out seed and kind
	actions actions
	novelty flags // of genuine logins with a history, on the first held-out seed
}

func experiment(ctx context.Context, w *world, o options) (*results, error) {
	events := func(seed uint64) []event { return w.simulate(seed, o.users, mode(o.mode), o.cookies) }
	play := func(seed uint64) ([]row, error) { return stream(ctx, events(seed), o.cookies) }
	rows, err := play(fitSeed)
	if err != nil {
		return nil, err
	}
	f, err := fit(rows, o.modelName())
	if err != nil {
		return nil, err
	}
	if rows, err = play(cutSeed); err != nil {
		return nil, err
	}
	if o.embedded {
		f.model = anomaly.DefaultModel()
	} else if err := f.setCuts(rows); err != nil {
		return nil, err
	}
	return f.evaluate(ctx, o, rows, events)
}

func (f fitted) evaluate(ctx context.Context, o options, cut []row, events func(uint64) []event) (*results, error) {
	e := &results{
		title:   fmt.Sprintf("%s histories, %d users per seed, %s", o.mode, o.users, devices[o.cookies]),
		cookies: o.cookies, model: f.model, schemes: f.schemes(),
	}
	e.held = make([][]*measured, len(e.schemes))
	for _, s := range e.schemes {
		e.cut = append(e.cut, measure(cut, s.score))
	}
	for _, seed := range heldOut {
		events := events(seed)
		rows, err := stream(ctx, events, o.cookies)
		if err != nil {
			return nil, err
		}
		if err := decide(ctx, events, f.model, &e.actions); err != nil {
			return nil, err
		}
		for i, s := range e.schemes {
			e.held[i] = append(e.held[i], measure(rows, s.score))
		}
		if seed == heldOut[0] {
			e.novelty = noveltyOf(rows)
			e.first = f.firstLogins(rows)
		}
	}
	return e, nil
}

func (f fitted) setCuts(rows []row) error { return setCuts(f.model, samplesOf(rows)) }

// setCuts lets small runs have a coarser budget.
func setCuts(m *anomaly.Model, samples []calibrate.Sample) error {
	err := calibrate.SetCuts(m, samples, calibrate.Budget{})
	if errors.Is(err, calibrate.ErrSamples) {
		err = calibrate.SetCuts(m, samples, calibrate.Budget{Deny: .01})
	}
	return err
}

func samplesOf(rows []row) []calibrate.Sample {
	samples := make([]calibrate.Sample, len(rows))
	for i := range rows {
		samples[i] = rows[i].Sample
	}
	return samples
}

func (o options) modelName() string {
	return fmt.Sprintf("simulated logins, %s, %d users per seed", o.mode, o.users)
}

// fitModel writes a model for all classes of logins: each seed is played with and
// without device cookies.
func fitModel(ctx context.Context, w *world, o options) error {
	play := func(seeds ...uint64) (samples []calibrate.Sample, err error) {
		for _, seed := range seeds {
			for _, cookies := range []bool{true, false} {
				rows, err := stream(ctx, w.simulate(seed, o.users, mode(o.mode), cookies), cookies)
				if err != nil {
					return nil, err
				}
				samples = append(samples, samplesOf(rows)...)
			}
		}
		return samples, nil
	}
	samples, err := play(fitSeed)
	if err != nil {
		return err
	}
	m, err := calibrate.Fit(samples, calibrate.Config{Name: o.modelName(), Kinds: kindWeights})
	if err != nil {
		return err
	}
	if samples, err = play(cutSeeds...); err != nil {
		return err
	}
	if err := setCuts(m, samples); err != nil {
		return err
	}
	file, err := os.Create(o.fit)
	if err != nil {
		return err
	}
	return errors.Join(calibrate.Write(file, m), file.Close())
}

// noveltyOf is how often genuine logins show something for the first time.
func noveltyOf(rows []row) (sum flags) {
	n := 0.0
	for i := range rows {
		r := &rows[i]
		if r.attack != genuine || r.first() {
			continue
		}
		n++
		sum.country += r.flags.country
		sum.city += r.flags.city
		sum.prefix += r.flags.prefix
		sum.device += r.flags.device
		sum.hour += r.flags.hour
		sum.travel += r.flags.travel
	}
	return flags{sum.city / n, sum.hour / n, sum.travel / n, sum.device / n, sum.country / n, sum.prefix / n}
}

// firstLogins is how well rarity alone tells attacks on new accounts from first
// logins: AUC by kind.
func (f fitted) firstLogins(rows []row) []float64 {
	var news []row
	for _, r := range rows {
		if r.first() {
			r.Class = anomaly.WithDevice // for measure, which leaves first logins out
			news = append(news, r)
		}
	}
	m := measure(news, func(r *row) float64 { return f.model.FirstLogin.LogOdds(&r.Evidence) })
	out := make([]float64, attackKinds)
	for k := naive; k < attackKinds; k++ {
		out[k] = m.auc(k)
	}
	return out
}

// mean over the held-out seeds.
func (e *results) mean(scheme int, of func(*measured) float64) float64 {
	sum := 0.0
	for _, m := range e.held[scheme] {
		sum += of(m)
	}
	return sum / float64(len(e.held[scheme]))
}

// reauth is the share of genuine logins that a scheme challenges, with the
// threshold at which it stopped a share of the attackers on the other seed.
func (e *results) reauth(scheme int, k attackKind, share float64) float64 {
	t := e.cut[scheme].threshold(k, share)
	return e.mean(scheme, func(m *measured) float64 { return m.above(genuine, t) })
}

// stopped is the share of attackers that the same threshold stopped on the
// held-out seeds.
func (e *results) stopped(scheme int, k attackKind, share float64) float64 {
	t := e.cut[scheme].threshold(k, share)
	return e.mean(scheme, func(m *measured) float64 { return m.above(k, t) })
}

func (e *results) auc(scheme int, k attackKind) float64 {
	return e.mean(scheme, func(m *measured) float64 { return m.auc(k) })
}

var shares = []float64{.90, .95, .98, .99, .999}

func (e *results) print(w io.Writer) {
	genuineLogins := len(e.held[0][0].scores[genuine])
	fmt.Fprintf(w, "\n%s; %d genuine logins with a history per held-out seed\n", e.title, genuineLogins)
	n := e.novelty
	fmt.Fprintf(w, "new in genuine logins: country %.1f%%, city %.1f%%, /24 %.1f%%, device %.1f%%, hour %.1f%%; over 900 km/h %.1f%%\n",
		100*n.country, 100*n.city, 100*n.prefix, 100*n.device, 100*n.hour, 100*n.travel)
	fmt.Fprintf(w, "AUC on accounts without a history: naive %.3f, vpn %.3f, targeted %.3f\n", e.first[naive], e.first[vpn], e.first[targeted])
	for k := naive; k < attackKinds; k++ {
		fmt.Fprintf(w, "\n%-42s %6s  re-authentication of genuine logins at attackers stopped (achieved)\n%-42s %6s", k, "", "", "AUC")
		for _, s := range shares {
			fmt.Fprintf(w, " %15.1f%%", 100*s)
		}
		fmt.Fprintln(w)
		for i, s := range e.schemes {
			fmt.Fprintf(w, "%-42s %6.3f", s.name, e.auc(i, k))
			for _, share := range shares {
				fmt.Fprintf(w, " %6.2f%% (%5.1f%%)", 100*e.reauth(i, k, share), 100*e.stopped(i, k, share))
			}
			fmt.Fprintln(w)
		}
	}
	e.printHistory(w)
	e.printBands(w)
	e.actions.print(w)
}

// printHistory shows where the challenges fall, at 98% of targeted attackers.
func (e *results) printHistory(w io.Writer) {
	fmt.Fprintf(w, "\nre-authentication at 98%% of targeted attackers, by earlier logins of the user\n%-42s", "")
	for _, b := range buckets {
		fmt.Fprintf(w, " %7s", b.name)
	}
	fmt.Fprintf(w, " %20s\n", "all, 95% interval")
	for i, s := range e.schemes {
		fmt.Fprintf(w, "%-42s", s.name)
		t := e.cut[i].threshold(targeted, .98)
		for b := range buckets {
			fmt.Fprintf(w, " %6.2f%%", 100*e.mean(i, func(m *measured) float64 { return m.byHistory(t)[b] }))
		}
		low, high := e.held[i][0].interval(t, 1)
		fmt.Fprintf(w, "    %6.2f%% - %5.2f%%\n", 100*low, 100*high)
	}
}

// printBands shows what the cuts of the model do, without package risk's rules,
// and package anomaly's threshold.
func (e *results) printBands(w io.Writer) {
	fmt.Fprintf(w, "\nshare of logins with a history at or above the cuts of the model, and anomaly's threshold of 0.8\n%-14s %9s %9s %9s %9s\n",
		"", "20", "50", "80", "0.8")
	class := anomaly.WithDevice
	if !e.cookies {
		class = anomaly.WithoutDevice
	}
	cuts := e.model.Weights(class).Cuts
	ours := len(e.schemes) - 1
	for k := range attackKinds {
		fmt.Fprintf(w, "%-14s", k)
		for _, c := range append(cuts[:], math.Log(4)) {
			fmt.Fprintf(w, " %8.3f%%", 100*e.mean(ours, func(m *measured) float64 { return m.above(k, c) }))
		}
		fmt.Fprintln(w)
	}
}

func (e *results) write(o options) error {
	if o.plots != "" {
		name := "reauth-" + o.mode + map[bool]string{true: "-cookie", false: "-agent"}[o.cookies] + ".svg"
		if err := os.WriteFile(filepath.Join(o.plots, name), []byte(e.plot()), 0o644); err != nil {
			return err
		}
		name = strings.Replace(name, "reauth", "history", 1)
		if err := os.WriteFile(filepath.Join(o.plots, name), []byte(e.plotHistory()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
