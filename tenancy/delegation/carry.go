package delegation

import (
	"context"
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

// step carries out a change and returns how to take it back.
type step func(ctx context.Context, orgID string, c *Change) (undo func(ctx context.Context) error, err error)

// carry records a change, carries it out and records how that ended. What gives
// somebody more is not done without the first record and is taken back without the
// second; what takes away is done in any case.
func (a *Admin) carry(ctx context.Context, orgID string, by origin, c *Change, do step) error {
	if err := a.begin(ctx, orgID, by, c); err != nil && c.Kind.Gives() {
		c.Err = err
		return err
	}
	undo, err := do(ctx, orgID, c)
	return a.finish(ctx, orgID, by, c, undo, err)
}

func (a *Admin) begin(ctx context.Context, orgID string, by origin, c *Change) error {
	c.Err = a.record(ctx, orgID, by, c, audit.Unknown, "planned")
	return c.Err
}

func (a *Admin) finish(ctx context.Context, orgID string, by origin, c *Change, undo func(context.Context) error, err error) error {
	c.Done = err == nil
	outcome, word := ended(err)
	recorded := a.record(ctx, orgID, by, c, outcome, word)
	if recorded != nil && c.Done && c.Kind.Gives() {
		c.Done, c.InvitationURL = false, ""
		recorded = join(recorded, undo(context.WithoutCancel(ctx)))
	}
	c.Err = join(c.Err, err, recorded)
	if c.Done && c.Err == nil && (c.Kind == kindAddMember || c.Kind == kindAddRole) {
		c.Err = a.notify(ctx, orgID, *c)
	}
	return c.Err
}

// do is the step of a change by itself.
func (a *Admin) do(ctx context.Context, orgID string, c *Change) (undo func(context.Context) error, err error) {
	switch c.Kind {
	case kindInvite, kindReinvite:
		return a.s.invite(ctx, orgID, c)
	case kindProvision:
		return a.provision(ctx, orgID, c)
	case kindAddMember, kindAddRole:
		return a.s.give(ctx, orgID, c)
	case kindRemoveRole:
		return nil, a.s.unassign(ctx, orgID, c)
	case kindRevokeInvitation:
		return nil, a.s.dir.DeleteInvitation(ctx, orgID, c.InvitationID)
	}
	return nil, fmt.Errorf("delegation: nothing is done for a change of the kind %s", c.Kind)
}

// invite makes an invitation, also to other roles, and then withdraws the one that it
// replaces.
func (s *Service) invite(ctx context.Context, orgID string, c *Change, also ...string) (undo func(context.Context) error, err error) {
	in, is := s.cfg.Onboarding.(Invite)
	if !is {
		return nil, errNotInvite
	}
	made, err := s.dir.CreateInvitation(ctx, orgID, resource.NewInvitation{
		ClientID: in.ClientID, Inviter: in.Inviter, Email: c.Email, RoleIDs: append([]string{c.RoleID}, also...), TTL: in.TTL, NoMail: in.NoMail,
	})
	if err != nil {
		return nil, err
	}
	old := c.InvitationID
	c.InvitationID = made.ID
	if in.NoMail {
		c.InvitationURL = made.URL
	}
	undo = func(ctx context.Context) error { return s.dir.DeleteInvitation(ctx, orgID, made.ID) }
	if old == "" {
		return undo, nil
	}
	if err := s.dir.DeleteInvitation(ctx, orgID, old); err != nil && !errors.Is(err, resource.ErrNotFound) {
		c.Err = fmt.Errorf("delegation: the new invitation is there, and the old one too: %w", err)
	}
	return undo, nil
}
