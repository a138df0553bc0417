// Riskdemo replays a month of logins through packages anomaly and risk, then an
// attack on the same people, and shows line by line what the engine makes of it:
//
//	go run ./examples/riskdemo
//	go run ./examples/riskdemo -json    # one object per line
//
// Five people log in during February: a commuter with a laptop and a phone, a
// traveller, a night worker, somebody who buys a new phone, and somebody behind a
// VPN. Then come three who have found passwords: one tries a stolen list from a
// rented server, one sits near the victim with a copy of his user agent, one is
// on the other side of the world when the victim was at home a moment ago.
//
// A line has the time (UTC), who logs in, the score with its level, the action,
// and the factors that weigh most, in log-odds: above zero speaks against the
// login. Where something is special, Decision.Explain follows with the share of
// each factor, and what came of the challenge. People answer it, because the
// second factor and the mailbox are theirs; attackers have the password only.
// The engine is not told who is who.
//
// Each attacker then tries 200 times more: what was refused is quarantined and
// makes nobody look usual, so that the score does not fall, and after three
// challenges in a minute no more are started. And nothing that he
// did is held against the people, who log in as ever the morning after.
//
// The files: people.go has the people, places and devices, month.go and attack.go
// the script, replay.go the calls of package risk that a service makes, table.go
// and json.go the output. It is the same at each run: all times and places are
// part of the script, which is why there is no GeoResolver, and the clock is the
// script's.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "riskdemo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("riskdemo", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print one JSON object per line instead of the table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *asJSON {
		return replay(ctx, script(), jsonLines(out))
	}
	t := newTable(out)
	if err := replay(ctx, script(), t.add); err != nil {
		return err
	}
	return t.close()
}
