package calibrate

import (
	"math"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Config holds optional settings of Fit. The zero value uses the defaults.
type Config struct {
	Name  string             // Of the model. Defaults to "fitted".
	Ridge float64            // Penalty on the squares of the weights. Defaults to 1e-4.
	Kinds map[string]float64 // The relative weights of the kinds of attackers. Defaults to the same for all.
}

var classes = []anomaly.Class{anomaly.WithDevice, anomaly.WithoutDevice, anomaly.FirstLogin, anomaly.LosesDevice}

// Fit returns the model that explains the samples best: for each class of logins
// it runs a logistic regression with nonnegative weights and a free bias, in which
// genuine logins and attacks weigh the same in total. A class without genuine
// logins or without attacks keeps the weights of the embedded model; if every
// class does, Fit returns ErrSamples. Call SetCuts afterwards.
func Fit(samples []Sample, cfg Config) (*anomaly.Model, error) {
	if cfg.Name == "" {
		cfg.Name = "fitted"
	}
	if cfg.Ridge == 0 {
		cfg.Ridge = 1e-4
	}
	m, fitted := anomaly.DefaultModel(), false
	m.Name = cfg.Name
	for _, class := range classes {
		f := newFit(samples, class, cfg)
		if f == nil {
			continue
		}
		fitted = true
		f.run(cfg.Ridge)
		f.into(m.Weights(class))
	}
	if !fitted {
		return nil, ErrSamples
	}
	return m, m.Validate()
}

func (f *fit) into(w *anomaly.Weights) {
	w.Bias, w.By = round(f.beta[bias]), map[string]float64{}
	for i, name := range anomaly.EvidenceNames() {
		if weight := round(f.beta[i]); weight > 0 {
			w.By[name] = weight
		}
	}
}

// The columns: the evidence, then the bias, which is free in sign.
const (
	bias    = len(anomaly.Evidence{})
	columns = bias + 1
)

type vector [columns]float64

type fit struct {
	x      []vector
	attack []bool
	weight []float64
	beta   vector
}

// newFit is nil without samples of both sorts.
func newFit(samples []Sample, class anomaly.Class, cfg Config) *fit {
	sums := map[string]float64{}
	for i := range samples {
		if samples[i].Class == class {
			sums[samples[i].Attack]++
		}
	}
	if len(sums) < 2 || sums[""] == 0 {
		return nil
	}
	total := 0.0
	for kind := range sums {
		if kind != "" {
			total += cfg.share(kind)
		}
	}
	f := &fit{}
	for i := range samples {
		s := &samples[i]
		if s.Class != class {
			continue
		}
		x := vector{bias: 1}
		copy(x[:], s.Evidence[:])
		weight := 0.5 / sums[s.Attack]
		if s.Attack != "" {
			weight *= cfg.share(s.Attack) / total
		}
		f.x, f.attack, f.weight = append(f.x, x), append(f.attack, s.Attack != ""), append(f.weight, weight)
	}
	return f
}

func (c Config) share(kind string) float64 {
	if w, ok := c.Kinds[kind]; ok {
		return w
	}
	return 1
}

// run is Newton's method: each step minimizes the quadratic model of the loss
// under the bounds, and is halved until the loss falls.
func (f *fit) run(ridge float64) {
	loss := f.loss(f.beta, ridge)
	for range 100 {
		gradient, hessian := f.derivatives(ridge)
		target := minimize(f.beta, gradient, hessian)
		step := 1.0
		for ; step > 1e-6; step /= 2 {
			var next vector
			for j := range next {
				next[j] = f.beta[j] + step*(target[j]-f.beta[j])
			}
			if l := f.loss(next, ridge); l < loss {
				if loss-l < 1e-10 {
					f.beta = next
					return
				}
				f.beta, loss = next, l
				break
			}
		}
		if step <= 1e-6 {
			return
		}
	}
}

func dot(a, b *vector) (s float64) {
	for j := range a {
		s += a[j] * b[j]
	}
	return s
}

func (f *fit) loss(beta vector, ridge float64) float64 {
	sum := 0.0
	for i := range f.x {
		z := dot(&f.x[i], &beta)
		if f.attack[i] {
			z = -z
		}
		sum += f.weight[i] * softplus(z)
	}
	for j := range bias {
		sum += ridge / 2 * beta[j] * beta[j]
	}
	return sum
}

// softplus is ln(1+e^z) without overflow.
func softplus(z float64) float64 {
	if z > 0 {
		return z + math.Log1p(math.Exp(-z))
	}
	return math.Log1p(math.Exp(z))
}

func (f *fit) derivatives(ridge float64) (gradient vector, hessian [columns]vector) {
	for i := range f.x {
		x := &f.x[i]
		p := 1 / (1 + math.Exp(-dot(x, &f.beta)))
		residual, curve := f.weight[i]*p, f.weight[i]*p*(1-p)
		if f.attack[i] {
			residual -= f.weight[i]
		}
		for j, v := range x {
			if v == 0 {
				continue
			}
			gradient[j] += residual * v
			for k := range j + 1 {
				hessian[j][k] += curve * v * x[k]
			}
		}
	}
	for j := range columns {
		for k := range j {
			hessian[k][j] = hessian[j][k]
		}
		hessian[j][j] += 1e-9
	}
	for j := range bias {
		gradient[j] += ridge * f.beta[j]
		hessian[j][j] += ridge
	}
	return gradient, hessian
}

// minimize finds the least point of the quadratic model around beta, one
// coordinate after the other.
func minimize(beta, gradient vector, hessian [columns]vector) vector {
	b := beta
	g := gradient // of the model at b
	for range 2000 {
		moved := 0.0
		for j := range b {
			next := b[j] - g[j]/hessian[j][j]
			if j < bias {
				next = max(0, next)
			}
			if d := next - b[j]; d != 0 {
				b[j] = next
				moved = max(moved, math.Abs(d))
				for k := range g {
					g[k] += d * hessian[k][j]
				}
			}
		}
		if moved < 1e-9 {
			break
		}
	}
	return b
}
