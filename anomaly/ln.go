package anomaly

import "math"

// An assessment takes a dozen logarithms and an exponential, and those of package
// math, which are calls and good to the last bit, would be a third of it. These are
// good to ten digits.

// slice128 has 128 slices of [1, 2): the reciprocal of the middle of each, and its
// logarithm.
var slice128 = func() (t [128]struct{ inverse, ln float64 }) {
	for i := range t {
		middle := 1 + (float64(i)+0.5)/128
		t[i].inverse, t[i].ln = 1/middle, math.Log(middle)
	}
	return t
}()

// ln is the natural logarithm of a positive, normal number.
func ln(x float64) float64 {
	const fraction = 1<<52 - 1
	bits := math.Float64bits(x)
	s := &slice128[bits>>45&127]
	r := math.Float64frombits(bits&fraction|1023<<52)*s.inverse - 1 // within ±1/256
	return float64(int(bits>>52)-1023)*math.Ln2 + s.ln + r*(1-r*(1.0/2-r*(1.0/3-r/4)))
}

// powers are 2^(i/128).
var powers = func() (t [128]float64) {
	for i := range t {
		t[i] = math.Exp2(float64(i) / 128)
	}
	return t
}()

// exp is the exponential of a number within ±700.
func exp(x float64) float64 {
	const step, up = math.Ln2 / 128, 1 << 20
	n := int(x*(1/step)+(up+0.5)) - up // rounds, in the positive
	r := x - float64(n)*step
	power := math.Float64frombits(math.Float64bits(powers[n&127]) + uint64(n>>7)<<52)
	return power * (1 + r*(1+r*(1.0/2+r*(1.0/6))))
}

// logistic is the probability with the given log-odds.
func logistic(odds float64) float64 {
	return 1 / (1 + exp(max(-700, min(700, -odds))))
}
