package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/risk"
)

var update = flag.Bool("update", false, "write the golden transcript anew")

// TestTranscript: the table is the same at each run.
func TestTranscript(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "transcript.txt")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(out.String(), "\n"), strings.Split(string(file), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("the transcript differs from line %d on; -update writes it anew.\ngot  %q\nwant %q",
				i+1, lineOr(got, i), lineOr(want, i))
		}
	}
}

func lineOr(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// story is what came of each line of the script.
func story(t *testing.T) (lines []line) {
	t.Helper()
	err := replay(t.Context(), script(), func(l line) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// noted is the line with a note that has the text.
func noted(t *testing.T, lines []line, text string) line {
	t.Helper()
	i := slices.IndexFunc(lines, func(l line) bool { return strings.Contains(l.login.note, text) })
	if i < 0 {
		t.Fatalf("no line is noted %q", text)
	}
	return lines[i]
}

func factor(d risk.Decision, name string) risk.Share {
	i := slices.IndexFunc(d.Factors, func(s risk.Share) bool { return s.Name == name })
	if i < 0 {
		return risk.Share{}
	}
	return d.Factors[i]
}

func TestPeople(t *testing.T) {
	t.Parallel()
	routine, stepUps := 0, 0
	after := map[string]bool{} // who logged in after the last attack on him
	for _, l := range story(t) {
		if l.login.attacker {
			for _, who := range append(l.login.wrong, l.login.who) {
				after[who] = false
			}
			continue
		}
		when := l.login.at.Format("02 15:04 ") + l.login.who
		switch l.outcome {
		case risk.Allowed:
		case risk.StepUpPassed:
			stepUps++
		default:
			t.Errorf("%s: %s", when, l.outcome)
		}
		if l.login.note != "" {
			continue
		}
		routine++
		if l.decision.Action != risk.Allow {
			t.Errorf("%s: routine, but %s", when, l.decision.Action)
		}
		after[l.login.who] = true
	}
	if routine < 140 || stepUps == 0 {
		t.Errorf("%d routine logins, %d step-ups", routine, stepUps)
	}
	for _, who := range []string{ada, ben, cleo, dan, eli} {
		if !after[who] {
			t.Errorf("%s does not log in after the attack", who)
		}
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	lines := story(t)
	for text, want := range map[string]risk.Action{
		"phone of another make": risk.MFARequired,
		"flew to Lisbon":        risk.Allow, // with his laptop, at a possible speed
		"VPN":                   risk.Allow,
		"impossible travel":     risk.PromptVerification, // a laptop that is known does not excuse it
	} {
		l := noted(t, lines, text)
		if l.decision.Action != want || (l.asked != "") != (want != risk.Allow) {
			t.Errorf("%s: %s, challenge %q; want %s", text, l.decision.Action, l.asked, want)
		}
	}
	if flight := factor(noted(t, lines, "Lisbon").decision, "impossible_travel"); flight.LogOdds != 0 {
		t.Errorf("the flight is impossible: %+v", flight)
	}
}

func TestAttackers(t *testing.T) {
	t.Parallel()
	first := map[string]risk.Decision{}
	attacks := 0
	for _, l := range story(t) {
		if !l.login.attacker || l.login.wrong != nil {
			continue
		}
		attacks++
		d := l.decision
		if l.outcome != risk.Refused || d.Action == risk.Allow {
			t.Errorf("%s: %s, %s", l.login.note, d.Action, l.outcome)
		}
		if l.login.tries == 0 {
			first[l.login.who] = d
		} else if before := first[l.login.who]; d.Score < before.Score || sum(d) < sum(before)-1e-6 {
			t.Errorf("%s: the score fell from %d to %d, log-odds from %v to %v", l.login.note, before.Score, d.Score, sum(before), sum(d))
		}
	}
	if attacks != 6 || len(first) != 3 {
		t.Errorf("%d attacks on %d accounts", attacks, len(first))
	}
	if d := first[dan]; d.Action != risk.Deny || factor(d, "suspicious_activity").LogOdds < 2 {
		t.Errorf("credential stuffing: %s", d.Explain())
	}
	if d := first[ada]; factor(d, "new_device").LogOdds <= 0 || factor(d, "unusual_location").LogOdds <= 0 {
		t.Errorf("targeted: %s", d.Explain())
	}
}

func sum(d risk.Decision) (total float64) {
	for _, f := range d.Factors {
		total += f.LogOdds
	}
	return total
}

// TestImpossibleTravelAlone: nobody is denied for it, not even the attacker.
func TestImpossibleTravelAlone(t *testing.T) {
	t.Parallel()
	lines := story(t)
	for _, text := range []string{"company's proxy", "45 minutes ago", "the same minute"} {
		l := noted(t, lines, text)
		if travel := factor(l.decision, "impossible_travel"); travel.LogOdds <= 0 || travel.Detail == "" {
			t.Errorf("%s: no impossible travel: %s", text, l.decision.Explain())
		}
		refused := factor(l.decision, "refused_challenges").Detail != "" // for the many challenges, then
		if (l.decision.Action == risk.Deny) != refused {
			t.Errorf("%s: %s", text, l.decision.Explain())
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out, again bytes.Buffer
	if err := errors.Join(run(t.Context(), []string{"-json"}, &out), run(t.Context(), []string{"-json"}, &again)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("two runs differ")
	}
	lines, n := story(t), 0
	for row := range bytes.Lines(out.Bytes()) {
		var o object
		if err := json.Unmarshal(row, &o); err != nil {
			t.Fatalf("%v in %s", err, row)
		}
		l := lines[n]
		n++
		if !o.Time.Equal(l.login.at) || o.Who != l.login.who || (o.Decision == nil) != (l.login.wrong != nil) {
			t.Fatalf("line %d is %s", n, row)
		}
		if o.Decision == nil {
			continue
		}
		if d := o.Decision; d.Score != l.decision.Score || d.Action != l.decision.Action || d.Outcome != l.outcome.String() ||
			math.Abs(d.Factors[1].LogOdds-l.decision.Factors[1].LogOdds) > 0.006 {
			t.Errorf("line %d is %s", n, row)
		}
	}
	if n != len(lines) {
		t.Errorf("%d objects for %d lines", n, len(lines))
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-json"}} {
		if err := run(t.Context(), args, full{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("run(%v) on a full disk: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"-json=maybe"}, io.Discard); err == nil {
		t.Error("a bad flag is taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, nil, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
