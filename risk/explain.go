package risk

import (
	"fmt"
	"math"
	"strings"
)

// Explain returns a few lines that explain the decision: each factor with its
// log-odds, its share of the evidence against or for the login, and its detail. It
// contains no personal data beyond the details: countries, hours, browsers,
// counts.
func (d Decision) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "score %d, %s: %s\n", d.Score, d.Level, reason(d.Action))
	total := 0.0
	for _, s := range d.Factors {
		if s.Name != factorPrior {
			total += math.Abs(s.LogOdds)
		}
	}
	for _, s := range d.Factors {
		if s.Name == factorPrior && s.Detail == "" {
			continue
		}
		share := 0.0
		if total > 0 && s.Name != factorPrior {
			share = 100 * math.Abs(s.LogOdds) / total
		}
		line := fmt.Sprintf("  %-20s %+5.1f %4.0f%%  %s", s.Name, s.LogOdds, share, s.Detail)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, name := range d.Missing {
		fmt.Fprintf(&b, "  %-20s missing\n", name)
	}
	return b.String()
}
