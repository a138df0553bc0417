package calibrate

import (
	"iter"
	"math/rand/v2"
	"net/netip"

	"github.com/auth0kit/auth0kit/anomaly"
)

// The attackers that WithOthers makes.
const (
	Stranger    = "another user's network and agent"
	Compatriot  = "another user's, from the same country"
	NoID        = "another user's, without a device id"
	CookieThief = "another user's, with the user's device id"
	Blind       = "another user's agent, without an address"
)

// recent is how many logins back the others are drawn from.
const recent = 500

// WithOthers adds attackers to the genuine logins of a service, which must be in
// order of time: what another user did lately, tried on the account of this one. It
// is how risk-based authentication is measured without a known attack (Freeman et
// al. 2016, Wiefling et al. 2022). One attacker of each kind follows each of the
// logins of users with a history. They resemble the service's own users: attackers
// from hosting networks and abroad are found more easily, and those who know the
// user less. The draws are the same each time. Labelled attacks pass unchanged.
func WithOthers(logins iter.Seq2[Labelled, error]) iter.Seq2[Labelled, error] {
	return func(yield func(Labelled, error) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		var ring []anomaly.Attempt
		next := 0
		last := map[string]anomaly.Attempt{}
		for l, err := range logins {
			if !yield(l, err) || err != nil {
				return
			}
			if l.Attack != "" {
				continue
			}
			if before, ok := last[l.Attempt.UserID]; ok {
				for _, a := range attacks(r, ring, l.Attempt, before) {
					if !yield(a, nil) {
						return
					}
				}
			}
			last[l.Attempt.UserID] = l.Attempt
			if len(ring) < recent {
				ring = append(ring, l.Attempt)
			} else {
				ring[next] = l.Attempt
				next = (next + 1) % recent
			}
		}
	}
}

func attacks(r *rand.Rand, ring []anomaly.Attempt, l, before anomaly.Attempt) (out []Labelled) {
	draw := func(ok func(anomaly.Attempt) bool) (anomaly.Attempt, bool) {
		for range 50 {
			if a := ring[r.IntN(len(ring))]; a.UserID != l.UserID && ok(a) {
				a.UserID, a.Time = l.UserID, l.Time
				return a, true
			}
		}
		return anomaly.Attempt{}, false
	}
	add := func(kind string, a anomaly.Attempt, ok bool, id string) {
		if ok {
			a.DeviceID = id
			out = append(out, Labelled{a, kind})
		}
	}
	anybody := func(anomaly.Attempt) bool { return true }
	own := ""
	if l.DeviceID != "" {
		own = "another device"
	}
	a, ok := draw(anybody)
	add(Stranger, a, ok, own)
	a, found := draw(func(a anomaly.Attempt) bool {
		return a.Place != nil && l.Place != nil && a.Place.Country == l.Place.Country
	})
	add(Compatriot, a, found, own)
	if before.DeviceID != "" {
		a, ok = draw(anybody)
		add(NoID, a, ok, "")
		a, ok = draw(func(a anomaly.Attempt) bool { return a.UserAgent != before.UserAgent })
		add(CookieThief, a, ok, before.DeviceID)
	}
	a, ok = draw(anybody)
	a.IP, a.Place = netip.Addr{}, &anomaly.Place{}
	add(Blind, a, ok, own)
	return out
}
