package risk

import (
	"context"
	"fmt"
	"iter"
)

// Past holds a past login and how it ended. Refused means a wrong password.
type Past struct {
	Login   Login
	Outcome Outcome
}

// Report holds what an engine would have done.
type Report struct {
	Logins   int            // Those with the right password; the rest were counted by Failed.
	Refused  int            // Wrong passwords.
	ByPolicy int            // Logins that Config.OnNewDevice alone challenged.
	First    int            // Logins without a history, by users or before the profile was kept.
	Actions  map[Action]int // Of Logins.
	Scores   [101]int       // How many logins had each score.
}

// Share returns the share of all logins, 0 to 1, that would have had an action.
func (r Report) Share(a Action) float64 {
	if r.Logins == 0 {
		return 0
	}
	return float64(r.Actions[a]) / float64(r.Logins)
}

// Cut returns the lowest score that at most the given share (0 to 1) of the logins
// reach: the value for Bands with that budget of challenges. It returns 101 if a
// larger share reaches 100.
func (r Report) Cut(share float64) int {
	cut, above := 101, 0
	for score := 100; score >= 0; score-- {
		above += r.Scores[score]
		if float64(above) > share*float64(r.Logins) {
			break
		}
		cut = score
	}
	return cut
}

// Replay runs history, which must be in order of time, through the engine: each
// login is evaluated against the earlier ones, and learned if it was proved.
// Nothing is enforced or recorded. Replay fills the engine's stores. Use a
// separate engine over anomaly.NewMemory to see what Bands would do before you
// enforce them, or an engine over the real store to start with a history.
func (e *Engine) Replay(ctx context.Context, history iter.Seq2[Past, error]) (Report, error) {
	r := Report{Actions: make(map[Action]int)}
	for past, err := range history {
		if err != nil {
			return r, fmt.Errorf("risk: replay: %w", err)
		}
		if past.Outcome == Refused {
			r.Refused++
			if err := e.Failed(ctx, past.Login); err != nil {
				return r, err
			}
			continue
		}
		d, err := e.Evaluate(ctx, past.Login)
		if err != nil {
			return r, fmt.Errorf("risk: replay login %d: %w", r.Logins+1, err)
		}
		r.count(d)
		if err := e.assessor.Learn(ctx, d.learned(), past.Outcome.trust()); err != nil {
			return r, fmt.Errorf("risk: replay login %d: %w", r.Logins, err)
		}
	}
	return r, nil
}

func (r *Report) count(d Decision) {
	r.Logins++
	r.Actions[d.Action]++
	r.Scores[max(0, min(100, d.Score))]++
	if d.ByPolicy {
		r.ByPolicy++
	}
	if d.First {
		r.First++
	}
}
