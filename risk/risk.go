package risk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// ErrDenied says that the login must not go on.
var ErrDenied = errors.New("risk: denied")

// ErrChallenged says that the login must not go on now: a challenge was started,
// and the request that ends it calls Complete.
var ErrChallenged = errors.New("risk: challenged")

// Assessor is *anomaly.Detector.
type Assessor interface {
	Assess(ctx context.Context, a anomaly.Attempt) (anomaly.Assessment, error)
	Learn(ctx context.Context, a anomaly.Attempt, t anomaly.Trust) error
}

// Enforcer starts challenges. It returns once one is under way; Apply then
// returns ErrChallenged. It is called at most once per Apply.
type Enforcer interface {
	RequireMFA(ctx context.Context, d Decision) error
	SendVerification(ctx context.Context, d Decision) error
}

// Factor is evidence of the user's own: log-odds, above zero where it speaks
// against the login, and a detail for people without personal data. What it
// returns beyond ±MaxFactor is cut. An error makes the factor missing, which
// Config.OnMissing answers. It is safe for concurrent use.
type Factor interface {
	Name() string // Lower case, "impossible_payment"; not that of a built-in factor.
	Assess(ctx context.Context, l Login) (logOdds float64, detail string, err error)
}

// MaxFactor bounds the log-odds of a Factor: one alone cannot turn a login of a
// known user into a denial, or an attack into an allowed login.
const MaxFactor = 3.0

// Counters count events and distinct members in windows. MemoryCounters is one
// in this process, package redisrisk has one for several. It is safe for
// concurrent use. Keys hold user ids and addresses. In Redis they
// are gone two windows after their last event, which is two hours for what an
// Engine counts, so erasing a user needs no call here.
type Counters interface {
	// Add counts each item and returns its tally afterwards, in order, in one
	// round trip. An item without a Member adds nothing and is read only.
	Add(ctx context.Context, items []Count) ([]Tally, error)
}

// Count is one event to count.
type Count struct {
	Key    string        // What is counted: at most 512 bytes.
	Member string        // Who did it, counted once. Empty: read only.
	Window time.Duration // Sliding: how far back the tally looks. At least a second, and always the same for one Key.
	At     time.Time     // When it happened.
}

// Tally is what a window holds. Both are estimates: events of the part of the
// window that lies in the bucket before are taken as evenly spread, and members
// are counted by HyperLogLog.
type Tally struct{ Events, Members int }

// Login is an anomaly.Attempt whose password was right, and what goes with it.
type Login struct {
	anomaly.Attempt
	Email     string            `json:",omitempty"` // For Enforcer.SendVerification.
	SessionID string            `json:",omitempty"` // For the caller.
	Auth0     map[string]string `json:",omitempty"` // Assessor to confidence, from ParseAuth0.
}

// Format names the user only.
func (l Login) Format(f fmt.State, _ rune) { secret.Format(f, l) }

// LogValue names the user only.
func (l Login) LogValue() slog.Value { return secret.Shown(slog.String("user", l.UserID)) }

// Action is what is to happen. The zero Action is Deny.
type Action string

// The actions, from the strictest.
const (
	Deny               Action = "deny"
	MFARequired        Action = "mfa_required"
	PromptVerification Action = "prompt_verification"
	Allow              Action = "allow"
)

// rank orders actions; what is not one is Deny.
func (a Action) rank() int {
	switch a {
	case Allow:
		return 0
	case PromptVerification:
		return 1
	case MFARequired:
		return 2
	}
	return 3
}

// Level is the band of a score, with the same cuts as Action.
type Level string

// The levels.
const (
	Low      Level = "low"
	Medium   Level = "medium"
	High     Level = "high"
	Critical Level = "critical"
)

// Outcome is how a login ended. The zero Outcome is Abandoned.
type Outcome uint8

// The outcomes. Only Allowed and StepUpPassed prove a login, and only where the
// decision asked for no more.
const (
	Abandoned    Outcome = iota // The challenge was not answered.
	Refused                     // The challenge failed, or the login was denied.
	Allowed                     // It went on without a challenge.
	StepUpPassed                // It went on after the challenge.
)

var outcomes = [...]string{"abandoned", "refused", "allowed", "step_up_passed"}

// String is "abandoned", "refused", "allowed" or "step_up_passed".
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// trust is how far an outcome proves a login.
func (o Outcome) trust() anomaly.Trust {
	if o == Allowed || o == StepUpPassed {
		return anomaly.Proved
	}
	return anomaly.Untrusted
}

// Bands are the scores at which the next action begins; they rise.
type Bands struct{ Prompt, MFA, Deny int }

// Decision is what Evaluate found. It is JSON, because a challenge ends in
// another request; keep it where the client cannot change it (the session), since
// Complete believes it.
type Decision struct {
	ID      string   `json:"id"`
	Login   Login    `json:"login"`
	Score   int      `json:"score"` // 0..100
	Level   Level    `json:"level"`
	Action  Action   `json:"action"`
	Factors []Share  `json:"factors"`           // In fixed order: the built-in ones, then Config.Factors.
	Missing []string `json:"missing,omitempty"` // Factors that failed.
	First   bool     `json:"first,omitempty"`   // The user had no history.
}

// Share is what one factor adds. Detail is for people.
type Share struct {
	Name    string  `json:"name"`
	LogOdds float64 `json:"log_odds"`
	Detail  string  `json:"detail,omitempty"`
}

// LogValue leaves the login's address, agent and email out.
func (d Decision) LogValue() slog.Value {
	return secret.Shown(slog.String("id", d.ID), slog.String("user", d.Login.UserID), slog.Int("score", d.Score),
		slog.String("action", string(d.Action)))
}

// Format prints what LogValue logs, for every verb.
func (d Decision) Format(f fmt.State, _ rune) { secret.Format(f, d) }
