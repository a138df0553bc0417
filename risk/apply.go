package risk

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
)

// Apply carries out a decision, and returns nil only if the login may go on now.
// It records the decision first: an allowed login that cannot be recorded does not
// go on. Then it
//   - completes a login that is allowed,
//   - starts the challenge and returns ErrChallenged,
//   - or returns ErrDenied, also for the zero Decision.
//
// If a challenge cannot be started, Apply returns an error and the login does not
// go on. In shadow mode Apply records, starts nothing and returns nil. It does not
// learn a login that it would have challenged, because nobody proved it; call
// Complete with [StepUpPassed] if the user did prove who they are.
func (e *Engine) Apply(ctx context.Context, d Decision) error {
	action := d.Action
	recorded := e.record(ctx, d, "risk.apply", action == Allow, reason(action))
	switch {
	case recorded != nil && action.rank() < Deny.rank():
		return recorded
	case action == Allow, e.cfg.Shadow:
		e.learnApplied(ctx, d)
		return nil
	case action == MFARequired:
		return challenged(e.enforcer.RequireMFA(ctx, d))
	case action == PromptVerification:
		return challenged(e.enforcer.SendVerification(ctx, d))
	}
	e.learnApplied(ctx, d)
	return errors.Join(ErrDenied, recorded)
}

func challenged(err error) error {
	if err != nil {
		return fmt.Errorf("risk: start the challenge: %w", err)
	}
	return ErrChallenged
}

func reason(a Action) string {
	if a.rank() == Deny.rank() {
		return string(Deny)
	}
	return string(a)
}

// learnApplied learns what Apply ends. That a profile could not be saved does not
// hold a login up: it is in the audit log, and the next login is compared with
// what was known before.
func (e *Engine) learnApplied(ctx context.Context, d Decision) {
	trust := anomaly.Untrusted
	if d.Action == Allow {
		trust = anomaly.Allowed
	}
	if err := e.assessor.Learn(ctx, d.Login.Attempt, trust); err != nil {
		_ = e.record(ctx, d, "risk.learn", false, "not_learnt") // Best effort: it is the report of a failure.
	}
}

// Complete ends a login that was challenged: with StepUpPassed it is learned as
// the user's, with Refused or Abandoned it goes into quarantine. Call it once per
// Decision. It returns [ErrDenied] and learns nothing if the decision does not
// permit the outcome: a step-up does not undo a denial, and a challenged login
// cannot be Allowed.
func (e *Engine) Complete(ctx context.Context, d Decision, o Outcome) error {
	if o > StepUpPassed {
		return errors.New("risk: complete: unknown outcome")
	}
	proved := o == StepUpPassed || o == Allowed
	denied := d.Action.rank() == Deny.rank() || (o == Allowed && d.Action != Allow)
	if proved && denied && !e.cfg.Shadow {
		return fmt.Errorf("%w: outcome %s does not fit the action %s", ErrDenied, o, reason(d.Action))
	}
	if err := e.record(ctx, d, "risk.complete", proved, o.String()); err != nil && proved {
		return err
	}
	trust := o.trust()
	if o == Allowed && d.Action != Allow {
		trust = anomaly.Untrusted // Shadow mode let it pass; nobody proved it.
	}
	if err := e.assessor.Learn(ctx, d.Login.Attempt, trust); err != nil {
		return fmt.Errorf("risk: complete: %w", err)
	}
	return nil
}

func (e *Engine) record(ctx context.Context, d Decision, action string, ok bool, why string) error {
	event := audit.Event{
		Type: "risk", Action: action, Outcome: audit.Failure, Reason: why, Source: "auth0kit/risk",
		UserAgent: d.Login.UserAgent,
		Metadata:  map[string]string{"score": strconv.Itoa(d.Score), "level": string(d.Level)},
	}
	if d.Login.UserID != "" {
		event.Target = audit.Ref{Kind: "user", ID: d.Login.UserID}
	}
	if ok {
		event.Outcome = audit.Success
	}
	if d.ID != "" {
		event.Metadata["decision"] = d.ID
	}
	if d.Login.IP.IsValid() {
		event.IP = d.Login.IP.WithZone("").String()
	}
	if e.cfg.Shadow {
		event.Metadata["shadow"] = "true"
	}
	return audit.Record(ctx, e.cfg.Recorder, event)
}
