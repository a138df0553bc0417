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
	o := options{users: 2500, mode: string(sparse), cookies: true, embedded: true}
	e, err := experiment(t.Context(), syntheticWorld(404), o)
	if err != nil {
		t.Fatal(err)
	}
	const (
		reference, share, learned, strongest, bayes, ours = 0, 1, 2, 3, 4, 5

		noise = 0.005 // of AUC, between seeds of this size
	)
	for k := naive; k < attackKinds; k++ {
		own := e.auc(ours, k)
		for _, other := range []int{learned, strongest, bayes} {
			if theirs := e.auc(other, k); own < theirs-noise {
				t.Errorf("%s: AUC %.4f, %s has %.4f", k, own, e.schemes[other].name, theirs)
			}
		}
		if mine, theirs := e.reauth(ours, k, .98), e.reauth(bayes, k, .98); mine > theirs {
			t.Errorf("%s: re-authentication at 98%% is %.2f%%, with Freeman et al. %.2f%%", k, 100*mine, 100*theirs)
		}
	}
	mine, best := e.reauth(ours, targeted, .98), 1.0
	for _, other := range []int{reference, share, learned} {
		best = min(best, e.reauth(other, targeted, .98))
	}
	if mine > best/2 {
		t.Errorf("re-authentication at 98%% of targeted attackers is %.2f%%, more than half of the reference's best, %.2f%%", 100*mine, 100*best)
	}
	t.Logf("re-authentication at 98%% of targeted attackers: %.2f%%; the reference's best %.2f%%, the strongest set look-up %.2f%%",
		100*mine, 100*best, 100*e.reauth(strongest, targeted, .98))
	denied, total := e.actions.denied()
	if denied > 1 {
		t.Errorf("%d of %d genuine logins were denied", denied, total)
	}
	if share := float64(e.actions[naive][risk.Allow]) / float64(3*len(e.held[ours][0].scores[naive])); share > .1 {
		t.Errorf("%.1f%% of naive attackers were allowed", 100*share)
	}
}
