package main

import (
	"testing"

	"github.com/auth0kit/auth0kit/risk"
)

// TestGate runs the protocol on the synthetic world, with the embedded model,
// which was fitted in the real one: quality that holds in one geography only would
// not pass.
func TestGate(t *testing.T) {
	t.Parallel()
	for _, ids := range []service{cookies, noIDs} {
		t.Run(devices[ids], func(t *testing.T) {
			t.Parallel()
			o := options{users: 2500, seeds: 2, mode: sparse, ids: ids, embedded: true}
			w := syntheticWorld(404)
			e, err := experiment(t.Context(), w, w, o)
			if err != nil {
				t.Fatal(err)
			}
			for k := naive; k <= veryTargeted; k++ {
				for _, other := range []int{learnedFlags, sixFlags, bayes} {
					e.notWorse(t, k, other)
				}
			}
			if ids == cookies {
				e.halfOfReference(t)
			}
			e.decisions(t)
		})
	}
}

// notWorse compares AUC, and re-authentication at several shares of attackers
// stopped.
func (e *results) notWorse(t *testing.T, k attackKind, other int) {
	t.Helper()
	const noise = 0.005 // of AUC, and of re-authentication, between seeds of this size
	if own, theirs := e.auc(ours, k), e.auc(other, k); own < theirs-noise {
		t.Errorf("%s: AUC %.4f, %s has %.4f", k, own, e.schemes[other].name, theirs)
	}
	for _, share := range []float64{.90, .95, .98, .99} {
		if mine, theirs := reauth(e.held[ours], k, share), reauth(e.held[other], k, share); mine > theirs+noise {
			t.Errorf("%s: re-authentication at %.0f%% is %.2f%%, with %s %.2f%%",
				k, 100*share, 100*mine, e.schemes[other].name, 100*theirs)
		}
	}
}

func (e *results) halfOfReference(t *testing.T) {
	t.Helper()
	mine, best := reauth(e.held[ours], targeted, .98), 1.0
	for _, other := range []int{usualWeights, shareOfThree, learnedFlags} {
		best = min(best, reauth(e.held[other], targeted, .98))
	}
	if mine > best/2 {
		t.Errorf("re-authentication at 98%% of targeted attackers is %.2f%%, more than half of the reference's best, %.2f%%", 100*mine, 100*best)
	}
	t.Logf("re-authentication at 98%% of targeted attackers: %.2f%%; the reference's best %.2f%%, the strongest set look-up %.2f%%",
		100*mine, 100*best, 100*reauth(e.held[sixFlags], targeted, .98))
}

// decisions looks at what the engine does at the shipped cuts.
func (e *results) decisions(t *testing.T) {
	t.Helper()
	denied, total := e.actions.denied()
	if denied > 1 {
		t.Errorf("%d of %d genuine logins were denied", denied, total)
	}
	if share := float64(e.actions.of[naive][risk.Allow]) / float64(len(e.held[ours])*len(e.held[ours][0].scores[naive])); share > .1 {
		t.Errorf("%.1f%% of naive attackers were allowed", 100*share)
	}
}
