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
		reference, learned, bayes, ours = 0, 2, 4, 5
		noise                           = 0.005 // of AUC, between seeds of this size
	)
	for k := naive; k < attackKinds; k++ {
		own := e.auc(ours, k)
		for _, other := range []int{learned, bayes} {
			if theirs := e.auc(other, k); own < theirs-noise {
				t.Errorf("%s: AUC %.4f, %s has %.4f", k, own, e.schemes[other].name, theirs)
			}
		}
		if mine, theirs := e.reauth(ours, k, .98), e.reauth(bayes, k, .98); mine > theirs {
			t.Errorf("%s: re-authentication at 98%% is %.2f%%, with Freeman et al. %.2f%%", k, 100*mine, 100*theirs)
		}
	}
	t.Logf("re-authentication at 98%% of targeted attackers: %.2f%%, reference %.2f%%, its flags with learned weights %.2f%%",
		100*e.reauth(ours, targeted, .98), 100*e.reauth(reference, targeted, .98), 100*e.reauth(learned, targeted, .98))
	denied, total := e.actions.denied()
	if denied > 1 {
		t.Errorf("%d of %d genuine logins were denied", denied, total)
	}
	if share := float64(e.actions[naive][risk.Allow]) / float64(3*len(e.held[ours][0].scores[naive])); share > .1 {
		t.Errorf("%.1f%% of naive attackers were allowed", 100*share)
	}
}
