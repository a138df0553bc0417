package risk

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Bounds of the texts in a Decision, in bytes.
const (
	maxText   = 512 // as much as package anomaly reads of an agent
	maxDetail = 200
	maxDevice = 1024 // … and of a device id
)

// newDecision is about l, whose texts it cuts.
func newDecision(id string, l Login) Decision {
	a := l.Attempt
	a.UserAgent, a.DeviceID = a.UserAgent[:min(len(a.UserAgent), maxText)], a.DeviceID[:min(len(a.DeviceID), maxDevice)]
	l.UserAgent, l.Email, l.SessionID = cut(l.UserAgent, maxText), cut(l.Email, maxText), cut(l.SessionID, maxText)
	if len(l.Auth0) > 0 {
		l.Auth0 = knownAssessors(l.Auth0)
	}
	d := Decision{ID: id, Login: l, attempt: a}
	d.Login.DeviceID = ""
	return d
}

// cut is s without what is beyond n bytes, and valid UTF-8.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// knownAssessors bounds what a client of the service may have sent.
func knownAssessors(in map[string]string) map[string]string {
	const most = 16
	out := make(map[string]string, min(most, len(in)))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if len(out) == most {
			break
		}
		out[cut(name, 64)] = cut(in[name], 64)
	}
	return out
}

func (d *Decision) add(name string, logOdds float64, detail string) {
	d.Factors = append(d.Factors, Share{Name: name, LogOdds: logOdds, Detail: cut(detail, maxDetail)})
}

// addFinding says what was usual and what is now.
func (d *Decision) addFinding(a anomaly.Assessment, k anomaly.Kind, f anomaly.Finding) {
	s := Share{Name: k.String(), LogOdds: float64(f.LogOdds), Usual: f.Before()}
	switch k {
	case anomaly.UnusualLocation:
		s.Seen = trimZero(a.Country[:])
	case anomaly.UnusualTime:
		s.Seen = fmt.Sprintf("%02d:00", a.Hour)
	case anomaly.NewDevice:
		s.Seen = trimZero(a.Agent[:])
	}
	if f.Kind != 0 {
		var parts []string
		if s.Usual != "" {
			parts = append(parts, "before: "+s.Usual)
		}
		if s.Seen != "" {
			parts = append(parts, "now: "+s.Seen)
		}
		s.Detail = strings.Join(parts, ", ")
		if k == anomaly.ImpossibleTravel && a.Unreachable {
			s.Detail += "; nobody travels so fast: at least the prompt"
		}
	}
	if k == anomaly.ImpossibleTravel {
		s.Seen, s.Usual = s.Usual, ""
	}
	d.Factors = append(d.Factors, s)
}

func trimZero(b []byte) string { return string(bytes.TrimRight(b, "\x00")) }

// learned is the login with its device id, as Evaluate saw it.
func (d *Decision) learned() anomaly.Attempt {
	if d.attempt.UserID != d.Login.UserID {
		return d.Login.Attempt
	}
	return d.attempt
}

// addActivity adds the factor of failures and velocity.
func (d *Decision) addActivity(a activity) float64 {
	if a.err != nil {
		d.Missing = append(d.Missing, factorActivity)
		return 0
	}
	d.add(factorActivity, a.sum, a.detail)
	return a.sum
}

// addHeld adds what refused logins from the same network, agent and device say.
// One says nothing: half of all genuine users fail their first challenge.
func (d *Decision) addHeld(a anomaly.Assessment) float64 {
	if a.Held < 2 {
		return 0
	}
	odds := min(1.5, 0.5*math.Log(float64(a.Held)))
	d.add(factorHeld, odds, fmt.Sprintf("%d from the same network, agent and device", a.Held))
	return odds
}
