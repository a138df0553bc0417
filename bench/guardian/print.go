package main

import (
	"fmt"
	"io"
)

// total is of many people.
type total struct{ people, logins, late, refused, throttled, lockedOut, recovered, shutOut int }

func (t *total) add(p *person) {
	t.people++
	t.logins += p.logins
	t.late += p.late
	t.refused += p.refused
	t.throttled += p.throttled
	t.lockedOut += p.lockedOut
	t.recovered += p.recovered
	t.shutOut += p.shutOut
}

func (t total) perMillion(n int) float64 { return 1e6 * float64(n) / float64(max(1, t.logins)) }

func (w *world) honest(which func(*person) bool) (t total) {
	for _, p := range w.people {
		if which(p) {
			t.add(p)
		}
	}
	return t
}

func unattacked(p *person) bool { return !p.attacked }

// aYear is per account and year.
func (g *guesser) aYear(w *world, n float64) float64 {
	return n / float64(len(g.victims)) * 365 / w.days
}

func (w *world) print(out io.Writer) {
	fmt.Fprintf(out, "| honest people | people | logins | right codes refused | per million | lock-outs | late codes refused, per million |\n|---|---:|---:|---:|---:|---:|---:|\n")
	row := func(name string, t total) {
		fmt.Fprintf(out, "| %s | %d | %d | %d | %.2f | %d | %.0f |\n", name, t.people, t.logins, t.refused, t.perMillion(t.refused), t.lockedOut, t.perMillion(t.late))
	}
	row("**nobody attacks them**", w.honest(unattacked))
	for _, clock := range []string{exact, drifting, wrong, corrected} {
		row(clock, w.honest(func(p *person) bool { return !p.attacked && p.clock == clock }))
	}
	fmt.Fprintf(out, "\n| attack on accounts whose owners log in once a day | guesses heard, per account and year | odds, per account and year | owner's right codes refused, of logins | locked | let in by a recovery code | not even so |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, g := range w.guesses {
		var t total
		for _, p := range g.victims {
			t.add(p)
		}
		odds := fmt.Sprintf("%.2f%%", 100*g.aYear(w, g.right)/1e6)
		if g.codes == 0 {
			odds = fmt.Sprintf("%d of %d", g.in, g.heard)
		}
		fmt.Fprintf(out, "| %s | %.0f | %s | %d of %d | %d | %d | %d |\n", g.name, g.aYear(w, float64(g.heard)), odds, t.refused, t.logins, t.lockedOut, t.recovered, t.shutOut)
	}
}
