package main

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
)

// world is a service and the events to come. Time is that of the next event.
type world struct {
	*rand.Rand
	factors *guardian.Service
	now     time.Time
	end     time.Time
	days    float64
	queue   events
	people  []*person
	guesses []*guesser
}

type event struct {
	at time.Time
	do func() error
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// after does something later.
func (w *world) after(d time.Duration, do func() error) {
	if at := w.now.Add(d); at.Before(w.end) {
		heap.Push(&w.queue, event{at, do})
	}
}

func (w *world) seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// lognormal has that median.
func (w *world) lognormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*w.NormFloat64())
}

// simulate lets everybody enroll and then log in until the end.
func simulate(people, days int, seed uint64) (*world, error) {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 19)), now: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	w.end = w.now.Add(time.Duration(days) * 24 * time.Hour)
	w.days = float64(days)
	var err error
	w.factors, err = guardian.New(nil, guardian.Config{
		Store: guardian.NewMemory(), Keys: [][]byte{[]byte("a key of 32 bytes for simulations")[:32]}, Issuer: "Simulation", Now: func() time.Time { return w.now },
	})
	if err != nil {
		return nil, err
	}
	for i := range people {
		w.people = append(w.people, w.newPerson(i, false))
	}
	w.attack(people)
	for len(w.queue) > 0 {
		next := heap.Pop(&w.queue).(event)
		w.now = next.at
		if err := next.do(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// The clocks of phones.
const (
	exact     = "network time"
	drifting  = "no network time, up to 0.4 s a day"
	wrong     = "set wrong, up to 110 s"
	corrected = "set wrong, later corrected"
)

// newPerson makes a person who enrolls at once. Shares are of our choice.
func (w *world) newPerson(i int, attacked bool) *person {
	p := &person{w: w, id: fmt.Sprintf("auth0|%d", i), attacked: attacked, clock: exact, skew: w.NormFloat64() / 2, pace: w.lognormal(9, .3), errors: w.lognormal(.02, .5)}
	switch share := w.Float64(); {
	case share < .01:
		p.clock, p.drift = drifting, .8*w.Float64()-.4
	case share < .02:
		p.clock, p.skew = wrong, 220*w.Float64()-110
	case share < .03:
		p.clock, p.skew = corrected, 220*w.Float64()-110
		w.after(time.Duration(w.Int64N(int64(w.end.Sub(w.now)))), func() error { p.skew = 0; return nil })
	}
	own := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	switch share := w.Float64(); {
	case share < .30: // an office of thirty
		p.address = func() netip.Addr { return netip.AddrFrom4([4]byte{192, 0, byte(i / 100 >> 8), byte(i / 100)}) }
	case share < .50: // a carrier that gives one address to hundreds
		p.address = func() netip.Addr { return carrier(i / 1000) }
	case share < .55: // the service stands behind a proxy that it does not name
		p.address = func() netip.Addr { return netip.Addr{} }
	case share < .60: // travels
		p.address = func() netip.Addr {
			return netip.AddrFrom4([4]byte{172, byte(w.IntN(256)), byte(w.IntN(256)), byte(w.IntN(256))})
		}
	default:
		p.address = func() netip.Addr { return own }
	}
	p.enrolledAt = w.now
	w.after(time.Duration(w.Int64N(int64(24*time.Hour))), p.enroll)
	return p
}

func carrier(i int) netip.Addr { return netip.AddrFrom4([4]byte{100, 64, 0, byte(i)}) }

// verify is one attempt as the service sees it.
func (w *world) verify(user string, f guardian.Factor, code string, ip netip.Addr) (*guardian.Verification, *guardian.VerifyError, error) {
	v, err := w.factors.Verify(context.Background(), guardian.Request{UserID: user, Factor: f, Code: code, IP: ip})
	no, is := errors.AsType[*guardian.VerifyError](err)
	if is {
		err = nil
	}
	return v, no, err
}
