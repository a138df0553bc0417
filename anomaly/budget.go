package anomaly

import (
	"math"
	"sort"
	"sync/atomic"
)

// The cuts follow the genuine logins: a histogram of their log-odds per class lies
// in the sketch of the population, so that processes share it and a restart keeps
// it. A model knows where the cuts lie in the world that it was fitted in; in
// another one the same cuts prompt twice as many or half.
const (
	oddsWidth = 1.0 / 8 // of a bin
	oddsFrom  = -6.0    // from the model's first cut on

	// oddsPrior is what the model counts against the logins of all classes, and those
	// against the logins of one: small classes are pooled.
	oddsPrior = 300.0

	// maxRise and maxFall bound what anybody can do to the cuts, in log-odds from the
	// model's: an attacker who is let in makes them rise.
	maxRise, maxFall = 1.5, 3.0

	modelPrompt, modelMFA = 0.05, 0.02 // the shares that a model's cuts are for
)

func oddsBin(odds, cut float64) int {
	return int(max(0, min(oddsBins-1, math.Floor((odds-cut-oddsFrom)/oddsWidth))))
}

// curves are ln of the share of genuine logins at or above the start of each bin.
type curves [classCount]curve

type curve [oddsBins + 1]float64

// budget keeps the curves of the sketch that everybody sees.
type budget struct {
	models  [classCount][3]float64
	current atomic.Pointer[curves]
	learned atomic.Uint32
}

// refreshEvery is after how many logins of this process the curves are made again
// between two merges.
const refreshEvery = 64

// learn adds one genuine login.
func (b *budget) learn(s *sketch, c Class, odds float64) {
	s.cells[oddsTable.offset+oddsClass(c)*oddsBins+oddsBin(odds, b.models[c][0])].Add(populationUnit)
}

// count makes the curves again now and then.
func (b *budget) count(s *sketch) {
	if b.learned.Add(1)%refreshEvery == 0 {
		b.refresh(s)
	}
}

func (b *budget) refresh(s *sketch) {
	var all [oddsBins]float64
	var each [oddsClasses][oddsBins]float64
	for c := range each {
		for i := range all {
			each[c][i] = float64(s.cells[oddsTable.offset+c*oddsBins+i].Load()) / populationUnit
			all[i] += each[c][i]
		}
	}
	out := new(curves)
	for c := range classCount {
		cuts := b.models[c]
		var prior, pooled curve
		for i := range prior {
			prior[i] = modelShare(cuts, cuts[0]+oddsFrom+float64(i)*oddsWidth)
		}
		tailShares(&pooled, &all, &prior)
		tailShares(&out[c], &each[oddsClass(c)], &pooled)
		for i := range out[c] {
			out[c][i] = math.Log(max(1e-300, out[c][i]))
		}
	}
	b.current.Store(out)
}

// tailShares blends what was counted with oddsPrior logins of a prior.
func tailShares(out *curve, counts *[oddsBins]float64, prior *curve) {
	total, above := 0.0, 0.0
	for _, n := range counts {
		total += n
	}
	for i := oddsBins; i >= 0; i-- {
		if i < oddsBins {
			above += counts[i]
		}
		out[i] = (above + oddsPrior*prior[i]) / (total + oddsPrior)
	}
}

// modelShare is the share of genuine logins at or above log-odds in the world of
// the model: its first two cuts say 5% and 2%, and it falls off exponentially.
func modelShare(cuts [3]float64, odds float64) float64 {
	slope := math.Log(modelPrompt/modelMFA) / (cuts[1] - cuts[0])
	return min(1, modelPrompt*math.Exp(-slope*(odds-cuts[0])))
}

// cuts are where the curve falls to two shares, within bounds.
func (c *curve) cuts(model [3]float64, prompt, mfa float64) [3]float64 {
	low, high := model[0]-maxFall, model[0]+maxRise
	first := max(low, min(high, c.at(model[0], prompt)))
	second := max(first+0.1, min(high+model[1]-model[0], c.at(model[0], mfa)))
	return [3]float64{first, second, second + max(0.1, model[2]-model[1])}
}

// at is where a curve falls to a share, linear within a bin.
func (c *curve) at(cut, share float64) float64 {
	want := math.Log(share)
	i := sort.Search(oddsBins+1, func(i int) bool { return c[i] <= want })
	from := cut + oddsFrom
	switch {
	case i == 0:
		return from
	case i > oddsBins:
		return from + oddsBins*oddsWidth
	}
	part := (c[i-1] - want) / (c[i-1] - c[i])
	return from + (float64(i-1)+part)*oddsWidth
}
