package main

import (
	"encoding/json"
	"io"
	"math"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/risk"
)

// object is a line as JSON. Decision.ID is left out: it is random.
type object struct {
	Time     time.Time `json:"time"`
	Who      string    `json:"who,omitempty"`
	Where    string    `json:"where"`
	With     string    `json:"with"`
	Note     string    `json:"note,omitempty"`
	Attacker bool      `json:"attacker,omitempty"`
	Tries    int       `json:"tries,omitempty"`
	Wrong    []string  `json:"wrong_passwords_for,omitempty"`
	Decision *verdict  `json:"decision,omitempty"`
}

type verdict struct {
	Score     int          `json:"score"`
	Level     risk.Level   `json:"level"`
	Action    risk.Action  `json:"action"`
	Challenge string       `json:"challenge,omitempty"`
	Outcome   string       `json:"outcome"`
	Factors   []risk.Share `json:"factors"` // Log-odds to two places.
}

// jsonLines prints an object per line.
func jsonLines(out io.Writer) func(line) error {
	enc := json.NewEncoder(out)
	return func(l line) error {
		n := l.login
		o := object{n.at, n.who, n.from.name, n.with.name, n.note, n.attacker, n.tries, n.wrong, nil}
		if n.wrong == nil {
			d := l.decision
			o.Decision = &verdict{d.Score, d.Level, d.Action, l.asked, l.outcome.String(), rounded(d.Factors)}
		}
		return enc.Encode(o)
	}
}

func rounded(factors []risk.Share) []risk.Share {
	out := slices.Clone(factors)
	for i := range out {
		out[i].LogOdds = math.Round(100*out[i].LogOdds) / 100
	}
	return out
}
