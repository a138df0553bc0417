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

// ErrDenied is returned when the login must not go on. It has a method Denied, by which
// package session/login knows it for a decision.
var ErrDenied error = deniedError{}

type deniedError struct{}

func (deniedError) Error() string { return "risk: denied" }
func (deniedError) Denied() bool  { return true }

// ErrChallenged is returned when the user has to prove who they are and the login
// must not go on now. The request that ends the challenge calls Complete.
var ErrChallenged = errors.New("risk: challenged")

// ErrNoDecision is returned when no challenge of the user waits under an id: it was
// ended before, is too old, was forgotten, or is another user's.
var ErrNoDecision = errors.New("risk: no such decision waits")

// Assessor assesses and learns logins, and forgets and distrusts what it has
// learned. *anomaly.Detector implements it.
type Assessor interface {
	Assess(ctx context.Context, a anomaly.Attempt) (anomaly.Assessment, error)
	Learn(ctx context.Context, a anomaly.Attempt, t anomaly.Trust) error
	Forget(ctx context.Context, userID string) error
	Distrust(ctx context.Context, userID string) error
	Unlock(ctx context.Context, userID string, until time.Time) error
}

// Enforcer starts challenges. A method returns once the challenge has started;
// Apply then returns ErrChallenged. Apply calls it at most once, and at most
// Config.MaxRefused times in a row for one user.
type Enforcer interface {
	RequireMFA(ctx context.Context, d Decision) error
	SendVerification(ctx context.Context, d Decision) error
}

// Factor is evidence that you add. Assess returns log-odds, above zero if they
// speak against the login, and a readable detail without personal data. Log-odds
// beyond ±MaxFactor are cut. With an error the factor is missing, and
// Config.OnMissing applies. Implementations are safe for concurrent use.
type Factor interface {
	Name() string // Lower case, "impossible_payment"; not that of a built-in factor.
	Assess(ctx context.Context, l Login) (logOdds float64, detail string, err error)
}

// MaxFactor bounds the log-odds of a Factor. One factor alone cannot turn a login
// of a known user into a denial, or an attack into an allowed login.
const MaxFactor = 3.0

// Counters counts events and distinct members in windows. MemoryCounters is for
// one process, package redisrisk for several. Implementations are safe for
// concurrent use. An Engine's keys are
// HMACs and its members user ids. In Redis they are gone two windows after their
// last event, at most two days, so erasing a user needs no call here.
type Counters interface {
	// Add counts each item and returns the tallies afterwards, in the order of items,
	// in one round trip. An item without a Member is not counted; its tally is only
	// read.
	Add(ctx context.Context, items []Count) ([]Tally, error)
}

// Count holds one event to count.
type Count struct {
	Key    string        // What is counted; at most 512 bytes.
	Member string        // Who did it, counted once. Empty only reads the tally.
	Window time.Duration // How far back the sliding tally looks; at least a second, and always the same for one Key.
	At     time.Time     // When it happened.
}

// Tally holds the counts of a window. Both are estimates: events in the part of
// the window that lies in the previous bucket are assumed to be evenly spread, and
// members are counted by HyperLogLog.
type Tally struct{ Events, Members int }

// Login holds an anomaly.Attempt to evaluate and what belongs to it.
type Login struct {
	anomaly.Attempt
	MFA       bool              `json:",omitempty"` // A second factor was proved with this login: it needs no other, but may be denied.
	Email     string            `json:",omitempty"` // For Enforcer.SendVerification.
	SessionID string            `json:",omitempty"` // For the caller.
	Auth0     map[string]string `json:",omitempty"` // Assessor to confidence, from ParseAuth0.
}

// Format shows only the user.
func (l Login) Format(f fmt.State, _ rune) { secret.Format(f, l) }

// LogValue shows only the user. Log values one by one: slog's JSON handler prints
// everything inside of a slice, a map or another struct.
func (l Login) LogValue() slog.Value { return secret.Shown(slog.String("user", l.UserID)) }

// Action says what happens to a login. The zero Action counts as Deny.
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

// Outcome says how a login ended. The zero Outcome is Abandoned.
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

// String returns "abandoned", "refused", "allowed" or "step_up_passed".
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// trust is how far an outcome proves a login.
func (o Outcome) trust() anomaly.Trust {
	switch o {
	case Allowed:
		return anomaly.Allowed
	case StepUpPassed:
		return anomaly.Proved
	}
	return anomaly.Untrusted
}

// Bands holds the scores at which the next action begins, in rising order.
type Bands struct{ Prompt, MFA, Deny int }

// Decision holds the result of Evaluate. Its texts are bounded, and the device id
// is not in it. Hand it to Apply as it is; a challenge is completed by its ID.
type Decision struct {
	ID       string   `json:"id"`
	Login    Login    `json:"login"` // Without DeviceID.
	Score    int      `json:"score"` // 0..100
	Level    Level    `json:"level"`
	Action   Action   `json:"action"`
	Factors  []Share  `json:"factors"`             // In fixed order: the built-in ones, then Config.Factors.
	Missing  []string `json:"missing,omitempty"`   // Factors that failed, and "address".
	First    bool     `json:"first,omitempty"`     // The user had no history.
	ByPolicy bool     `json:"by_policy,omitempty"` // Config.OnNewDevice raised the action.
	Ended    string   `json:"ended,omitempty"`     // In Engine.History: how the challenge ended, as Outcome.String; empty: it waits, or there was none.

	attempt  anomaly.Attempt // with the device id
	unlocked bool            // by Unlock
	refused  bool            // MaxRefused is reached
}

// Share holds what one factor adds. Detail is for people to read. Seen and Usual
// are of the four factors of package anomaly: what the login had, and what the user
// usually has where that differs.
type Share struct {
	Name    string  `json:"name"`
	LogOdds float64 `json:"log_odds"`
	Detail  string  `json:"detail,omitempty"`
	Seen    string  `json:"seen,omitempty"` // "NO", "09:00", "Chrome/Windows"; empty if it is not known.
	Usual   string  `json:"usual,omitempty"`
}

// LogValue leaves out the login's address, agent and email, but for slices, maps and
// structs of decisions: slog's JSON handler prints everything inside of those.
func (d Decision) LogValue() slog.Value {
	return secret.Shown(slog.String("id", d.ID), slog.String("user", d.Login.UserID), slog.Int("score", d.Score),
		slog.String("action", string(d.Action)))
}

// Format prints what LogValue logs, for every verb.
func (d Decision) Format(f fmt.State, _ rune) { secret.Format(f, d) }
