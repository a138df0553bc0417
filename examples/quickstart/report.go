package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/migration"
)

// report is what -json prints.
type report struct {
	Source struct {
		Total int `json:"total"`
	} `json:"source"`
	Plan planned `json:"plan"`
	Bulk bulk    `json:"bulk"`
	Lazy struct {
		Migrated int `json:"migrated"`
		Rejected int `json:"rejected"`
	} `json:"lazy"`
	Logins struct {
		Tried int `json:"tried"`
		OK    int `json:"ok"`
	} `json:"logins"`
	Listed []listed `json:"listed"` // every row that is invalid or a duplicate, with its reason

	Tenancy tenancyReport `json:"tenancy"`
	Session struct {
		Created int `json:"created"`
		Refused int `json:"refused"`
	} `json:"session"`
	Guardian struct {
		RecoveryCodes int    `json:"recovery_codes"`
		Right         string `json:"right_code"`
		Again         string `json:"same_code_again"`
		Wrong         string `json:"wrong_code"`
	} `json:"guardian"`
	Anomaly struct {
		Learned  int      `json:"learned"`
		Usual    []string `json:"usual"`
		Stranger []string `json:"stranger"`
	} `json:"anomaly"`
	Risk struct {
		Usual    decided `json:"usual"`
		Stranger decided `json:"stranger"`
	} `json:"risk"`
	Actions struct {
		Claims map[string]any `json:"claims"`
		Denied string         `json:"denied"`
	} `json:"actions"`
	Delegation struct {
		Changes     int    `json:"changes"`
		LastRemoved string `json:"last_administrator"`
	} `json:"delegation"`
	Audit struct {
		Events int    `json:"events"`
		Proved string `json:"proved"`
	} `json:"audit"`

	refused []error // logins with the right password
}

type tenancyReport struct {
	Member            string `json:"member"`
	OtherOrganization string `json:"other_organization"`
	WithoutPermission string `json:"without_permission"`
	Forged            string `json:"forged"`
}

type decided struct {
	Score  int    `json:"score"`
	Action string `json:"action"`
}

type planned struct {
	Direct    int `json:"direct"`
	Converted int `json:"converted"`
	LazyOnly  int `json:"lazy_only"`
	ResetOnly int `json:"reset_only"`
	Invalid   int `json:"invalid"`
	Duplicate int `json:"duplicate"`
}

type bulk struct {
	Migrated int `json:"migrated"`
	Failed   int `json:"failed"`
	Total    int `json:"total"`
}

type listed struct {
	Key   string `json:"key"`
	Class string `json:"class"`
	Rule  string `json:"rule"`
	Path  string `json:"path,omitempty"`
}

// check holds the run to its promise: nobody is lost, and hashes work.
func (r *report) check() error {
	var problems []error
	if got := r.Bulk.Migrated + r.Lazy.Migrated + len(r.Listed); got != r.Source.Total {
		problems = append(problems, fmt.Errorf("%d rows, but %d are migrated or listed", r.Source.Total, got))
	}
	if r.Bulk.Failed > 0 {
		problems = append(problems, fmt.Errorf("%d imports failed", r.Bulk.Failed))
	}
	return errors.Join(append(append(problems, r.refused...), r.checkPatterns()...)...)
}

// checkPatterns holds the steps after the migration to what they are there to show.
func (r *report) checkPatterns() (problems []error) {
	for _, c := range []struct {
		what string
		ok   bool
	}{
		{"tenancy", r.Tenancy == tenancyReport{"admitted", "refused, other_org", "refused, permission", "refused, signature"}},
		{"session", r.Session.Created == 2 && r.Session.Refused == 2},
		{"guardian", r.Guardian.RecoveryCodes > 0 && r.Guardian.Right == "accepted" && r.Guardian.Again == "refused, used before" && r.Guardian.Wrong == "refused"},
		{"anomaly", r.Anomaly.Learned == 30 && len(r.Anomaly.Usual) == 0 && slices.Contains(r.Anomaly.Stranger, "impossible_travel")},
		{"risk", r.Risk.Usual.Action == "allow" && r.Risk.Stranger.Action == "deny"},
		{"actions", len(r.Actions.Claims) == 1 && r.Actions.Denied != ""},
		{"delegation", r.Delegation.Changes == 1 && strings.HasPrefix(r.Delegation.LastRemoved, "refused")},
		{"audit", r.Audit.Events > 0 && r.Audit.Proved == "delegation.remove_role"},
	} {
		if !c.ok {
			problems = append(problems, fmt.Errorf("%s did not do what it should: see the transcript", c.what))
		}
	}
	return problems
}

// transcript tells a person what happens, with a line of progress on a terminal.
type transcript struct {
	out      io.Writer
	terminal bool
	start    time.Time
	drawn    int
}

func newTranscript(out io.Writer) *transcript {
	t := &transcript{out: out, start: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		t.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return t
}

// step begins what one package does.
func (t *transcript) step(pkg, title string) { fmt.Fprintf(t.out, "\n%s: %s\n", pkg, title) }

func (t *transcript) say(format string, args ...any) {
	fmt.Fprintf(t.out, "  "+format+"\n", args...)
}

func (t *transcript) progress(p migration.Progress) {
	if !t.terminal {
		return
	}
	const width = 40
	done := p.Migrated + p.Failed + p.Skipped
	full := width
	if p.Total > 0 {
		full = width * min(done, p.Total) / p.Total
	}
	line := fmt.Sprintf("  [%s%s] %d of %d, %d jobs", strings.Repeat("#", full), strings.Repeat(".", width-full), done, p.Total, p.Jobs)
	fmt.Fprintf(t.out, "\r%-*s", t.drawn, line)
	t.drawn = len(line)
}

func (t *transcript) endProgress() {
	if t.drawn > 0 {
		fmt.Fprintf(t.out, "\r%*s\r", t.drawn, "")
		t.drawn = 0
	}
}
