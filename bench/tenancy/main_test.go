package main

import (
	"context"
	"os"
	"testing"
)

// Every candidate must accept the token, and no other: a comparison with
// somebody who does not look is worth nothing.
func TestCandidatesVerify(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		candidates, err := verifiers(t.Context(), alg)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range candidates {
			if err := c.verify(t.Context(), c.token); err != nil {
				t.Errorf("%s %s refuses the token: %v", alg, c.name, err)
			}
			forged := []byte(c.token)
			forged[len(forged)-20] ^= 1
			if err := c.verify(t.Context(), string(forged)); err == nil && i > 0 {
				t.Errorf("%s %s accepts a forged token", alg, c.name)
			}
		}
	}
}

func TestDPoPCandidatesVerify(t *testing.T) {
	candidates, err := dpop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range candidates {
		if err := c.verify(t.Context(), c.token); err != nil {
			t.Errorf("%s refuses the proof: %v", c.name, err)
		}
		forged := []byte(c.token)
		forged[len(forged)-20] ^= 1
		if err := c.verify(t.Context(), string(forged)); err == nil && i > 0 {
			t.Errorf("%s accepts a forged proof", c.name)
		}
	}
}

// The bars of the project: at most 30 allocations for a strict verification of
// RS256, and 10 more for ES256, whose floor has them, always; and, where
// AUTH0KIT_BENCH=1 says that the machine is calm, at most 1.3 times the CPU of the
// bare signature check, and 1.5 times that of SHA-256 and a map for a cache hit.
func TestBars(t *testing.T) {
	calm := os.Getenv("AUTH0KIT_BENCH") == "1"
	rounds := 2
	if calm {
		rounds = 15
	}
	for alg, most := range map[string]uint64{"RS256": 30, "ES256": 40} {
		candidates, err := verifiers(t.Context(), alg)
		if err != nil {
			t.Fatal(err)
		}
		results := mustMeasure(t, candidates[:2], rounds, 400)
		if got := results[1].allocs; got > most {
			t.Errorf("%s: %d allocations, want at most %d", alg, got, most)
		}
		ratio := results[1].ratio(results[0])
		t.Logf("%s: %.2f times the floor, %d allocations", alg, ratio, results[1].allocs)
		if calm && ratio > 1.3 {
			t.Errorf("%s: %.2f times the CPU of the floor, want at most 1.3", alg, ratio)
		}
	}
	candidates, err := caches(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	results := mustMeasure(t, candidates, rounds, 10_000)
	ratio := results[1].ratio(results[0])
	t.Logf("a cache hit takes %s, %.2f times the floor", results[1].best(), ratio)
	if calm && ratio > 1.5 {
		t.Errorf("a cache hit takes %.2f times SHA-256 and a map, want at most 1.5", ratio)
	}
}

func mustMeasure(t *testing.T, candidates []candidate, rounds, count int) []result {
	t.Helper()
	results, err := measure(context.WithoutCancel(t.Context()), candidates, rounds, count)
	if err != nil {
		t.Fatal(err)
	}
	return results
}
