// Package calibrate fits the model of package anomaly to logins of which it is
// known whether they were the user's: labelled ones of a tenant, or simulated
// ones. internal/bench/risk fits the embedded model with it.
//
//	fit, err := calibrate.Collect(ctx, detector, oneSeed)
//	…
//	model, err := calibrate.Fit(fit, calibrate.Config{Name: "tenant, May 2026"})
//	…
//	err = calibrate.SetCuts(model, held, calibrate.Budget{}) // on other logins
//	…
//	err = calibrate.Write(file, model)
//
// A service reads the file with anomaly.ParseModel and gives the model to both
// anomaly.Config and risk.Config.
//
// Weights are never negative: evidence that is more suspicious must not lower a
// score because few attackers of the sample happened to show it. An unconstrained
// fit gave a new country a weight below zero, and lost to the model of Freeman et
// al. on attackers from abroad.
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

	"github.com/auth0kit/auth0kit/anomaly"
)

// Labelled is a login and whose it was.
type Labelled struct {
	Attempt anomaly.Attempt
	Attack  string // Empty: the user's own. Else the kind of attacker; every kind weighs the same in a fit.
}

// Sample is the evidence of one login.
type Sample struct {
	Evidence anomaly.Evidence
	First    bool   // The user had no history.
	Attack   string // As in Labelled.
}

// Collect runs logins, which must be in the order of time, through a detector:
// each is compared with what came before, and the users' own are learnt. Give it
// a detector of its own, over anomaly.NewMemory.
func Collect(ctx context.Context, d *anomaly.Detector, logins iter.Seq2[Labelled, error]) ([]Sample, error) {
	var out []Sample
	for l, err := range logins {
		if err != nil {
			return nil, fmt.Errorf("calibrate: %w", err)
		}
		e, first, err := d.Evidence(ctx, l.Attempt)
		if err != nil {
			return nil, fmt.Errorf("calibrate: login %d: %w", len(out)+1, err)
		}
		out = append(out, Sample{e, first, l.Attack})
		if l.Attack != "" {
			continue
		}
		if err := d.Learn(ctx, l.Attempt, anomaly.Proved); err != nil {
			return nil, fmt.Errorf("calibrate: login %d: %w", len(out), err)
		}
	}
	return out, nil
}

// ErrSamples says that samples are too few, or all of one kind.
var ErrSamples = errors.New("calibrate: samples need genuine logins and attacks")

// Budget is how many of the users' own logins may reach each band, between 0 and
// 1: 0.05 is one in twenty.
type Budget struct {
	Prompt float64 // Defaults to 0.05.
	MFA    float64 // Defaults to 0.02.
	Deny   float64 // Defaults to 0.0001; risk denies only with strong evidence from two sides, which is rarer still.
}

func (b Budget) withDefaults() Budget {
	def := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&b.Prompt, 0.05)
	def(&b.MFA, 0.02)
	def(&b.Deny, 0.0001)
	return b
}

// SetCuts puts the cuts of m where the budget is spent, by logins on which m was
// not fitted. First logins are not counted: they are capped by package risk.
func SetCuts(m *anomaly.Model, held []Sample, b Budget) error {
	b = b.withDefaults()
	if !(b.Deny > 0 && b.Deny < b.MFA && b.MFA < b.Prompt && b.Prompt < 1) {
		return errors.New("calibrate: Budget must fall from Prompt to Deny, between 0 and 1")
	}
	var odds []float64
	for i := range held {
		if s := &held[i]; s.Attack == "" && !s.First {
			odds = append(odds, m.LogOdds(&s.Evidence, false))
		}
	}
	if float64(len(odds))*b.Deny < 3 {
		return fmt.Errorf("%w: a budget of %g needs %.0f logins, not %d", ErrSamples, b.Deny, 3/b.Deny, len(odds))
	}
	slices.Sort(odds)
	at := func(share float64) float64 { return odds[len(odds)-1-int(share*float64(len(odds)))] }
	m.Cuts = [3]float64{round(at(b.Prompt)), round(at(b.MFA)), round(at(b.Deny))}
	for i := range 2 { // Equal odds of many logins must not make bands of no width.
		m.Cuts[i+1] = max(m.Cuts[i+1], round(m.Cuts[i]+0.1))
	}
	return m.Validate()
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
