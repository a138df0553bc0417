package risk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What Auth0's confidences add: they are confidence that the login is the user's,
// so low is risk. High adds nothing: these assessors see what our factors see, and
// must not speak twice for a login. The sum is bounded for the same reason.
var auth0Odds = map[string]float64{"low": 0.8, "medium": 0.3, "neutral": 0, "high": 0}

const (
	maxAuth0     = 1.5
	notAvailable = "assessment_not_available"
)

// auth0Share adds Auth0's own assessments. One that was not available is missing
// evidence and not a failed factor: Auth0 says low then.
func auth0Share(d *Decision) float64 {
	if len(d.Login.Auth0) == 0 {
		return 0
	}
	sum := 0.0
	var details []string
	for _, assessor := range slices.Sorted(maps.Keys(d.Login.Auth0)) {
		confidence := strings.ToLower(d.Login.Auth0[assessor])
		if odds := auth0Odds[confidence]; odds > 0 {
			sum += odds
			details = append(details, assessor+" "+confidence)
		}
	}
	sum = min(sum, maxAuth0)
	d.add(factorAuth0, sum, strings.Join(details, ", "))
	return sum
}

// ParseAuth0 reads the risk assessment that Auth0 shows to a post-login Action as
// event.authentication.riskAssessment, for Login.Auth0. It takes assessor and
// confidence; an assessor whose code is assessment_not_available is left out. For
// null, which Auth0 sends if the tenant's plan has no assessments, it returns
// none.
//
// Source: Auth0 docs, "Customize Adaptive MFA" and "Actions Triggers: post-login".
func ParseAuth0(riskAssessment []byte) (map[string]string, error) {
	var in struct {
		Assessments map[string]struct{ Confidence, Code string }
	}
	if err := json.Unmarshal(riskAssessment, &in); err != nil {
		return nil, fmt.Errorf("risk: riskAssessment is not the JSON of a post-login event: %w", err)
	}
	out := make(map[string]string, len(in.Assessments))
	for name, a := range in.Assessments {
		if a.Code != notAvailable && a.Confidence != "" {
			out[name] = a.Confidence
		}
	}
	return out, nil
}
