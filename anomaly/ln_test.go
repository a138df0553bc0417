package anomaly

import (
	"math"
	"testing"
)

func TestLn(t *testing.T) {
	t.Parallel()
	for x := 1e-12; x < 1e12; x *= 1.0137 {
		if got, want := ln(x), math.Log(x); math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Fatalf("ln(%g) = %v, want %v", x, got, want)
		}
	}
}

func TestExp(t *testing.T) {
	t.Parallel()
	for x := -700.0; x <= 700; x += 0.0137 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-9*want {
			t.Fatalf("exp(%g) = %v, want %v", x, got, want)
		}
	}
}

func TestLogistic(t *testing.T) {
	t.Parallel()
	for odds, want := range map[float64]float64{
		0: 0.5, math.Log(4): 0.8, -math.Log(4): 0.2, 1e6: 1, -1e6: 0, math.Inf(1): 1, math.Inf(-1): 0,
	} {
		if got := logistic(odds); math.Abs(got-want) > 1e-9 {
			t.Errorf("logistic(%g) = %v, want %v", odds, got, want)
		}
	}
}

func TestSincos(t *testing.T) {
	t.Parallel()
	for a := -math.Pi; a <= math.Pi; a += 0.0013 {
		sin, cos := sincos(a)
		if math.Abs(sin-math.Sin(a)) > 1e-6 || math.Abs(cos-math.Cos(a)) > 1e-6 {
			t.Fatalf("sincos(%g) = %v, %v", a, sin, cos)
		}
	}
	for v, want := range map[float64]int16{1: spotScale, -1: -spotScale, 0: 0, 0.5: 16384, -0.25: -8192} {
		if got := axis(v); got != want {
			t.Errorf("axis(%g) = %d, want %d", v, got, want)
		}
	}
}
