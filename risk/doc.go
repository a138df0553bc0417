// Package risk decides for a login service what happens to a login with the right
// password: it is allowed, needs a verification or a second factor, or is denied.
//
//	package main
//
//	import (
//		"context"
//		"encoding/base64"
//		"errors"
//		"fmt"
//		"log"
//		"net/http"
//		"net/netip"
//		"os"
//		"time"
//
//		"github.com/auth0kit/auth0kit/anomaly"
//		"github.com/auth0kit/auth0kit/risk"
//	)
//
//	// challenges starts what the user has to do: a push, a mail.
//	type challenges struct{}
//
//	func (challenges) RequireMFA(ctx context.Context, d risk.Decision) error       { return nil }
//	func (challenges) SendVerification(ctx context.Context, d risk.Decision) error { return nil }
//
//	func main() {
//		key, err := base64.StdEncoding.DecodeString(os.Getenv("RISK_KEY")) // openssl rand -base64 32
//		if err != nil {
//			log.Fatal(err)
//		}
//		detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{key}, anomaly.Config{}) // Geo: see package geoip
//		if err != nil {
//			log.Fatal(err)
//		}
//		engine, err := risk.New(detector, risk.Config{Enforcer: challenges{}})
//		if err != nil {
//			log.Fatal(err)
//		}
//		// A login whose password was right. For a wrong one call engine.Failed.
//		http.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
//			address, _ := netip.ParseAddrPort(r.RemoteAddr)
//			decision, err := engine.Evaluate(r.Context(), risk.Login{Attempt: anomaly.Attempt{
//				UserID: "auth0|42", Time: time.Now(), IP: address.Addr(), UserAgent: r.UserAgent(),
//			}})
//			if err == nil {
//				err = engine.Apply(r.Context(), decision)
//			}
//			switch {
//			case err == nil:
//				fmt.Fprintln(w, "welcome") // create the session here
//			case errors.Is(err, risk.ErrChallenged):
//				// Keep decision.ID in the pending session. When the challenge ends, call
//				// engine.Complete(ctx, "auth0|42", id, risk.StepUpPassed).
//				http.Error(w, "confirm it is you", http.StatusForbidden)
//			case errors.Is(err, risk.ErrDenied):
//				http.Error(w, "login denied", http.StatusForbidden)
//			default: // no decision, no login
//				http.Error(w, "try again later", http.StatusServiceUnavailable)
//			}
//		})
//		log.Fatal(http.ListenAndServe(":8080", nil))
//	}
//
// # Score and action
//
// Each factor adds log-odds, and their sum becomes a score of 0 to 100. From a
// score of 20 the user confirms by email, from 50 they provide a second factor,
// and from 80 the login is denied. These scores stand for cuts that risk/calibrate
// sets by how many logins of genuine users may lie above each; docs/risk has the
// measured rates.
//
// A denial locks users out, so it takes more than a score: strong evidence from
// two sides (place and travel are one side, the device another, activity a third)
// and a history to compare with. Impossible travel alone never denies a login, and
// a first login is never denied. At eight times the speed of an airliner even a
// known device gets the prompt, because cookies are stolen.
//
// # Factors
//
// From package anomaly: unusual_location, unusual_time, new_device and
// impossible_travel, whose weights are fitted. suspicious_activity counts wrong
// passwords and the rate of logins per user, address and network; auth0 uses the
// assessments of Auth0's own Adaptive MFA from an Action's event. [Networks] makes
// a factor of a list of networks, and [Factor] is the interface for your own.
// Factors that are not fitted are bounded.
//
// # Learning
//
// Only a login that was allowed, or whose challenge was passed, becomes part of
// the user's profile; all others are quarantined, so that an attacker cannot train
// it. Therefore call [Engine.Complete] when a challenge ends.
//
// # Challenges
//
// A challenge waits in Config.Decisions and ends once, by its id; a client carries
// nothing that counts. Each one counts until it is passed: an attacker with the
// right password gets three pushes in a minute and Config.MaxRefused in a day, then
// what needs a challenge is denied and Config.Notify is called. The user's usual
// logins need none and go on. [Engine.Unlock] is the recourse of those who were
// denied.
//
// # Blindness
//
// A store that does not answer within Config.Timeout, a factor that fails and an
// address that is missing, private or not routed are Missing, and
// Config.OnMissing applies. [Engine.Health] says how much the engine sees. After a
// takeover, or a reset of a password that can be in wrong hands, call
// [Engine.Distrust].
package risk
