package delegation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

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

func (a *Admin) notify(ctx context.Context, orgID string, c Change) error {
	if a.s.cfg.Notifier == nil {
		return nil
	}
	if err := a.s.cfg.Notifier.Notify(ctx, orgID, c); err != nil {
		return fmt.Errorf("%w: %w", ErrNotNotified, err)
	}
	return nil
}
