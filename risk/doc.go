// Package risk decides what a login with a right password may do: go on, after a
// verification, after a second factor, or not at all.
//
//	engine, err := risk.New(detector, enforcer, risk.Config{Recorder: log})
//	…
//	// After a wrong password:
//	err = engine.Failed(ctx, login)
//	// After a right one, before the session:
//	decision, err := engine.Evaluate(ctx, login)
//	if err != nil {
//		return err // no decision, no login
//	}
//	switch err := engine.Apply(ctx, decision); {
//	case errors.Is(err, risk.ErrChallenged):
//		// keep the decision in the pending session; when the challenge ends:
//		// engine.Complete(ctx, decision, risk.StepUpPassed)
//	case err != nil:
//		return err // risk.ErrDenied, or a failure
//	default:
//		// make the session
//	}
//
// # Score and action
//
// Each factor adds log-odds, and their sum becomes a score of 0 to 100. The
// scores 20, 50 and 80 stand for cuts that risk/calibrate sets by how many logins
// of genuine users may lie above each; docs/risk has the measured rates. From 20
// on the user confirms by mail, from 50 on he needs a second factor, from 80 on
// the login is denied.
//
// A denial locks people out, so it takes more than a score: strong evidence from
// two sides (place and travel are one side, the device another, activity a third)
// and a history to compare with. Impossible travel alone never denies, and a
// first login never is. At eight times the speed of an airliner it does ask for
// the prompt, however well the device is known: cookies are stolen.
//
// # Factors
//
// From package anomaly: unusual_location, unusual_time, new_device and
// impossible_travel, whose weights are fitted. suspicious_activity counts wrong
// passwords and speed per user, address and network; auth0 takes the assessments
// of Auth0's own Adaptive MFA out of an Action's event. [Networks] makes a factor
// of a list of networks, and [Factor] is the interface for the rest. What is not
// fitted is bounded.
//
// # Learning
//
// Only a login that was allowed, or whose challenge was passed, becomes part of
// the user's profile; all others are quarantined, so that an attacker cannot
// train it. That is why Complete must be called.
package risk
