package risk

import (
	"math"

	"github.com/auth0kit/auth0kit/anomaly"
)

// scoreMarks are the scores of a model's three cuts.
var scoreMarks = [3]float64{20, 50, 80}

// score maps log-odds to 0..100: straight between the cuts, which stand for 20,
// 50 and 80, and levelling off outside of them. It never falls with rising odds.
func score(logOdds float64, cuts [3]float64) int {
	s := 0.0
	switch {
	case math.IsNaN(logOdds):
		s = 100
	case logOdds < cuts[0]:
		s = scoreMarks[0] * math.Exp((logOdds-cuts[0])/2)
	case logOdds >= cuts[2]:
		s = 100 - (100-scoreMarks[2])*math.Exp((cuts[2]-logOdds)/2)
	default:
		i := 0
		if logOdds >= cuts[1] {
			i = 1
		}
		share := (logOdds - cuts[i]) / (cuts[i+1] - cuts[i])
		s = scoreMarks[i] + share*(scoreMarks[i+1]-scoreMarks[i])
	}
	return int(s + 1e-9)
}

func (b Bands) action(score int) Action {
	switch {
	case score >= b.Deny:
		return Deny
	case score >= b.MFA:
		return MFARequired
	case score >= b.Prompt:
		return PromptVerification
	}
	return Allow
}

// floor is the least score whose action is a.
func (b Bands) floor(a Action) int {
	switch a {
	case Allow:
		return 0
	case PromptVerification:
		return b.Prompt
	case MFARequired:
		return b.MFA
	}
	return b.Deny
}

var levels = map[Action]Level{Allow: Low, PromptVerification: Medium, MFARequired: High, Deny: Critical}

// strong is when a factor may count towards a denial: odds of seven to one.
const strong = 2.0

// The built-in factors beside anomaly's four.
const (
	factorPrior    = "prior"
	factorActivity = "suspicious_activity"
	factorHeld     = "refused_before"
	factorAuth0    = "auth0"
	factorRefused  = "refused_challenges"
	factorState    = "distrusted"
	factorAddress  = "address"
)

// side is which facts a built-in factor rests on: two factors on one side are no
// independent evidence. Where the user is and how he got there is one side;
// Auth0's assessors see the same facts as ours and count for no side; lists of
// networks are too coarse to.
var side = map[string]string{
	anomaly.UnusualLocation.String():  "network",
	anomaly.ImpossibleTravel.String(): "network",
	anomaly.NewDevice.String():        "device",
	anomaly.UnusualTime.String():      "time",
	factorActivity:                    "activity",
	factorHeld:                        "activity",
	factorAuth0:                       "",
	factorRefused:                     "",
	factorState:                       "",
	factorAddress:                     "",
	factorPrior:                       "",
}

// deniable reports whether strong evidence comes from two sides at least.
func deniable(shares []Share) bool {
	found := map[string]bool{}
	for _, s := range shares {
		name, builtIn := side[s.Name]
		if !builtIn {
			name = s.Name
		}
		if name != "" && s.LogOdds >= strong {
			found[name] = true
		}
	}
	return len(found) >= 2
}
