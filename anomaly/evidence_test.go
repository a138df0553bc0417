package anomaly_test

import (
	"slices"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// named is the evidence of an attempt by name.
func named(t *testing.T, d *anomaly.Detector, a anomaly.Attempt) func(name string) float64 {
	t.Helper()
	e, _, err := d.Evidence(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) float64 {
		i := slices.Index(anomaly.EvidenceNames(), name)
		if i < 0 {
			t.Fatalf("no evidence %q", name)
		}
		return e[i]
	}
}

// TestUsualAgentExcusesNetwork: without a cookie, a new network with the usual
// agent is little news, and with a strange agent much.
func TestUsualAgentExcusesNetwork(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := start
	for i := range 200 { // others, of whom few have the user's browser
		a := login(now, "177.1.1.1", saoPaulo, "", safari)
		a.UserID = string(rune('a'+i%26)) + "@example.com"
		learn(t, d, a, anomaly.Proved)
	}
	for range 20 {
		learn(t, d, login(now, "81.2.69.10", oslo, "", firefox), anomaly.Proved)
		now = now.Add(24 * time.Hour)
	}
	sum := func(ip string, place anomaly.Place, agent string) float64 {
		return named(t, d, login(now, ip, place, "", agent))("network_plus_agent")
	}
	home := sum("81.2.69.10", oslo, firefox)
	away, stranger := sum("177.1.1.1", saoPaulo, firefox), sum("177.1.1.1", saoPaulo, safari)
	if home != 0 || away >= stranger/2 {
		t.Errorf("at home %v, away with the usual agent %v, with another %v", home, away, stranger)
	}
}

func TestKnownPrefixAndHistory(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	at := start
	known, history := 0.0, 0.0
	for i := range 10 {
		a := login(at, "81.2.69.10", oslo, "laptop", firefox)
		e := named(t, d, a)
		if i > 0 && (e("prefix_known") >= known || e("history") >= history) {
			t.Errorf("after %d logins: prefix %v, before %v; history %v, before %v", i, e("prefix_known"), known, e("history"), history)
		}
		known, history = e("prefix_known"), e("history")
		learn(t, d, a, anomaly.Proved)
		at = at.Add(time.Hour)
	}
	if known < -1 {
		t.Errorf("a known prefix counts without bound: %v", known)
	}
	if got := named(t, d, login(at, "81.2.70.10", oslo, "laptop", firefox))("prefix_known"); got != 0 {
		t.Errorf("a new prefix is known by %v", got)
	}
	nowhere := login(at, "81.2.69.10", anomaly.Place{}, "laptop", firefox)
	if got := named(t, d, nowhere)("prefix_known"); got >= 0 {
		t.Errorf("without a place the known prefix is %v", got)
	}
}
