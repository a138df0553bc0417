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
// bench/risk on simulated logins and is described there.
type Model struct {
	Format        int     `json:"format"`         // 1
	Name          string  `json:"name"`           // Names the fit.
	WithDevice    Weights `json:"with_device"`    // For users who have shown a device id.
	WithoutDevice Weights `json:"without_device"` // For users who never did, in a service that gives none: only the user agent counts.
	FirstLogin    Weights `json:"first_login"`    // For users without a history: only rarity counts.

	// LosesDevice is for users without a known device id where most logins show one.
	// Defaults to WithoutDevice.
	LosesDevice *Weights `json:"loses_device,omitempty"`
}

// Weights holds the log-odds without any evidence, and what each number adds per
// unit by its name in EvidenceNames. No weight is negative; a missing one is zero.
type Weights struct {
	Bias float64            `json:"bias"`
	By   map[string]float64 `json:"by"`
	Cuts [3]float64         `json:"cuts"` // Log-odds at which package risk scores 20, 50 and 80.
}

// Weights returns the weights of a class, and those of WithDevice for an unknown
// class.
func (m *Model) Weights(c Class) *Weights {
	switch c {
	case WithoutDevice:
		return &m.WithoutDevice
	case FirstLogin:
		return &m.FirstLogin
	case LosesDevice:
		if m.LosesDevice == nil {
			return &m.WithoutDevice
		}
		return m.LosesDevice
	}
	return &m.WithDevice
}

const modelFormat = 1

// ErrModel is returned when a Model cannot be used.
var ErrModel = errors.New("anomaly: unusable model")

//go:embed model.json
var embeddedModel []byte

var defaultModel = sync.OnceValues(func() (*Model, error) { return ParseModel(embeddedModel) })

// DefaultModel returns the embedded model. The caller owns it.
func DefaultModel() *Model {
	m, err := ParseModel(embeddedModel)
	if err != nil {
		panic(err) // The file is part of the package, and a test reads it.
	}
	return m
}

// ParseModel reads and validates a model file.
func ParseModel(file []byte) (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(file, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	return m, m.Validate()
}

// Validate returns what is wrong with a model: a format that this release does not
// read, a weight that is unknown, negative or not finite, or cuts that do not
// rise.
func (m *Model) Validate() error {
	if m.Format != modelFormat {
		return fmt.Errorf("%w: format %d; this release reads %d", ErrModel, m.Format, modelFormat)
	}
	var failed error
	for class := range classCount {
		failed = errors.Join(failed, m.Weights(class).validate())
	}
	return failed
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
	if c := w.Cuts; !(c[0] < c[1] && c[1] < c[2]) || math.IsInf(c[0], 0) || math.IsInf(c[2], 0) {
		return fmt.Errorf("%w: cuts must be finite and rise", ErrModel)
	}
	return nil
}

// weights are Weights as the detector uses them.
type weights struct {
	bias float64
	w    [numEvidence]float64
}

func (m *Model) compile() (c [classCount]weights) {
	for class := range classCount {
		from := m.Weights(class)
		c[class].bias = from.Bias
		for i, name := range evidenceNames {
			c[class].w[i] = from.By[name]
		}
	}
	return c
}

// judge returns the log-odds of each kind of finding, and the rest. A new network
// together with a new agent counts half for each.
func (c *weights) judge(e *Evidence) (prior float64, kinds [4]float64) {
	both := c.sum(e, endTravel, endBoth) / 2
	kinds[UnusualLocation-1] = c.sum(e, 0, endLocation) + both
	kinds[UnusualTime-1] = c.sum(e, endLocation, endTime)
	kinds[NewDevice-1] = c.sum(e, endTime, endDevice) + both
	kinds[ImpossibleTravel-1] = c.sum(e, endDevice, endTravel)
	return c.bias + c.sum(e, endBoth, numEvidence), kinds
}

func (c *weights) logOdds(e *Evidence) float64 { return c.bias + c.sum(e, 0, numEvidence) }

func (c *weights) sum(e *Evidence, from, to int) float64 {
	var even, odd float64 // two chains of additions take half the time of one
	for from+1 < to {
		even += e[from] * c.w[from]
		odd += e[from+1] * c.w[from+1]
		from += 2
	}
	if from < to {
		even += e[from] * c.w[from]
	}
	return even + odd
}

// LogOdds returns the log-odds that the weights give for e.
func (w *Weights) LogOdds(e *Evidence) float64 {
	sum := w.Bias
	for i, name := range evidenceNames {
		sum += e[i] * w.By[name]
	}
	return sum
}
