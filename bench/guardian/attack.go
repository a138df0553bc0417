package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
)

// guesser is somebody who knows the password of accounts.
type guesser struct {
	name    string
	victims []*person
	address func() netip.Addr
	codes   float64 // How many codes a guess is right for at most while it counts twice.
	shy     bool    // Never makes the owner wait: guesses only for 11 hours after a login.
	all     bool    // Fails with recovery codes too.
	near    bool    // Shares the owner's address.

	heard, in int     // in: of those who know a code.
	right     float64 // The sum of how many codes each guess was right for.
}

// attack adds the accounts that are attacked, 20 of each kind. Those who guess
// from one address share it with the customers of a carrier.
func (w *world) attack(people int) {
	anywhere := func() netip.Addr {
		return netip.AddrFrom4([4]byte{198, byte(w.IntN(256)), byte(w.IntN(256)), byte(w.IntN(256))})
	}
	shared := func() netip.Addr { return carrier(0) }
	for _, g := range []*guesser{
		{name: "guesses, one address", address: shared, codes: 4},
		{name: "guesses, the owner's address", address: shared, codes: 4, near: true},
		{name: "guesses, many addresses", address: anywhere, codes: 4},
		{name: "guesses, phone known to be wrong", address: anywhere, codes: 6},
		{name: "guesses, after the owner's logins", address: anywhere, codes: 4, shy: true},
		{name: "knows one code, uses it late", address: anywhere},
		{name: "keeps up a lock of all factors", address: anywhere, codes: 4, all: true},
	} {
		for range 20 {
			p := w.newPerson(5000+people+len(w.people), true) // No customer of the guesser's carrier.
			p.clock, p.skew, p.drift = exact, 0, 0
			if g.codes == 6 {
				p.clock, p.skew = wrong, 100
			}
			if g.near {
				p.address = shared
			}
			w.people, g.victims = append(w.people, p), append(g.victims, p)
			switch {
			case g.shy:
				p.onIn = func() { w.after(time.Minute, func() error { return g.guess(w, p, 0, w.now.Add(11*time.Hour)) }) }
			case g.codes == 0:
				w.after(50*time.Hour, func() error { return g.late(w, p) })
			default:
				w.after(50*time.Hour, func() error { return g.guess(w, p, 0, w.end) })
			}
		}
		w.guesses = append(w.guesses, g)
	}
}

// guess tries a code that is wrong, so that what is counted is what was heard. With
// one window a guess is right for three codes and leaves 99 of 100 attempts; with
// two it counts twice.
func (g *guesser) guess(w *world, p *person, codes float64, until time.Time) error {
	_, no, err := w.verify(p.id, guardian.LocalTOTP, p.wrong(), g.address())
	if err != nil || no == nil {
		return fmt.Errorf("a wrong code: %v, %w", no, err)
	}
	if g.all {
		if _, _, err := w.verify(p.id, guardian.LocalRecovery, "AAAA-AAAA-AAAA-AAAA", g.address()); err != nil {
			return err
		}
	}
	wait := no.RetryAfter
	switch {
	case no.Err == guardian.ErrLocked:
		wait = 6 * time.Hour
		codes = 0
	case no.Err == guardian.ErrWrongCode:
		if no.AttemptsLeft == 99 {
			codes = 3
		} else if codes == 0 {
			codes = g.codes
		}
		g.heard++
		g.right += codes
	}
	if g.stays() {
		wait = min(wait, time.Hour) // The owner may have logged in.
	}
	if wait += time.Second; w.now.Add(wait).Before(until) {
		w.after(wait, func() error { return g.guess(w, p, codes, until) })
	}
	return nil
}

// stays reports whether all guesses come from one address.
func (g *guesser) stays() bool { return g.address() == carrier(0) }

// wrong is a code of no step near now.
func (p *person) wrong() string {
	at := p.w.now.Unix() / 30
	for i := 0; ; i++ {
		guess, near := fmt.Sprintf("%06d", i), false
		for step := at - 6; step <= at+6; step++ {
			near = near || guess == code(p.secret, step)
		}
		if !near {
			return guess
		}
	}
}

// late watches a login each day and uses its code one to four steps later.
func (g *guesser) late(w *world, p *person) error {
	seen := code(p.secret, p.step())
	w.after(w.seconds(60+60*w.Float64()), func() error {
		g.heard++
		v, err := w.factors.Verify(context.Background(), guardian.Request{UserID: p.id, Factor: guardian.LocalTOTP, Code: seen, IP: g.address()})
		if v != nil && err == nil {
			g.in++
		}
		return nil
	})
	w.after(24*time.Hour, func() error { return g.late(w, p) })
	return nil
}
