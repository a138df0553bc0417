package anomaly

import "math"

// ln is the natural logarithm of a positive, normal number to nine digits, at a
// third of the cost of math.Log, which is a call that the compiler cannot
// inline: an assessment takes some twenty logarithms. It splits off the exponent
// and sums the series of 2·artanh.
func ln(x float64) float64 {
	const sqrtHalf = 0x3FE6A09E667F3BCD // bits of √½
	shift := (math.Float64bits(x) - sqrtHalf) & (0xFFF << 52)
	m := math.Float64frombits(math.Float64bits(x) - shift) // in [√½, √2)
	y := (m - 1) / (m + 1)
	z := y * y
	series := y * (2 + z*(2.0/3+z*(2.0/5+z*(2.0/7+z*(2.0/9)))))
	return float64(int64(shift)>>52)*math.Ln2 + series
}
