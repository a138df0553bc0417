// Package calibrate fits the model of package anomaly to logins that are labeled
// as the user's or an attacker's, from a tenant or from a simulation. bench/risk
// fits the embedded model with it.
//
//	fit, err := calibrate.Collect(ctx, detector, oneSeed)
//	…
//	model, err := calibrate.Fit(fit, calibrate.Config{Name: "tenant, May 2026"})
//	…
//	err = calibrate.SetCuts(model, held, calibrate.Budget{}) // on other logins
//	…
//	err = calibrate.Measure(model, later).WriteHTML(page) // on yet others
//	…
//	err = calibrate.Write(file, model)
//
// A service reads the file with anomaly.ParseModel and gives the model to both
// anomaly.Config and risk.Config.
//
// Few services have attacks that are labeled. WithOthers makes attackers out of
// other users' logins, and SetCuts needs genuine logins alone.
//
// Weights are never negative: more suspicious evidence must not lower a score
// because few attackers of the sample happened to show it. An unconstrained fit
// gave a new country a weight below zero, and lost to the model of Freeman et al.
// on attackers from abroad.
package calibrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Labelled is a login and whose it was.
type Labelled struct {
	Attempt anomaly.Attempt
	Attack  string // Empty for the user's own login; otherwise the kind of attacker. By default every kind weighs the same in a fit.
}

// Sample holds the evidence of one login.
type Sample struct {
	Evidence anomaly.Evidence
	Class    anomaly.Class
	Attack   string // As in Labelled.
	At       time.Time
}

// Collect runs logins, which must be in order of time, through a detector and
// returns their evidence: each login is compared with the earlier ones, and the
// users' own are learned: those that the embedded model would have challenged as
// proved, because their users pass, and the others as allowed. Use a separate detector over anomaly.NewMemory.
func Collect(ctx context.Context, d *anomaly.Detector, logins iter.Seq2[Labelled, error]) ([]Sample, error) {
	var out []Sample
	policy := anomaly.DefaultModel()
	for l, err := range logins {
		if err != nil {
			return nil, fmt.Errorf("calibrate: %w", err)
		}
		e, class, err := d.Evidence(ctx, l.Attempt)
		if err != nil {
			return nil, fmt.Errorf("calibrate: login %d: %w", len(out)+1, err)
		}
		out = append(out, Sample{e, class, l.Attack, l.Attempt.Time})
		if l.Attack != "" {
			continue
		}
		if err := d.Learn(ctx, l.Attempt, trust(policy, &out[len(out)-1])); err != nil {
			return nil, fmt.Errorf("calibrate: login %d: %w", len(out), err)
		}
	}
	return out, nil
}

func trust(policy *anomaly.Model, s *Sample) anomaly.Trust {
	if w := policy.Weights(s.Class); w.LogOdds(&s.Evidence) >= w.Cuts[0] {
		return anomaly.Proved
	}
	return anomaly.Allowed
}

// ErrSamples is returned when the samples are too few, or all of one kind.
var ErrSamples = errors.New("calibrate: samples need genuine logins and attacks")

// Budget holds the share of the users' own logins, 0 to 1, that may reach each
// band: 0.05 is one in twenty.
type Budget struct {
	Prompt float64 // Defaults to 0.05.
	MFA    float64 // Defaults to 0.02.
	Deny   float64 // Defaults to 0.000001: a tenth of one in 100,000, because so rare a share is extrapolated.
}

func (b Budget) withDefaults() Budget {
	def := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&b.Prompt, 0.05)
	def(&b.MFA, 0.02)
	def(&b.Deny, 0.000001)
	return b
}

// SetCuts sets the cuts of m to where the budget is spent, by genuine logins on
// which m was not fitted; attacks among held are left out. Each class of logins has
// the whole budget and its own cuts. Where a class has too few logins for a cut, it
// keeps its distance from the one below, and a class with too few for the first
// keeps all three; if every class does, SetCuts returns ErrSamples. The first cut
// takes 100 logins, the second 250, the third 30,000 at the default budget.
func SetCuts(m *anomaly.Model, held []Sample, b Budget) error {
	b = b.withDefaults()
	if !(b.Deny > 0 && b.Deny < b.MFA && b.MFA < b.Prompt && b.Prompt < 1) {
		return errors.New("calibrate: Budget must fall from Prompt to Deny, between 0 and 1")
	}
	var failed error
	done := false
	for _, class := range classes {
		w := m.Weights(class)
		if class == anomaly.LosesDevice && m.LosesDevice == nil {
			continue // with WithoutDevice
		}
		var odds []float64
		for i := range held {
			if s := &held[i]; m.Weights(s.Class) == w && s.Attack == "" {
				odds = append(odds, w.LogOdds(&s.Evidence))
			}
		}
		err := b.cut(w, odds, class)
		done = done || err == nil
		failed = errors.Join(failed, err)
	}
	if !done {
		return errors.Join(ErrSamples, failed)
	}
	return m.Validate()
}

func (b Budget) cut(w *anomaly.Weights, odds []float64, class anomaly.Class) error {
	slices.Sort(odds)
	before, cuts := w.Cuts, w.Cuts
	shares := []float64{b.Prompt, b.MFA, b.Deny}
	if class == anomaly.FirstLogin { // Never denied: the last cut only stretches the scale.
		shares = shares[:2]
	}
	for i, share := range shares {
		cut, err := quantile(odds, share)
		switch {
		case err == nil:
			cuts[i] = round(cut)
		case i == 0:
			return err
		default:
			cuts[i] = round(cuts[i-1] + before[i] - before[i-1])
		}
	}
	if class == anomaly.FirstLogin {
		cuts[2] = cuts[1] + 2
	}
	for i := range 2 { // Equal odds of many logins must not make bands of no width.
		cuts[i+1] = max(cuts[i+1], round(cuts[i]+0.1))
	}
	w.Cuts = cuts
	return nil
}

const (
	tail    = 0.001 // the share of the highest odds whose shape is extrapolated
	inTail  = 30    // how many logins that takes
	inShare = 5     // how many logins a share must have to be read off
)

// quantile is the odds that a share of the sorted ones reach. Beyond what the
// samples show, it takes the highest thousandth to fall off exponentially (peaks
// over threshold).
func quantile(sorted []float64, share float64) (float64, error) {
	n := float64(len(sorted))
	at := func(share float64) int { return len(sorted) - 1 - int(share*n) }
	if share*n >= inShare {
		return sorted[at(share)], nil
	}
	if tail*n < inTail {
		need := math.Min(inShare/share, inTail/tail)
		return 0, fmt.Errorf("%w: a share of %g needs %.0f logins with a history, not %d", ErrSamples, share, need, len(sorted))
	}
	from, excess := sorted[at(tail)], 0.0
	for _, odds := range sorted[at(tail)+1:] {
		excess += odds - from
	}
	excess /= tail * n
	return from + excess*math.Log(tail/share), nil
}

// Write writes a model file.
func Write(w io.Writer, m *anomaly.Model) error {
	if err := m.Validate(); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return fmt.Errorf("calibrate: write: %w", err)
	}
	return nil
}

// round keeps four digits after the point: more are noise.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
