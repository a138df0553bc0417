package anomaly

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
)

// Model turns Evidence into log-odds of "this is not the user" at even odds
// beforehand. Package risk/calibrate fits it; the embedded one was fitted by
// internal/bench/risk on simulated logins and is described there.
type Model struct {
	Format  int                `json:"format"` // 1
	Name    string             `json:"name"`   // Which fit this is.
	Bias    float64            `json:"bias"`
	First   float64            `json:"first"`   // Added at a first login.
	Weights map[string]float64 `json:"weights"` // By EvidenceNames; none negative, a missing one is zero.
	Cuts    [3]float64         `json:"cuts"`    // Log-odds at which package risk scores 20, 50 and 80.
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
	known := make(map[string]bool, numEvidence)
	for _, name := range evidenceNames {
		known[name] = true
	}
	for name, w := range m.Weights {
		if !known[name] {
			return fmt.Errorf("%w: unknown weight %q", ErrModel, name)
		}
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("%w: weight %q must be finite and not negative", ErrModel, name)
		}
	}
	for _, f := range []float64{m.Bias, m.First, m.Cuts[0], m.Cuts[2]} {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%w: bias, first and cuts must be finite", ErrModel)
		}
	}
	if !(m.Cuts[0] < m.Cuts[1] && m.Cuts[1] < m.Cuts[2]) {
		return fmt.Errorf("%w: cuts must rise", ErrModel)
	}
	return nil
}

// weights is a Model as the detector uses it.
type weights struct {
	bias, first float64
	w           [numEvidence]float64
}

func (m *Model) compile() weights {
	c := weights{bias: m.Bias, first: m.First}
	for i, name := range evidenceNames {
		c.w[i] = m.Weights[name]
	}
	return c
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

func (c *weights) prior(first bool) float64 {
	if first {
		return c.bias + c.first
	}
	return c.bias
}

// LogOdds is what the model makes of e. first says that the user has no history.
func (m *Model) LogOdds(e *Evidence, first bool) float64 {
	c := m.compile()
	kinds := c.judge(e)
	return c.prior(first) + kinds[0] + kinds[1] + kinds[2] + kinds[3]
}
