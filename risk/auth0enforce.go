package risk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/auth0kit/auth0kit/management/resource"
)

// VerificationMailer has Auth0 send the mail that verifies a user's address.
// *management.Client implements it, with the permission update:users.
type VerificationMailer interface {
	SendVerificationEmail(ctx context.Context, userID string) error
}

// Auth0Enforcer returns an Enforcer for services whose users sign in at Auth0.
// PromptVerification sends Auth0's verification mail, and [Engine.FollowAuth0]
// completes the challenge when its link was opened. MFARequired starts nothing here:
// on ErrChallenged, return login.ErrMFARequired from session/login's OnLogin, and
// Auth0 asks for the second factor.
func Auth0Enforcer(m VerificationMailer) (Enforcer, error) {
	if m == nil {
		return nil, errors.New("risk: mailer must not be nil; *management.Client is one")
	}
	return auth0Enforcer{m}, nil
}

type auth0Enforcer struct{ mail VerificationMailer }

// RequireMFA implements Enforcer.
func (auth0Enforcer) RequireMFA(context.Context, Decision) error { return nil }

// SendVerification implements Enforcer.
func (a auth0Enforcer) SendVerification(ctx context.Context, d Decision) error {
	return a.mail.SendVerificationEmail(ctx, d.Login.UserID)
}

// Auth0Logs yields the entries of Auth0's tenant log after the one with the id from.
// *management.Client implements it, with the permission read:logs.
type Auth0Logs interface {
	Logs(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error]
}

// FollowAuth0 takes from Auth0's tenant log what a service with Universal Login does
// not see itself: wrong passwords and unknown users ("fp", "fu"), which count as with
// Failed, and opened links of verification mails ("sv"), which complete the user's
// newest challenge of PromptVerification before, if it waits. A link counts only from
// the address of the challenged login: one that a user opens at home lets nobody in
// elsewhere. The user then signs in again. Entries that cannot be are left out.
//
// It reads up to the newest entry and returns the id of the last one that was taken,
// or from if there was none, also with an error: keep it for the next call, some
// seconds later. Entries that are read twice are counted twice. Errors are those of
// logs and of the stores.
func (e *Engine) FollowAuth0(ctx context.Context, logs Auth0Logs, from string) (next string, err error) {
	for entry, err := range logs.Logs(ctx, from) {
		if err != nil {
			return from, fmt.Errorf("risk: follow Auth0: %w", err)
		}
		if l, ok := loginOf(entry); ok {
			if err := e.follow(ctx, entry.Type, l); err != nil {
				return from, fmt.Errorf("risk: follow Auth0: entry %s: %w", entry.ID, err)
			}
		}
		from = cmp.Or(entry.ID, from)
	}
	return from, nil
}

func (e *Engine) follow(ctx context.Context, kind string, l Login) error {
	switch kind {
	case "fp", "fu":
		return e.Failed(ctx, l)
	case "sv":
		return e.verified(ctx, l)
	}
	return nil
}

// verified completes the challenge that a mail's link answers: the newest from there.
// If that has ended, the link was read twice, and answers none of those before it.
func (e *Engine) verified(ctx context.Context, opened Login) error {
	decisions, err := e.History(ctx, opened.UserID)
	if err != nil && !errors.Is(err, errUnread) {
		return err
	}
	from := addressOf(opened)
	for _, d := range decisions {
		age := opened.Time.Sub(d.Login.Time)
		if d.Action != PromptVerification || from == "" || addressOf(d.Login) != from || age < 0 || age > e.cfg.Wait {
			continue
		}
		if err := e.Complete(ctx, opened.UserID, d.ID, StepUpPassed); !errors.Is(err, ErrNoDecision) {
			return err
		}
		return nil
	}
	return nil
}
