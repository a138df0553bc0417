package risk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Complete ends a challenge of a user, by the decision's ID, once. With
// StepUpPassed its login is learned as the user's, and the caller lets it go on;
// with Refused or Abandoned it goes into quarantine. It believes nothing that a
// client could have changed: what was decided comes from Config.Decisions.
//
// ErrNoDecision is returned when no challenge waits under the id: also the second
// time, after Config.Wait, after Forget, for another user's and for a denial; and for
// a mail after Distrust. Do not let the login go on with any error.
func (e *Engine) Complete(ctx context.Context, userID, decisionID string, o Outcome) error {
	switch o {
	case Abandoned, Refused, StepUpPassed:
	default:
		return fmt.Errorf("risk: complete: outcome %s does not end a challenge", o)
	}
	d, err := e.take(ctx, userID, decisionID, o)
	if err != nil {
		return fmt.Errorf("risk: complete: %w", err)
	}
	passed := o == StepUpPassed
	if passed && d.Action == PromptVerification {
		if err := e.trusted(ctx, d); err != nil {
			_ = e.record(ctx, d, "risk.complete", false, "distrusted") // It is refused anyway.
			return fmt.Errorf("risk: complete: %w", err)
		}
	}
	if err := e.record(ctx, d, "risk.complete", passed, o.String()); err != nil && passed {
		return err
	}
	trust := anomaly.Untrusted
	if passed {
		trust = anomaly.Proved
		e.counter.passed(ctx, e.cfg.Timeout, userID, e.cfg.Now())
	}
	e.learn(ctx, d, trust)
	if passed {
		return e.forgotten(ctx, userID, decisionID)
	}
	return nil
}

// trusted refuses what is not a second factor after Distrust: the mail can have been
// sent before, to a mailbox that was taken over too.
func (e *Engine) trusted(ctx context.Context, d Decision) error {
	within, cancel := e.within(ctx)
	defer cancel()
	a, err := e.assessor.Assess(within, d.learned())
	if err == nil && a.Distrusted {
		err = ErrNoDecision
	}
	return err
}

// forgotten takes back what Complete has learned if Forget came in between: Forget
// removes the records first, so either it finds the profile, or the record is gone
// here.
func (e *Engine) forgotten(ctx context.Context, userID, id string) error {
	within, cancel := e.within(ctx)
	defer cancel()
	records, err := e.cfg.Decisions.List(within, userID)
	if err != nil || len(records) >= MaxRecords || slices.ContainsFunc(records, func(r Record) bool { return r.ID == id }) {
		return nil // It was passed; a store that does not answer now, or lists only later ones, does not undo that.
	}
	if err := e.assessor.Forget(within, userID); err != nil {
		return fmt.Errorf("risk: complete: the user was forgotten meanwhile: %w", err)
	}
	return fmt.Errorf("risk: complete: the user was forgotten meanwhile: %w", ErrNoDecision)
}

// waiting is the record of a decision. What a client sent can be no text, and JSON
// would change it: another device would be learned than the one that logged in.
type waiting struct {
	Decision      Decision
	Device, Agent []byte
}

// keep puts a decision where Complete and History find it. A denial does not wait.
func (e *Engine) keep(ctx context.Context, d Decision, wait time.Duration) error {
	a := d.learned()
	text, err := json.Marshal(waiting{d, []byte(a.DeviceID), []byte(a.UserAgent)})
	if err != nil {
		return fmt.Errorf("risk: keep the decision: %w", err)
	}
	now := e.cfg.Now()
	within, cancel := e.within(ctx)
	defer cancel()
	r := Record{ID: d.ID, At: now, Until: now.Add(wait), Sealed: e.ring.Seal(text, place(d.Login.UserID, d.ID))}
	if err := e.cfg.Decisions.Put(within, d.Login.UserID, r); err != nil {
		return fmt.Errorf("risk: keep the decision: %w", err)
	}
	return nil
}

// place binds a record to its user and id.
func place(userID, id string) []byte { return []byte(userID + "\x00" + id) }

func (e *Engine) take(ctx context.Context, userID, id string, o Outcome) (Decision, error) {
	if userID == "" || id == "" {
		return Decision{}, ErrNoDecision
	}
	within, cancel := e.within(ctx)
	defer cancel()
	sealed, err := e.cfg.Decisions.Take(within, userID, id, o.String(), e.cfg.Now())
	if err != nil {
		return Decision{}, err
	}
	d, err := e.open(userID, id, sealed)
	if err == nil && d.Action.rank() == Deny.rank() {
		return Decision{}, ErrNoDecision
	}
	return d, err
}

var errUnread = errors.New("stored decision does not open; Config.Keys must have the key that sealed it")

func (e *Engine) open(userID, id string, sealed []byte) (Decision, error) {
	text, err := e.ring.Open(sealed, place(userID, id))
	if err != nil {
		return Decision{}, errUnread
	}
	var w waiting
	if err := json.Unmarshal(text, &w); err != nil {
		return Decision{}, fmt.Errorf("%w, or it is damaged", errUnread)
	}
	d := w.Decision
	d.attempt = d.Login.Attempt
	d.attempt.DeviceID, d.attempt.UserAgent = string(w.Device), string(w.Agent)
	return d, nil
}

// History returns the decisions about a user that asked for a challenge or denied a
// login, the newest first, at most MaxRecords. It is for support. Those that do not
// open are left out, with an error beside the rest.
func (e *Engine) History(ctx context.Context, userID string) ([]Decision, error) {
	within, cancel := e.within(ctx)
	defer cancel()
	records, err := e.cfg.Decisions.List(within, userID)
	if err != nil {
		return nil, fmt.Errorf("risk: history: %w", err)
	}
	out := make([]Decision, 0, len(records))
	for _, r := range records {
		d, bad := e.open(userID, r.ID, r.Sealed)
		if bad != nil {
			err = fmt.Errorf("risk: history: %w", bad)
			continue
		}
		d.Ended = r.Outcome
		out = append(out, d)
	}
	return out, err
}

// Export writes what is kept about a user as JSON: the decisions that History has.
// The profile holds hashes and counts, which say nothing to a reader.
func (e *Engine) Export(ctx context.Context, userID string, w io.Writer) error {
	decisions, err := e.History(ctx, userID)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(map[string]any{"decisions": decisions})
}

// Forget erases what is kept about a user: decisions, so that a late Complete does
// nothing, and the profile. Counters hold no address or name in clear and end by
// themselves. It is recorded.
func (e *Engine) Forget(ctx context.Context, userID string) error {
	return e.about(ctx, userID, "risk.forget", func(ctx context.Context) error {
		return errors.Join(e.cfg.Decisions.Delete(ctx, userID), e.assessor.Forget(ctx, userID))
	})
}

// Distrust is for after a takeover, and for resets of a password that can be in
// wrong hands, such as by mail or by support: nothing that was learned about the
// user counts any more, and each login needs a second factor until one was proved.
// History stays. It is recorded.
func (e *Engine) Distrust(ctx context.Context, userID string) error {
	return e.about(ctx, userID, "risk.distrust", func(ctx context.Context) error {
		return e.assessor.Distrust(ctx, userID)
	})
}

func (e *Engine) about(ctx context.Context, userID, action string, do func(context.Context) error) error {
	within, cancel := e.within(ctx)
	defer cancel()
	err, why := do(within), ""
	if err != nil {
		why = "failed"
	}
	recorded := e.record(ctx, newDecision("", Login{Attempt: anomaly.Attempt{UserID: userID}}), action, err == nil, why)
	if err = errors.Join(err, recorded); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

// maxUnlock is how long a recourse can last.
const maxUnlock = 24 * time.Hour

// Unlock is the recourse of a user who was denied and has proved who they are in
// another way: for d, at most a day, a denial is MFARequired instead. proof names
// the way for the audit log, such as "ticket 4711, passport seen"; it has 1 to 200
// bytes and no personal data. It is recorded before it holds.
func (e *Engine) Unlock(ctx context.Context, userID, proof string, d time.Duration) error {
	if proof == "" || len(proof) > maxDetail {
		return errors.New("risk: unlock: proof must have 1 to 200 bytes; it says in the audit log how the user proved who they are")
	}
	if d <= 0 || d > maxUnlock {
		return errors.New("risk: unlock: d must lie between 0 and 24 h")
	}
	event := e.event(newDecision("", Login{Attempt: anomaly.Attempt{UserID: userID}}), "risk.unlock", true, "")
	event.Metadata = map[string]string{"proof": proof, "minutes": strconv.Itoa(int(d.Minutes()))}
	if err := e.note(ctx, event); err != nil {
		return err
	}
	within, cancel := e.within(ctx)
	defer cancel()
	if err := e.assessor.Unlock(within, userID, e.cfg.Now().Add(d)); err != nil {
		return fmt.Errorf("risk: unlock: %w", err)
	}
	return nil
}
