package auth0logs

import "github.com/auth0kit/auth0kit/audit"

// Actor says who acts in the entries of a code.
type Actor uint8

// The actors.
const (
	ByUser     Actor = iota // The user of the entry.
	ByClient                // The application of the entry.
	ByAdmin                 // Whoever called the Management API or used the dashboard.
	ByDelegate              // A delegate or an agent, in the place of the user.
	ByAnyone                // Somebody who is not known.
	BySystem                // Auth0 itself.
)

// Code is what one of Auth0's codes means.
type Code struct {
	Code     string
	Class    string // Type of the event: "login", "mfa", "factor", "token", "admin", …
	Outcome  audit.Outcome
	Reason   string // Of a failure.
	Actor    Actor
	Doubtful bool   // Its published category and name leave the outcome open.
	Verdict  string // Why it is read so, for every doubtful code and where the category misleads.
}
