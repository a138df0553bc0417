package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/risk"
)

// table prints a line per login, with the explanation where it is no routine, and
// a summary.
type table struct {
	out     io.Writer
	err     error // the first of out
	people  map[risk.Outcome]int
	attacks map[risk.Outcome]int
	first   risk.Decision // of the attacker at work
	worn    []string      // what repeating did to the scores
}

func newTable(out io.Writer) *table {
	t := &table{out: out, people: map[risk.Outcome]int{}, attacks: map[risk.Outcome]int{}}
	t.printf("%-17s %-5s %-39s %5s  %-8s  %-19s  %s\n",
		"time (UTC)", "who", "where, with", "score", "level", "action", "strongest factors")
	return t
}

func (t *table) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.out, format, args...)
	}
}

func (t *table) add(l line) error {
	n, d := l.login, l.decision
	if n.note != "" {
		t.printf("%18s%s\n", "", remark(n))
	}
	when, where := n.at.Format("Mon 02 Jan 15:04"), n.from.name+", "+n.with.name
	if n.wrong != nil {
		t.printf("%-17s %-5s %-39s wrong passwords for %d accounts\n", when, "?", where, len(n.wrong))
		return t.err
	}
	t.printf("%-17s %-5s %-39s %5d  %-8s  %-19s  %s\n", when, n.who, where, d.Score, d.Level, d.Action, strongest(d.Factors))
	t.explain(l)
	t.count(l)
	return t.err
}

func remark(l login) string {
	s := "-- " + l.note
	if l.attacker {
		s = "!! " + l.note
	}
	if l.tries > 0 {
		s += fmt.Sprintf(" (%d times; the last one:)", l.tries)
	}
	return s
}

// explain is for what is special, once. Of first logins there is little to say.
func (t *table) explain(l line) {
	routine := l.login.note == "" && l.decision.Action == risk.Allow
	if routine || l.decision.First || l.login.tries > 0 {
		return
	}
	_, factors, _ := strings.Cut(l.decision.Explain(), "\n")
	for row := range strings.Lines(factors) {
		t.printf("%20s%s", "", row)
	}
	if l.asked != "" {
		t.printf("%22s-> %s: %s\n", "", l.asked, l.outcome)
	}
}

func (t *table) count(l line) {
	n := l.login
	if !n.attacker {
		t.people[l.outcome]++
		return
	}
	t.attacks[l.outcome] += max(1, n.tries)
	if n.tries == 0 {
		t.first = l.decision
		return
	}
	t.worn = append(t.worn, fmt.Sprintf("%s's account: score %d at first, %d at the last of %d more tries",
		n.who, t.first.Score, l.decision.Score, n.tries))
}

// close prints the summary.
func (t *table) close() error {
	t.printf("\npeople:    %d logins went on at once, %d after a challenge, %d were refused\n",
		t.people[risk.Allowed], t.people[risk.StepUpPassed], t.people[risk.Refused])
	t.printf("attackers: %d logins with a right password went on, %d were refused\n",
		t.attacks[risk.Allowed]+t.attacks[risk.StepUpPassed], t.attacks[risk.Refused])
	for _, s := range t.worn {
		t.printf("           %s\n", s)
	}
	return t.err
}

// strongest names the three factors that weigh most, either way.
func strongest(factors []risk.Share) string {
	var heavy []risk.Share
	for _, f := range factors {
		if f.Name != "prior" && math.Abs(f.LogOdds) >= 0.05 {
			heavy = append(heavy, f)
		}
	}
	slices.SortStableFunc(heavy, func(a, b risk.Share) int {
		return cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds))
	})
	var s []string
	for _, f := range heavy[:min(3, len(heavy))] {
		s = append(s, fmt.Sprintf("%s %+.1f", f.Name, f.LogOdds))
	}
	return strings.Join(s, ", ")
}
