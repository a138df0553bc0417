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
	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

// kindWeights: naive attackers are by far the most, so they count ten times. A sum
// of weights puts logins into one order for all attackers, and without a device
// cookie that order is as good as Freeman's at naive ones only if they are most of
// the fit; more than ten times would cost too many of the targeted ones. Attackers
// in the user's own network count for less, because what finds them costs points
// on all others, and more without ids.
var kindWeights = map[string]float64{
	naive.String(): 20, vpn.String(): 2, targeted.String(): 4, veryTargeted.String(): 7,
	naiveNoID.String(): .1, vpnNoID.String(): .1, targetedNoID.String(): .2, veryNoID.String(): .5,
	carrierExit.String(): 1, office.String(): 1.35, homeNet.String(): 1.15,
	thiefAnywhere.String(): .3, thiefHosting.String(): .3, thiefCountry.String(): .3,
	noAddress.String(): 1, idWhereNone.String(): .1, noIDAtAll.String(): 3, keepsNone.String(): 1.5,

	naive.in(noIDs): 10, idWhereNone.in(noIDs): .1, noAddress.in(noIDs): .3,
	carrierExit.in(noIDs): .1, office.in(noIDs): .1, homeNet.in(noIDs): .1,
}

// longHistory is added to what the fit gives to the length of the history, in
// services with ids, neutral at four earlier logins: the same attackers are stopped
// with fewer challenges of users who are known. A search for the weights themselves
// finds better ones (docs/risk).
const longHistory = .35

func fitWeights(samples []calibrate.Sample, name string) (*anomaly.Model, error) {
	m, err := calibrate.Fit(samples, calibrate.Config{Name: name, Kinds: kindWeights})
	if err != nil {
		return nil, err
	}
	for _, w := range []*anomaly.Weights{&m.WithDevice, m.LosesDevice} {
		w.By["history"] += longHistory
		w.Bias += longHistory * math.Log(1+4)
	}
	for _, name := range []string{"device_new", "device_own", "id_missing", "id_shown"} {
		m.WithoutDevice.By[name] = m.LosesDevice.By[name] // neutral where nobody shows an id, and so not fitted there
	}
	return m, nil
}

// in names a kind in a service, so that a fit can weigh it apart.
func (k attackKind) in(s service) string {
	if s == cookies {
		return k.String()
	}
	return k.String() + ", " + string(s)
}

// results is one run of the protocol.
type results struct {
	title   string
	ids     service
	model   *anomaly.Model
	schemes []scheme
	held    [][]*measured // per scheme and held-out seed
	first   []float64     // AUC of attacks on accounts without a history, by kind
	actions actions
	novelty flags // of genuine logins with a history, on the first held-out seed
}

// experiment fits in one world and measures in another.
func experiment(ctx context.Context, here, there *world, o options) (*results, error) {
	rows, err := stream(ctx, here.simulate(fitSeed, o.users, sparse, o.ids), sparse, o.ids, anomaly.DefaultModel())
	if err != nil {
		return nil, err
	}
	f, err := fit(rows, o)
	if err != nil {
		return nil, err
	}
	if !o.embedded {
		if err := setCuts(f.model, samplesOf(rows)); err != nil {
			return nil, err
		}
	}
	return f.evaluate(ctx, there, o)
}

func (f fitted) evaluate(ctx context.Context, w *world, o options) (*results, error) {
	e := &results{
		title: fmt.Sprintf("%s histories, %d users per seed, %s", o.mode, o.users, devices[o.ids]),
		ids:   o.ids, model: f.model, schemes: f.schemes(),
	}
	e.held = make([][]*measured, len(e.schemes))
	for _, seed := range heldOut[:o.seeds] {
		events := w.simulate(seed, o.users, o.mode, o.ids)
		rows, err := stream(ctx, events, o.mode, o.ids, f.model)
		if err != nil {
			return nil, err
		}
		if err := decide(ctx, events, o.mode, f.model, &e.actions); err != nil {
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

// setCuts lets small runs have a coarser budget.
func setCuts(m *anomaly.Model, samples []calibrate.Sample) error {
	err := calibrate.SetCuts(m, samples, calibrate.Budget{})
	if errors.Is(err, calibrate.ErrSamples) {
		err = calibrate.SetCuts(m, samples, calibrate.Budget{Deny: .01})
	}
	return err
}

// samplesOf are the samples to fit, without some numbers of evidence.
func samplesOf(rows []row, without ...int) []calibrate.Sample {
	samples := make([]calibrate.Sample, 0, len(rows))
	for i := range rows {
		if rows[i].attack.unfitted() {
			continue
		}
		s := rows[i].Sample
		for _, number := range without {
			s.Evidence[number] = 0
		}
		samples = append(samples, s)
	}
	return samples
}

func (o options) modelName() string {
	return fmt.Sprintf("simulated logins, %s, %d users per seed", o.mode, o.users)
}

// play is the logins of seeds with a cookie and without.
func play(ctx context.Context, w *world, o options, policy *anomaly.Model, seeds ...uint64) (rows []row, err error) {
	for _, seed := range seeds {
		for _, ids := range []service{cookies, noIDs} {
			more, err := stream(ctx, w.simulate(seed, o.users, o.mode, ids), o.mode, ids, policy)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

// fitModel writes a model for all classes of logins: each seed is played with and
// without device cookies.
func fitModel(ctx context.Context, w *world, o options) error {
	rows, err := play(ctx, w, o, anomaly.DefaultModel(), fitSeed)
	if err != nil {
		return err
	}
	m, err := fitWeights(samplesOf(rows), o.modelName())
	if err != nil {
		return err
	}
	var genuineOnes []calibrate.Sample
	for _, seed := range cutSeeds {
		if rows, err = play(ctx, w, o, m, seed); err != nil {
			return err
		}
		for i := range rows {
			if rows[i].attack == genuine {
				genuineOnes = append(genuineOnes, rows[i].Sample)
			}
		}
	}
	if err := setCuts(m, genuineOnes); err != nil {
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
		sum.asn += r.flags.asn
		sum.agent += r.flags.agent
	}
	for _, f := range []*float64{&sum.city, &sum.hour, &sum.travel, &sum.device, &sum.country, &sum.prefix, &sum.asn, &sum.agent} {
		*f /= n
	}
	return sum
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
	for k := naive; k <= veryTargeted; k++ {
		out[k] = m.auc(k)
	}
	return out
}

// mean over the held-out seeds.
func mean(list []*measured, of func(*measured) float64) float64 {
	sum := 0.0
	for _, m := range list {
		sum += of(m)
	}
	return sum / float64(len(list))
}

// reauth is the share of genuine logins that is challenged where a share of the
// attackers is stopped.
func reauth(list []*measured, k attackKind, share float64) float64 {
	return mean(list, func(m *measured) float64 { return m.above(genuine, m.threshold(k, share)) })
}

// reauth4 is that share of the users with four or more earlier logins.
func reauth4(list []*measured, k attackKind, share float64) float64 {
	return mean(list, func(m *measured) float64 { return m.with(4, m.threshold(k, share)) })
}

// stopped is the share of attackers that is stopped where a share of the genuine
// logins is challenged.
func stopped(list []*measured, k attackKind, share float64) float64 {
	return mean(list, func(m *measured) float64 { return m.above(k, m.budget(share)) })
}

func (e *results) auc(scheme int, k attackKind) float64 {
	return mean(e.held[scheme], func(m *measured) float64 { return m.auc(k) })
}

// addRows compares ours with the others by what is asked of genuine users.
func (e *results) addRows() error {
	for _, k := range []attackKind{naive, vpn, targeted} {
		for _, i := range []int{sixFlags, bayes} {
			if err := benchrow.Add(benchrow.Row{
				What: fmt.Sprintf("genuine logins challenged where 98%% of the attackers are stopped, %s, %s", k, devices[e.ids]), Unit: "%",
				Peer: e.schemes[i].name, Theirs: 100 * reauth(e.held[i], k, .98), Ours: 100 * reauth(e.held[ours], k, .98),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// kinds are those that the service has.
func (e *results) kinds() (list []attackKind) {
	for k := naive; k < attackKinds; k++ {
		if len(e.held[ours][0].scores[k]) > 0 {
			list = append(list, k)
		}
	}
	return list
}

func (e *results) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s; %d genuine logins with a history per seed\n", e.title, len(e.held[0][0].scores[genuine]))
	n := e.novelty
	fmt.Fprintf(w, "new in genuine logins: country %.1f%%, city %.1f%%, /24 %.1f%%, device %.1f%%, agent %.1f%%, hour %.1f%%; over 900 km/h %.1f%%\n",
		100*n.country, 100*n.city, 100*n.prefix, 100*n.device, 100*n.agent, 100*n.hour, 100*n.travel)
	fmt.Fprintf(w, "AUC on accounts without a history: naive %.3f, vpn %.3f, targeted %.3f\n", e.first[naive], e.first[vpn], e.first[targeted])
	shown := []int{usualWeights, learnedFlags, sixFlags, bayes, ours}
	fmt.Fprint(w, "\nAUC / genuine logins challenged at 98% of the attackers stopped / the same for users with four or more earlier logins\n\n| attacker |")
	for _, i := range shown {
		fmt.Fprintf(w, " %s |", e.schemes[i].name)
	}
	fmt.Fprintln(w, "\n|---|---|---|---|---|---|")
	for _, k := range e.kinds() {
		fmt.Fprintf(w, "| %s |", k)
		for _, i := range shown {
			fmt.Fprintf(w, " %.3f / %.1f%% / %.1f%% |", e.auc(i, k), 100*reauth(e.held[i], k, .98), 100*reauth4(e.held[i], k, .98))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "\nattackers stopped at 5% of the genuine logins challenged / at 10%\n\n| attacker |")
	for _, i := range shown {
		fmt.Fprintf(w, " %s |", e.schemes[i].name)
	}
	fmt.Fprintln(w, "\n|---|---|---|---|---|---|")
	for _, k := range e.kinds() {
		fmt.Fprintf(w, "| %s |", k)
		for _, i := range shown {
			fmt.Fprintf(w, " %.1f%% / %.1f%% |", 100*stopped(e.held[i], k, .05), 100*stopped(e.held[i], k, .10))
		}
		fmt.Fprintln(w)
	}
	e.printHistory(w)
	e.actions.print(w)
}

// printHistory shows where the challenges fall, at 98% of targeted attackers.
func (e *results) printHistory(w io.Writer) {
	fmt.Fprintf(w, "\ngenuine logins challenged at 98%% of targeted attackers stopped, by earlier logins of the user\n\n| scheme |")
	for _, b := range buckets {
		fmt.Fprintf(w, " %s |", b.name)
	}
	fmt.Fprint(w, " 95% interval of all |\n|---|---|---|---|---|---|---|---|\n")
	for i, s := range e.schemes {
		fmt.Fprintf(w, "| %s |", s.name)
		for b := range buckets {
			fmt.Fprintf(w, " %.1f%% |", 100*mean(e.held[i], func(m *measured) float64 { return m.byHistory(m.threshold(targeted, .98))[b] }))
		}
		low, high := e.held[i][0].interval(e.held[i][0].threshold(targeted, .98), 1)
		fmt.Fprintf(w, " %.1f%% to %.1f%% |\n", 100*low, 100*high)
	}
}

func (e *results) write(o options) error {
	if o.plots != "" {
		name := "reauth-" + string(o.mode) + "-" + string(o.ids) + ".svg"
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
