package main

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestFreemanGolden compares with testdata/freeman.py.
func TestFreemanGolden(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/freeman.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Login struct {
			User                           int
			IP, ASN, Country               string
			Agent, Browser, System, Device string
		}
		Score *float64
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	f, scored := newFreeman(), 0
	for i, g := range golden {
		l := g.Login
		h := hierarchies{{l.IP, l.ASN, l.Country}, {l.Agent, l.Browser, l.System, l.Device}}
		got, ok := f.score(l.User, h)
		if ok != (g.Score != nil) {
			t.Fatalf("login %d: scored %t", i, ok)
		}
		if ok {
			scored++
			if want := *g.Score; math.Abs(math.Exp(got)-want) > 1e-9*want {
				t.Fatalf("login %d: %v, want %v", i, math.Exp(got), want)
			}
		}
		f.learn(l.User, h)
	}
	if scored < 200 {
		t.Fatalf("%d logins were scored", scored)
	}
}
