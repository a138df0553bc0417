package risk

import (
	"math"
	"testing"

	"github.com/auth0kit/auth0kit/anomaly"
)

func TestScore(t *testing.T) {
	t.Parallel()
	cuts := [3]float64{-1, 1.5, 6}
	for logOdds, want := range map[float64]int{
		-1: 20, 1.5: 50, 6: 80, 0.25: 35, 3.75: 65, -1.0001: 19, 5.999: 79, math.Inf(-1): 0, math.Inf(1): 100, math.NaN(): 100,
	} {
		if got := score(logOdds, cuts); got != want {
			t.Errorf("score(%v) = %d, want %d", logOdds, got, want)
		}
	}
	last := 0
	for x := -30.0; x < 30; x += 0.01 {
		got := score(x, cuts)
		if got < last || got > 100 {
			t.Fatalf("score(%v) = %d after %d", x, got, last)
		}
		last = got
	}
}

func TestDenyNeedsTwoSides(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		want bool
		odds map[string]float64
	}{
		{"travel alone", false, map[string]float64{"impossible_travel": 30}},
		{"travel and place", false, map[string]float64{"impossible_travel": 30, "unusual_location": 30}},
		{"place and device", true, map[string]float64{"unusual_location": 2, "new_device": 2}},
		{"place and weak device", false, map[string]float64{"unusual_location": 30, "new_device": 1.9}},
		{"device and activity", true, map[string]float64{"suspicious_activity": 2.5, "new_device": 3}},
		{"device and Auth0 on the device", false, map[string]float64{"auth0": 3, "new_device": 3}},
		{"two of the caller's", true, map[string]float64{"mine": 3, "yours": 3}},
		{"nothing", false, nil},
	}
	for _, c := range cases {
		var shares []Share
		for name, odds := range c.odds {
			shares = append(shares, Share{Name: name, LogOdds: odds})
		}
		if got := deniable(shares); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	model := &anomaly.Model{WithDevice: anomaly.Weights{Cuts: [3]float64{-1, 1.5, 6}}}
	e := &Engine{cfg: &Config{Bands: Bands{20, 50, 80}, OnMissing: MFARequired, OnFirst: Allow, MaxRefused: 10, Model: model}}
	two := []Share{{Name: "unusual_location", LogOdds: 5}, {Name: "new_device", LogOdds: 5}}
	cases := []struct {
		name   string
		d      Decision
		sum    float64
		score  int
		action Action
		level  Level
	}{
		{"low", Decision{}, -5, 2, Allow, Low},
		{"prompt", Decision{}, -1, 20, PromptVerification, Medium},
		{"mfa", Decision{}, 1.5, 50, MFARequired, High},
		{"deny", Decision{Factors: two}, 6, 80, Deny, Critical},
		{"one side only", Decision{Factors: two[:1]}, 50, 79, MFARequired, High},
		{"first login", Decision{Factors: two, First: true}, 50, 79, MFARequired, High},
		{"missing factor", Decision{Missing: []string{"x"}}, -5, 50, MFARequired, High},
		{"missing and denied", Decision{Factors: two, Missing: []string{"x"}}, 9, 95, Deny, Critical},
	}
	for _, c := range cases {
		d := c.d
		e.decide(&d, c.sum, anomaly.Assessment{Class: anomaly.WithDevice}, challenges{})
		if d.Score != c.score || d.Action != c.action || d.Level != c.level {
			t.Errorf("%s: %d %s %s, want %d %s %s", c.name, d.Score, d.Action, d.Level, c.score, c.action, c.level)
		}
	}
}
