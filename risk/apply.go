package risk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
)

// Apply carries out a decision, and returns nil only if the login may go on now.
// It records the decision first: an allowed login that cannot be recorded does not
// go on. Then it
//   - completes a login that is allowed, or whose challenge Login.MFA has answered,
//   - starts the challenge, has it wait for Complete, and returns ErrChallenged,
//   - or returns ErrDenied, also for the zero Decision.
//
// If a challenge cannot be started or kept, Apply returns an error and the login
// does not go on, and counts for the minute alone. Each challenge counts until it is
// passed: beyond
// Config.MaxRefused within a day, or three in a minute, Apply denies, starts nothing
// and, the first time, calls Config.Notify. Unlock does not lift the bound of a
// minute.
//
// In shadow mode Apply records, starts nothing and returns nil. It learns what
// enforcement would have learned if everybody had passed, so its rates are those of
// enforcement; who is let in by it can become known. Call Distrust where a takeover
// is found.
func (e *Engine) Apply(ctx context.Context, d Decision) error {
	if d.Action.rank() == Deny.rank() {
		return e.deny(ctx, d)
	}
	challenge := d.Action != Allow
	answered := challenge && d.Login.MFA
	if challenge && !answered && !e.cfg.Shadow {
		if open := e.counter.start(ctx, e.cfg.Timeout, d.Login.UserID, e.cfg.Now()); e.tooMany(d, open) {
			d.Action, d.Level = Deny, Critical
			d.refused = open.open >= e.cfg.MaxRefused
			return e.deny(ctx, d)
		}
	}
	why := string(d.Action)
	if answered {
		why = StepUpPassed.String()
	}
	if err := e.record(ctx, d, "risk.apply", !challenge || answered, why); err != nil {
		return err
	}
	if challenge && !answered {
		return e.challenge(ctx, d)
	}
	trust := anomaly.Allowed
	if answered {
		trust = anomaly.Proved
		e.counter.passed(ctx, e.cfg.Timeout, d.Login.UserID, e.cfg.Now())
	}
	e.learn(ctx, d, trust)
	return nil
}

func (e *Engine) tooMany(d Decision, open challenges) bool {
	return open.lately >= maxLately || open.open >= e.cfg.MaxRefused && !d.unlocked
}

// challenge starts it; in shadow mode it takes it for passed.
func (e *Engine) challenge(ctx context.Context, d Decision) error {
	if e.cfg.Shadow {
		_ = e.keep(ctx, d, 0) // for History alone
		e.learn(ctx, d, anomaly.Proved)
		return nil
	}
	if err := e.keep(ctx, d, e.cfg.Wait); err != nil {
		e.counter.passed(ctx, e.cfg.Timeout, d.Login.UserID, e.cfg.Now()) // nobody was asked
		return err
	}
	if e.cfg.Enforcer == nil {
		return ErrChallenged
	}
	start := e.cfg.Enforcer.RequireMFA
	if d.Action == PromptVerification {
		start = e.cfg.Enforcer.SendVerification
	}
	if err := start(ctx, d); err != nil {
		e.counter.passed(ctx, e.cfg.Timeout, d.Login.UserID, e.cfg.Now()) // nobody was asked
		return fmt.Errorf("risk: start the challenge: %w", err)
	}
	return ErrChallenged
}

// deny records, and quarantines the login. A store that fails changes nothing.
func (e *Engine) deny(ctx context.Context, d Decision) error {
	recorded := e.record(ctx, d, "risk.apply", false, string(Deny))
	if d.ID != "" && d.Login.UserID != "" && e.counter.few(ctx, e.cfg.Timeout, d.Login.UserID, e.cfg.Now(), max(time.Hour, e.cfg.Wait)) {
		_ = e.keep(ctx, d, 0) // for History alone
	}
	e.learn(ctx, d, anomaly.Untrusted)
	if e.cfg.Shadow {
		return nil
	}
	if d.refused && e.cfg.Notify != nil && e.counter.once(ctx, e.cfg.Timeout, d.Login.UserID, e.cfg.Now()) {
		e.cfg.Notify(ctx, d)
	}
	return errors.Join(ErrDenied, recorded)
}

func reason(a Action) string {
	if a.rank() == Deny.rank() {
		return string(Deny)
	}
	return string(a)
}

// learn learns what has ended. That a profile could not be saved does not hold a
// login up: it is in the audit log, and the next login is compared with what was
// known before.
func (e *Engine) learn(ctx context.Context, d Decision, trust anomaly.Trust) {
	within, cancel := e.within(ctx)
	defer cancel()
	if err := e.assessor.Learn(within, d.learned(), trust); err != nil {
		_ = e.record(ctx, d, "risk.learn", false, "not_learnt") // Best effort: it is the report of a failure.
	}
}

func (e *Engine) record(ctx context.Context, d Decision, action string, ok bool, why string) error {
	return e.note(ctx, e.event(d, action, ok, why))
}

func (e *Engine) note(ctx context.Context, event audit.Event) error {
	within, cancel := e.within(ctx)
	defer cancel()
	return audit.Record(within, e.cfg.Recorder, event)
}

func (e *Engine) event(d Decision, action string, ok bool, why string) audit.Event {
	event := audit.Event{
		Type: "risk", Action: action, Outcome: audit.Failure, Reason: why, Source: "auth0kit/risk",
		UserAgent: d.Login.UserAgent,
		Metadata:  map[string]string{},
	}
	if d.Login.UserID != "" {
		event.Target = audit.Ref{Kind: "user", ID: d.Login.UserID}
	}
	if ok {
		event.Outcome = audit.Success
	}
	if d.Level != "" {
		event.Metadata["score"], event.Metadata["level"] = strconv.Itoa(d.Score), string(d.Level)
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
	return event
}

// Failed counts a login with a wrong password or to an account that does not
// exist. Such a login is never learned, and one from the future counts now. With the name that was tried as Email, it
// counts for the account of that address, whatever UserID says.
func (e *Engine) Failed(ctx context.Context, l Login) error {
	if l.UserID == "" {
		return errors.New("risk: failed: Login.UserID must be set, if only to the name that was tried")
	}
	if l.Time.IsZero() {
		return errors.New("risk: failed: Login.Time must be set")
	}
	l.UserID = l.UserID[:min(len(l.UserID), 255)]
	if now := e.cfg.Now(); l.Time.After(now) {
		l.Time = now // Else it would count until then.
	}
	within, cancel := e.within(ctx)
	defer cancel()
	items, _ := e.counter.items(l, true, userOf(l))
	if _, err := e.cfg.Counters.Add(within, items); err != nil {
		return fmt.Errorf("risk: failed: %w", err)
	}
	return nil
}

// Health returns what was seen in the last hour. Export it as a metric, and look at
// Problems after a deployment: an engine that is blind looks calm.
func (e *Engine) Health() Health { return e.health.read(e.cfg.Now()) }
