// Riskcalibrate sets the cuts of package risk by the logins of a service, and
// writes a report of what they would have done.
//
//	go run ./examples/riskcalibrate -demo -html report.html
//	go run ./examples/riskcalibrate -in logins.jsonl -model model.json -html report.html
//
// It needs genuine logins alone: attackers are made out of the logins of other
// users. One login is one line, in order of time:
//
//	{"user":"auth0|1","time":"2026-05-04T08:01:00Z","ip":"81.2.69.10","device":"…","agent":"Mozilla/5.0 …",
//	 "country":"NO","lat":59.9,"lon":10.7,"asn":2119}
//
// All but user and time may be absent; "attack" names the kind of a login that was
// known to be one. The first three fifths of the logins set the cuts, and with -fit
// the weights too; the report is about the rest. Give the model to anomaly.Config
// and risk.Config.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

type options struct {
	in, model, html string
	demo, fit       bool
	budget          calibrate.Budget
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "riskcalibrate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("riskcalibrate", flag.ContinueOnError)
	flags.StringVar(&o.in, "in", "", "the logins, one JSON object per line")
	flags.BoolVar(&o.demo, "demo", false, "use made-up logins of 400 people")
	flags.BoolVar(&o.fit, "fit", false, "fit the weights too; needs some 10,000 logins")
	flags.StringVar(&o.model, "model", "", "write the model into this file")
	flags.StringVar(&o.html, "html", "", "write the report into this file")
	flags.Float64Var(&o.budget.Prompt, "prompt", 0.05, "share of genuine logins that may be challenged")
	flags.Float64Var(&o.budget.MFA, "mfa", 0.02, "share that may be asked for a second factor")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.demo == (o.in != "") {
		return errors.New("name the logins with -in, or use -demo")
	}
	logins := demo()
	if o.in != "" {
		file, err := os.Open(o.in)
		if err != nil {
			return err
		}
		defer file.Close()
		logins = read(file)
	}
	return o.calibrate(ctx, logins, out)
}

func (o options) calibrate(ctx context.Context, logins iter.Seq2[calibrate.Labelled, error], out io.Writer) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // It never fails, and nothing leaves this process.
	detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{key}, anomaly.Config{})
	if err != nil {
		return err
	}
	samples, err := calibrate.Collect(ctx, detector, calibrate.WithOthers(logins))
	if err != nil {
		return err
	}
	at := len(samples) * 3 / 5
	model := anomaly.DefaultModel()
	model.Name += ", cuts of this log"
	if o.fit {
		if model, err = calibrate.Fit(samples[:at], calibrate.Config{Name: "fitted to this log"}); err != nil {
			return err
		}
	}
	if err := calibrate.SetCuts(model, samples[:at], o.budget); err != nil {
		return err
	}
	quality := calibrate.Measure(model, samples[at:])
	if err := write(o.model, func(w io.Writer) error { return calibrate.Write(w, model) }); err != nil {
		return err
	}
	if err := write(o.html, quality.WriteHTML); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d genuine logins in the report\n", quality.Logins)
	for _, c := range quality.Classes {
		fmt.Fprintf(out, "  %-28s %6d logins  %4.1f%% challenged  %4.1f%% by MFA\n", c.Name, c.Logins, 100*c.Prompted, 100*c.MFA)
	}
	for _, k := range quality.Kinds {
		fmt.Fprintf(out, "  %-48s %5.1f%% stopped\n", k.Kind, 100*k.Prompted)
	}
	return nil
}

func write(path string, to func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(to(file), file.Close())
}
