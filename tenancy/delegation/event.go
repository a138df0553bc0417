package delegation

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"unicode"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

const source = "auth0kit/tenancy/delegation"

// origin is what belongs to all events of one plan.
type origin struct{ plan, from string }

// record records what is about to happen (Unknown), what happened, or what was
// refused.
func (a *Admin) record(ctx context.Context, orgID string, by origin, c *Change, outcome audit.Outcome, why string) error {
	kind := cmp.Or(c.wanted, c.Kind)
	info := kinds[kind]
	if outcome == audit.Success && c.stays {
		why, info.after = c.Reason, info.before
	}
	e := audit.Event{
		Type: "delegation", Action: "delegation." + cmp.Or(info.verb, kinds[kindRefused].verb), Actor: a.actor.ref(), Target: c.target(orgID),
		Outcome: outcome, Reason: why, Organization: orgID, Source: source, Metadata: map[string]string{"role": c.RoleID},
	}
	for key, value := range map[string]string{
		"before": info.before, "after": info.after, "plan": by.plan, "from": by.from, "invitation": c.InvitationID, "user": c.UserID,
	} {
		if value != "" {
			e.Metadata[key] = recordable(value)
		}
	}
	if c.Email != "" {
		e.Personal = map[string]string{"email": recordable(c.Email)}
	}
	return audit.Record(context.WithoutCancel(ctx), a.s.cfg.Recorder, e)
}

// recordable is a value in a form that every event takes: that of a caller, such as
// Declared.From, must not keep a change from being recorded.
func recordable(value string) string {
	value = strings.ToValidUTF8(value[:min(len(value), audit.MaxValue)], "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, value)
}

// target names whom the events of one change are about, the same before and after
// it. Who has no account has a reference of their own.
func (c *Change) target(orgID string) audit.Ref {
	if !c.subject.IsZero() {
		return c.subject
	}
	switch {
	case c.UserID != "":
		c.subject = audit.Ref{Kind: "user", ID: c.UserID}
	case c.InvitationID != "":
		c.subject = audit.Ref{Kind: "invitation", ID: c.InvitationID}
	case c.Kind == kindRead || c.Kind == kindRefused && (c.wanted == "" || c.wanted == kindRead):
		c.subject = audit.Ref{Kind: "organization", ID: orgID} // It is about nobody.
	default:
		c.subject = audit.Ref{Kind: "invitee", ID: rand.Text()}
	}
	return c.subject
}

// refuse records that c is refused, and returns the error.
func (a *Admin) refuse(ctx context.Context, orgID string, by origin, c *Change, err error) error {
	if !isRefusal(err) {
		return err
	}
	if c.Kind != kindRefused {
		*c = c.refused(err)
	}
	return join(err, a.record(ctx, orgID, by, c, audit.Failure, c.Reason))
}

// ended returns how err is recorded.
func ended(err error) (audit.Outcome, string) {
	if err == nil {
		return audit.Success, ""
	}
	word, _ := reason(err)
	if errors.Is(err, resource.ErrOutcomeUnknown) {
		return audit.Unknown, word
	}
	return audit.Failure, word
}
