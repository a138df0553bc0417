package main

import "math"

// freeman is the model of Freeman et al. (NDSS 2016), equation 7 without attack
// data, as its re-implementation by the authors of the large-scale study computes
// it (das-group/rba-algorithm, the MIT-licensed notebook): features address and
// user agent with their hierarchies, their published weights, their edge case of
// a value that the user never had. testdata has an independent implementation and
// its scores.
type freeman struct {
	logins float64
	global [2]occurrences
	users  map[int]*userHistory
}

type userHistory struct {
	logins float64
	counts [2]map[levelValue]float64
}

// levelValue is a value at a level of a hierarchy; level 0 is the whole.
type levelValue struct {
	level int
	value string
}

// occurrences counts values of one feature, and which coarser values each finest
// value was seen with.
type occurrences struct {
	counts   map[levelValue]float64
	distinct []float64 // per level
	with     map[string]map[levelValue]bool
}

// hierarchies of a login: address, ASN, country; agent, browser, system, device.
type hierarchies [2][]string

var freemanWeights = [2][]float64{
	{0.6, 0.3, 0.1},
	{0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525},
}

func newFreeman() *freeman {
	f := &freeman{users: map[int]*userHistory{}}
	for i := range f.global {
		f.global[i] = occurrences{map[levelValue]float64{}, make([]float64, len(freemanWeights[i])), map[string]map[levelValue]bool{}}
	}
	return f
}

func (f *freeman) learn(user int, h hierarchies) {
	u := f.users[user]
	if u == nil {
		u = &userHistory{counts: [2]map[levelValue]float64{{}, {}}}
		f.users[user] = u
	}
	f.logins++
	u.logins++
	for i, values := range h {
		f.global[i].add(values)
		for level, value := range values {
			u.counts[i][levelValue{level, value}]++
		}
	}
}

func (o *occurrences) add(values []string) {
	for level, value := range values {
		key := levelValue{level, value}
		if o.counts[key]++; o.counts[key] == 1 {
			o.distinct[level]++
		}
		if level > 0 {
			seen := o.with[values[0]]
			if seen == nil {
				seen = map[levelValue]bool{}
				o.with[values[0]] = seen
			}
			seen[key] = true
		}
	}
}

// unseen is how many values are reserved for what was never seen: one, and the
// distinct values of the coarser levels.
func (o *occurrences) unseen() float64 {
	m := 1.0
	for _, n := range o.distinct[1:] {
		m += n
	}
	return m
}

// likelihood of the values in the population. Only the finest level is smoothed.
func (o *occurrences) likelihood(values []string, weights []float64, logins float64) float64 {
	m := o.unseen()
	n := o.counts[levelValue{0, values[0]}]
	p := 1 / (logins + m)
	if n > 0 {
		within := 1 + float64(len(o.with[values[0]]))
		p = n / logins * (1 - m/(logins+m)) * (1 - within/(n+within))
	}
	sum := weights[0] * p
	for level := 1; level < len(values); level++ {
		sum += weights[level] * o.counts[levelValue{level, values[level]}] / logins
	}
	return sum
}

// score is the natural logarithm of the risk score. A user without history has
// none.
func (f *freeman) score(user int, h hierarchies) (float64, bool) {
	u := f.users[user]
	if u == nil {
		return 0, false
	}
	s := 0.0
	for i, values := range h {
		global := f.global[i].likelihood(values, freemanWeights[i], f.logins)
		local := 0.0
		for level, value := range values {
			local += freemanWeights[i][level] * u.counts[i][levelValue{level, value}] / u.logins
		}
		if local == 0 {
			local = global / 4
		}
		s += math.Log(global / local)
	}
	return s + math.Log(1/float64(len(f.users))) - math.Log(u.logins/f.logins), true
}
