package anomaly

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Model turns Evidence into log-odds of "this is not the user" at even odds
// beforehand. Package risk/calibrate fits it; the embedded one was fitted by
// internal/bench/risk on simulated logins and is described there.
type Model struct {
	Format int        `json:"format"` // 1
	Name   string     `json:"name"`   // Which fit this is.
	Known  Weights    `json:"known"`  // For users with a history.
	First  Weights    `json:"first"`  // For first logins, where only rarity speaks.
	Cuts   [3]float64 `json:"cuts"`   // Log-odds at which package risk scores 20, 50 and 80.
}

// Weights are log-odds of no evidence at all, and what each number adds per unit:
// by EvidenceNames, none negative, a missing one is zero.
type Weights struct {
	Bias float64            `json:"bias"`
	By   map[string]float64 `json:"by"`
}

const modelFormat = 1

// ErrModel says that a Model cannot be used.
var ErrModel = errors.New("anomaly: unusable model")

//go:embed model.json
var embeddedModel []byte

var defaultModel = sync.OnceValues(func() (*Model, error) { return ParseModel(embeddedModel) })

// DefaultModel is the embedded model. The caller owns it.
func DefaultModel() *Model {
	m, err := ParseModel(embeddedModel)
	if err != nil {
		panic(err) // The file is part of the package, and a test reads it.
	}
	return m
}

// ParseModel reads and checks a model file.
func ParseModel(file []byte) (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(file, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	return m, m.Validate()
}

// Validate says what is wrong with a model: a format that this release does not
// read, a weight that is unknown, negative or not finite, cuts that do not rise.
func (m *Model) Validate() error {
	if m.Format != modelFormat {
		return fmt.Errorf("%w: format %d; this release reads %d", ErrModel, m.Format, modelFormat)
	}
	if err := errors.Join(m.Known.validate(), m.First.validate()); err != nil {
		return err
	}
	if !(m.Cuts[0] < m.Cuts[1] && m.Cuts[1] < m.Cuts[2]) || math.IsInf(m.Cuts[0], 0) || math.IsInf(m.Cuts[2], 0) {
		return fmt.Errorf("%w: cuts must be finite and rise", ErrModel)
	}
	return nil
}

func (w *Weights) validate() error {
	if math.IsNaN(w.Bias) || math.IsInf(w.Bias, 0) {
		return fmt.Errorf("%w: bias must be finite", ErrModel)
	}
	for name, weight := range w.By {
		if !slices.Contains(evidenceNames[:], name) {
			return fmt.Errorf("%w: unknown weight %q", ErrModel, name)
		}
		if !(weight >= 0) || math.IsInf(weight, 0) {
			return fmt.Errorf("%w: weight %q must be finite and not negative", ErrModel, name)
		}
	}
	return nil
}

// weights are Weights as the detector uses them.
type weights struct {
	bias float64
	w    [numEvidence]float64
}

// compile returns the weights for users with a history and without.
func (m *Model) compile() (c [2]weights) {
	for i, from := range []*Weights{&m.Known, &m.First} {
		c[i].bias = from.Bias
		for j, name := range evidenceNames {
			c[i].w[j] = from.By[name]
		}
	}
	return c
}

func which(first bool) int {
	if first {
		return 1
	}
	return 0
}

// judge returns the log-odds of each kind of finding; the rest is bias. What
// speaks for a new network and a new device counts half for each.
func (c *weights) judge(e *Evidence) (kinds [4]float64) {
	both := c.sum(e, endTravel, numEvidence) / 2
	kinds[UnusualLocation-1] = c.sum(e, 0, endLocation) + both
	kinds[UnusualTime-1] = c.sum(e, endLocation, endTime)
	kinds[NewDevice-1] = c.sum(e, endTime, endDevice) + both
	kinds[ImpossibleTravel-1] = c.sum(e, endDevice, endTravel)
	return kinds
}

func (c *weights) sum(e *Evidence, from, to int) (s float64) {
	for i, w := range c.w[from:to] {
		s += e[from+i] * w
	}
	return s
}

// LogOdds is what the model makes of e. first says that the user has no history.
func (m *Model) LogOdds(e *Evidence, first bool) float64 {
	w := &m.Known
	if first {
		w = &m.First
	}
	sum := w.Bias
	for i, name := range evidenceNames {
		sum += e[i] * w.By[name]
	}
	return sum
}
