package delegation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
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
	if c.Done && c.Err == nil && (c.Kind == kindAddMember || c.Kind == kindAddRole || c.Kind == kindProvision) {
		c.Err = a.notify(ctx, orgID, *c)
	}
	return c.Err
}

func (a *Admin) notify(ctx context.Context, orgID string, c Change) error {
	if a.s.cfg.Notifier == nil {
		return nil
	}
	if err := a.s.cfg.Notifier.Notify(ctx, orgID, c); err != nil {
		return fmt.Errorf("%w: %w", ErrNotNotified, err)
	}
	return nil
}

// do is the step of a change by itself.
func (a *Admin) do(ctx context.Context, orgID string, c *Change) (undo func(context.Context) error, err error) {
	switch c.Kind {
	case kindInvite, kindReinvite:
		return a.s.invite(ctx, orgID, c)
	case kindProvision:
		return a.s.provision(ctx, orgID, c)
	case kindAddMember, kindAddRole:
		return a.s.give(ctx, orgID, c)
	case kindRemoveRole:
		return nil, a.s.unassign(ctx, orgID, c)
	case kindRevokeInvitation:
		return nil, a.s.dir.DeleteInvitation(ctx, orgID, c.InvitationID)
	}
	return nil, fmt.Errorf("delegation: nothing is done for a change of the kind %s", c.Kind)
}

// give makes somebody a member with the role. What they had before is neither given
// again nor taken back.
func (s *Service) give(ctx context.Context, orgID string, c *Change) (undo func(context.Context) error, err error) {
	if c.Kind == kindAddMember {
		if err := s.dir.AddMembers(ctx, orgID, c.UserID); err != nil {
			return nil, err
		}
		return s.assign(ctx, orgID, c, true)
	}
	held, err := holds(ctx, s.dir, orgID, c.UserID, c.RoleID)
	switch {
	case err != nil:
		return nil, err
	case held == nil:
		return s.assign(ctx, orgID, c, false)
	}
	return func(context.Context) error { return nil }, nil
}

// notYet is how long a role waits for a membership that Auth0 does not see yet.
var notYet = retry.Backoff{First: 200 * time.Millisecond, Last: 2 * time.Second}

const tries = 6

// assign gives a member the role, until Auth0 says that it is held.
func (s *Service) assign(ctx context.Context, orgID string, c *Change, joined bool) (undo func(context.Context) error, err error) {
	written := joined
	for n := 1; ; n++ {
		var held *resource.Role
		if err = s.dir.AssignMemberRoles(ctx, orgID, c.UserID, c.RoleID); err == nil {
			written = true
			held, err = holds(ctx, s.dir, orgID, c.UserID, c.RoleID)
		}
		switch {
		case held != nil:
			return func(ctx context.Context) error { return s.takeBack(ctx, orgID, c, joined) }, nil
		case err != nil && !errors.Is(err, resource.ErrNotFound):
			return nil, unseen(written, err)
		case n == tries:
			return nil, unseen(written, join(fmt.Errorf("delegation: Auth0 does not show the role after %d tries", tries), err))
		}
		if err := retry.Sleep(ctx, notYet.Pause(n)); err != nil {
			return nil, unseen(written, err)
		}
	}
}

// unseen is the error of a change of which a part was written: what became of it is
// unknown, and no failure.
func unseen(written bool, err error) error {
	if !written || err == nil || errors.Is(err, resource.ErrOutcomeUnknown) {
		return err
	}
	return fmt.Errorf("%w: %w", resource.ErrOutcomeUnknown, err)
}

// takeBack ends what assign has given, with the membership if that was new.
func (s *Service) takeBack(ctx context.Context, orgID string, c *Change, joined bool) error {
	if err := s.dir.RemoveMemberRoles(ctx, orgID, c.UserID, c.RoleID); err != nil || !joined {
		return err
	}
	return s.dir.RemoveMembers(ctx, orgID, c.UserID)
}

// unassign takes the role from a member. It may stay by a group, which is no error.
func (s *Service) unassign(ctx context.Context, orgID string, c *Change) error {
	err := s.dir.RemoveMemberRoles(ctx, orgID, c.UserID, c.RoleID)
	if err != nil && !errors.Is(err, resource.ErrNotFound) { // What is not there is looked at like what was removed.
		return err
	}
	removed := err == nil
	held, err := holds(ctx, s.dir, orgID, c.UserID, c.RoleID)
	switch {
	case err != nil || held == nil:
		return unseen(removed, err)
	case held.Inherited:
		c.Reason, c.stays = "group", true
		return nil
	}
	return invalid("Auth0 still shows the role after it was removed; run it again")
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

// provision creates a user with the role. When a later step fails, the user that
// this call created is deleted again.
func (s *Service) provision(ctx context.Context, orgID string, c *Change) (undo func(context.Context) error, err error) {
	p := s.cfg.Onboarding.(Provision)
	u, err := s.dir.CreateUser(ctx, resource.NewUser{
		User: resource.User{Connection: p.Connection, Email: c.Email}, Password: rand.Text() + "-aA1",
	})
	if err != nil {
		return nil, err
	}
	c.UserID = u.ID
	undo = func(ctx context.Context) error {
		if err := s.dir.DeleteUser(ctx, u.ID); err != nil {
			return fmt.Errorf("delegation: a user was created and is left over, see Change.UserID: %w", err)
		}
		c.UserID = ""
		return nil
	}
	err = s.dir.AddMembers(ctx, orgID, u.ID)
	if err == nil {
		_, err = s.assign(ctx, orgID, c, false)
	}
	if err == nil {
		c.InvitationURL, err = s.dir.PasswordTicket(ctx, u.ID, p.TTL)
	}
	if err != nil {
		c.InvitationURL = ""
		return nil, join(err, undo(context.WithoutCancel(ctx)))
	}
	return undo, nil
}
