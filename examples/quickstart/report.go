package main

import (
	"errors"
	"fmt"
	"io"
	"os"
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

	refused []error // logins with the right password
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
	return errors.Join(append(problems, r.refused...)...)
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

func (t *transcript) step(title string) { fmt.Fprintf(t.out, "\n%s\n", title) }

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
