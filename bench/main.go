// Bench runs every comparison and writes one table into docs/benchmarks.md:
//
//	cd bench && go run .            # some ten minutes, on a calm machine
//	cd bench && go run . -short     # two minutes: whether all of it works, no figures to quote
//	cd bench && go run . -only session
//
// It needs what the comparisons need: Postgres, MariaDB, redis-server, and npm for the
// data of risk. Each comparison can be run alone, as the table says.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
)

// step is one program. What it runs with is what the table tells others to run.
type step struct {
	name        string
	long, short string
	env         []string
}

var steps = []step{
	{"coldstart", "go run ./coldstart -rounds 3", "go run ./coldstart -warm", nil},
	{"tenancy", "go run ./tenancy", "go run ./tenancy -rounds 3 -n 100", nil},
	{"session", "go run ./session -ratios -time 500ms -rounds 5", "go run ./session -ratios -time 50ms -rounds 1", nil},
	{"audit", "go run ./audit -pairs 5 -time 4s", "go run ./audit -pairs 1 -time 500ms", nil},
	{"actions", "go run ./actions", "go run ./actions -rounds 3 -runs 300", nil},
	{"migration", "go test -count=1 -run TestUsersPerHour -v ./migration", "go test -count=1 -run TestUsersPerHour -v ./migration", []string{"AUTH0KIT_BENCH=1"}},
	{"risk", "go run ./risk -embedded -seeds 1", "go run ./risk -embedded -seeds 1 -users 1000 -world synthetic", nil},
	{"guardian", "go run ./guardian -people 1000 -days 100", "go run ./guardian -people 100 -days 30", nil},
}

func main() {
	var s settings
	flag.StringVar(&s.out, "out", "", "the file that gets the table; docs/benchmarks.md by default, and none with -short or -only")
	flag.BoolVar(&s.short, "short", false, "small forms, whose figures mean little; the table says so")
	flag.StringVar(&s.only, "only", "", "one comparison, printed and not written: coldstart, tenancy, session, audit, actions, migration, risk, guardian")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type settings struct {
	out, only string
	short     bool
}

func run(ctx context.Context, s settings, log io.Writer) error {
	var table bytes.Buffer
	head(&table, s.short)
	before, found := load(), false
	for _, p := range steps {
		if s.only != "" && s.only != p.name {
			continue
		}
		found = true
		command := p.long
		if s.short {
			command = p.short
		}
		fmt.Fprintf(log, "== %s: %s\n", p.name, command)
		rows, err := p.run(ctx, command, log)
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		write(&table, rows, strings.Join(append(p.env[:len(p.env):len(p.env)], p.long), " "))
	}
	if !found {
		return fmt.Errorf("-only %s: there is no such comparison", s.only)
	}
	fmt.Fprintf(&table, "\nLoad of the machine before %s, after %s.\n", before, load())
	if s.out == "" && (s.only != "" || s.short) { // in the docs it would replace the whole table
		_, err := log.Write(table.Bytes())
		return err
	}
	return os.WriteFile(cmp.Or(s.out, "../docs/benchmarks.md"), table.Bytes(), 0o644)
}

// run runs the command and returns its rows. What it prints goes to log.
func (p step) run(ctx context.Context, command string, log io.Writer) (rows []benchrow.Row, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "rows")
	words := strings.Fields(command)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(append(os.Environ(), benchrow.Variable+"="+file), p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("no rows: %w", err)
	}
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var r benchrow.Row
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
}

func head(w io.Writer, short bool) {
	fmt.Fprintf(w, "# Comparisons\n\nWritten by `cd bench && go run .`; do not edit. What is measured, and how, is in [bench](../bench/README.md).\n\n")
	if short {
		fmt.Fprintf(w, "**Made by the short form: the figures only show that the programs run.**\n\n")
	}
	fmt.Fprintf(w, "%s, %s, %d cores of %s, %s/%s. \"Times better\" is how many times less time or more work ours has than the peer; below 1 the peer is better. Two of the peers are floors that nothing can beat: the bare signature check, and rows without sealing.\n\n",
		time.Now().UTC().Format("2 January 2006"), runtime.Version(), runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "| comparison | unit | peer | peer's | ours | times better | alone, in bench |\n|---|---|---|---:|---:|---:|---|\n")
}

func write(w io.Writer, rows []benchrow.Row, alone string) {
	for _, r := range rows {
		peer, theirs, ratio := "none", "", ""
		if r.Peer != "" {
			peer, theirs, ratio = r.Peer, figure(r.Theirs), fmt.Sprintf("%.2f", r.Ratio())
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | `%s` |\n", r.What, r.Unit, peer, theirs, figure(r.Ours), ratio, alone)
	}
}

// figure has three digits that count, or all before the point.
func figure(f float64) string {
	switch {
	case f >= 100 || f == 0:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// processor and load are "unknown" where the system does not tell them.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown"
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
