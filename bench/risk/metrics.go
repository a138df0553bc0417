package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

// scheme is one way to score a login: higher is riskier.
type scheme struct {
	name  string
	score func(*row) float64
}

// fitted are the schemes that learn, fitted on the rows of one world.
type fitted struct {
	model     *anomaly.Model
	four, six []float64 // weights of flags
}

func fit(rows []row, o options) (f fitted, err error) {
	if o.embedded {
		f.model = anomaly.DefaultModel()
	} else if f.model, err = fitWeights(samplesOf(rows), o.modelName()); err != nil {
		return f, err
	}
	if f.four, err = fitFlags(rows, flags.four); err == nil {
		f.six, err = fitFlags(rows, flags.six)
	}
	return f, err
}

// fitFlags gives flags their best weights: the same logistic regression with the
// same constraint, on the same logins.
func fitFlags(rows []row, list func(flags) []float64) ([]float64, error) {
	var samples []calibrate.Sample
	for i := range rows {
		if r := &rows[i]; !r.first() && !r.attack.unfitted() {
			s := calibrate.Sample{Attack: r.Attack}
			copy(s.Evidence[:], list(r.flags))
			samples = append(samples, s)
		}
	}
	model, err := calibrate.Fit(samples, calibrate.Config{Kinds: kindWeights})
	if err != nil {
		return nil, err
	}
	weights := make([]float64, len(list(flags{})))
	for i := range weights {
		weights[i] = model.WithDevice.By[anomaly.EvidenceNames()[i]]
	}
	return weights, nil
}

func (f fitted) schemes() []scheme {
	return []scheme{
		{"reference risk (sets, 25/15/20/40)", func(r *row) float64 { return r.flags.risk() }},
		{"reference anomaly (share of three)", func(r *row) float64 { return r.flags.share() }},
		{"the same flags, learned weights", func(r *row) float64 { return weigh(r.flags.four(), f.four) }},
		{"six flags, learned weights", func(r *row) float64 { return weigh(r.flags.six(), f.six) }},
		{"Freeman et al.", func(r *row) float64 { return r.freeman }},
		{"auth0kit", func(r *row) float64 { return f.model.Weights(r.Class).LogOdds(&r.Evidence) }},
	}
}

// Positions in fitted.schemes.
const (
	usualWeights = iota
	shareOfThree
	learnedFlags
	sixFlags
	bayes
	ours
)

// measured are the scores of one scheme on one seed, sorted by kind.
type measured struct {
	scores [attackKinds][]float64
	rows   [attackKinds][]*row // in the same order
}

func measure(rows []row, score func(*row) float64) *measured {
	type scored struct {
		score float64
		row   *row
	}
	var kinds [attackKinds][]scored
	for i := range rows {
		if r := &rows[i]; !r.first() {
			kinds[r.attack] = append(kinds[r.attack], scored{score(r), r})
		}
	}
	m := &measured{}
	for k, list := range kinds {
		slices.SortFunc(list, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
		for _, s := range list {
			m.scores[k] = append(m.scores[k], s.score)
			m.rows[k] = append(m.rows[k], s.row)
		}
	}
	return m
}

// threshold is the highest score that stops a share of the attackers.
func (m *measured) threshold(k attackKind, share float64) float64 {
	s := m.scores[k]
	if len(s) == 0 {
		return math.NaN()
	}
	return s[int((1-share)*float64(len(s)))]
}

// budget is the lowest threshold at which at most a share of the genuine logins is
// challenged.
func (m *measured) budget(share float64) float64 {
	s := m.scores[genuine]
	at := len(s) - int(share*float64(len(s)))
	for at < len(s) && s[at] == s[at-1] {
		at++
	}
	if at == len(s) {
		return math.Inf(1)
	}
	return s[at]
}

// above is the share of a kind at or above a threshold.
func (m *measured) above(k attackKind, threshold float64) float64 {
	s := m.scores[k]
	if math.IsNaN(threshold) || len(s) == 0 {
		return math.NaN()
	}
	at, _ := slices.BinarySearch(s, threshold)
	return float64(len(s)-at) / float64(len(s))
}

// auc is the probability that an attack scores above a genuine login.
func (m *measured) auc(k attackKind) float64 {
	genuineScores, sum := m.scores[genuine], 0.0
	for _, s := range m.scores[k] {
		below, _ := slices.BinarySearch(genuineScores, s)
		through, _ := slices.BinarySearchFunc(genuineScores, s, func(x, t float64) int {
			if x <= t {
				return -1
			}
			return 1
		})
		sum += float64(below+through) / 2
	}
	return sum / float64(len(m.scores[k])) / float64(len(genuineScores))
}

// buckets are lengths of history that are reported apart.
var buckets = []struct {
	name     string
	from, to int
}{{"1", 1, 1}, {"2-3", 2, 3}, {"4-7", 4, 7}, {"8-11", 8, 11}, {"12-24", 12, 24}, {"25+", 25, math.MaxInt}}

// byHistory is the share of genuine logins at or above a threshold, by history.
func (m *measured) byHistory(threshold float64) []float64 {
	out := make([]float64, len(buckets))
	for i, b := range buckets {
		n, above := 0.0, 0.0
		for j, r := range m.rows[genuine] {
			if r.history >= b.from && r.history <= b.to {
				n++
				if m.scores[genuine][j] >= threshold {
					above++
				}
			}
		}
		out[i] = above / n
	}
	return out
}

// with is the share of the genuine logins at or above a threshold, of users with at
// least so many earlier logins.
func (m *measured) with(earlier int, threshold float64) float64 {
	n, above := 0.0, 0.0
	for i, r := range m.rows[genuine] {
		if r.history >= earlier {
			n++
			if m.scores[genuine][i] >= threshold {
				above++
			}
		}
	}
	return above / n
}

// interval is a 95% bootstrap over users of the share of genuine logins at or
// above a threshold.
func (m *measured) interval(threshold float64, seed uint64) (low, high float64) {
	type count struct{ n, above float64 }
	byUser := map[int]*count{}
	var users []*count
	for i, r := range m.rows[genuine] {
		c := byUser[r.user]
		if c == nil {
			c = &count{}
			byUser[r.user] = c
			users = append(users, c)
		}
		c.n++
		if m.scores[genuine][i] >= threshold {
			c.above++
		}
	}
	random := rand.New(rand.NewPCG(seed, 95))
	shares := make([]float64, 200)
	for i := range shares {
		var all count
		for range users {
			c := users[random.IntN(len(users))]
			all.n += c.n
			all.above += c.above
		}
		shares[i] = all.above / all.n
	}
	slices.Sort(shares)
	return shares[5], shares[194]
}
