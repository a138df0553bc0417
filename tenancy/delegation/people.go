package delegation

import (
	"context"
	"slices"

	"github.com/auth0kit/auth0kit/management/resource"
)

// wanted returns the change that makes the person with an email, in its normal
// form, an administrator. written is the email as somebody wrote it. Whatever
// stands in the way is a refused change; an error is that Auth0 did not answer.
func (a *Admin) wanted(ctx context.Context, o *observation, email, written string) (Change, error) {
	c := Change{Kind: kindNone, Email: email, RoleID: a.s.role}
	for _, h := range o.holders {
		if h.Why != "deleted" && same(h.Email, email) {
			c.UserID, c.Reason = h.UserID, reasonOf(h)
			if h.How == byGroup {
				c.Kind = kindInherited
			}
			return c, nil
		}
	}
	var expired string
	for _, i := range o.invited {
		switch {
		case !same(i.Email, email):
		case i.Why == "expired":
			expired = i.InvitationID
		default:
			c.InvitationID, c.Reason = i.InvitationID, "invited"
			return c, nil
		}
	}
	users, err := a.s.accounts(ctx, o, email, written)
	switch {
	case err != nil:
		return c, err
	case len(users) == 0:
		return a.s.newcomer(o, c, expired), nil
	case len(users) > 1:
		return c.refused(&AmbiguousError{ids(users)}), nil
	}
	return a.existing(ctx, o, c, users[0])
}

func reasonOf(h Administrator) string {
	switch {
	case h.Why != "":
		return h.Why
	case h.How == byGroup:
		return "group"
	}
	return "administrator"
}

// newcomer returns the change for somebody who has no account that the
// organization could let in.
func (s *Service) newcomer(o *observation, c Change, expired string) Change {
	if s.cfg.Onboarding == nil {
		return c.refused(ErrUnknown)
	}
	c.Kind = s.cfg.Onboarding.onboards()
	if p, is := s.cfg.Onboarding.(Provision); is {
		if connection(&resource.User{Connection: p.Connection}, o.connections) == nil {
			return c.refused(errConnection)
		}
		return c
	}
	if expired != "" {
		c.Kind, c.InvitationID, c.Reason = kindReinvite, expired, "expired"
	}
	return c
}

// existing returns the change for a user of an enabled connection.
func (a *Admin) existing(ctx context.Context, o *observation, c Change, u *resource.User) (Change, error) {
	c.UserID, c.Kind = u.ID, kindAddMember
	if o.members[u.ID] {
		c.Kind = kindAddRole
	}
	if err := a.s.fit(u, o.connections); err != nil {
		return c.refused(err), nil
	}
	held, err := holds(ctx, a.s.dir, o.org, u.ID, a.s.role) // The list lags behind.
	switch {
	case err != nil:
		return c, err
	case held == nil:
	case held.Inherited:
		c.Kind, c.Reason = kindInherited, "group"
	default:
		c.Kind, c.Reason = kindNone, "administrator"
	}
	return c, nil
}

// fit reports by its error whether a user may get the role.
func (s *Service) fit(u *resource.User, enabled []resource.Connection) error {
	switch s.flaw(u, enabled) {
	case "":
		return nil
	case "unverified":
		return ErrUnverified
	case "connection":
		return ErrUnknown
	}
	return ErrBlocked
}

// accounts returns the users with an email who belong to a connection that the
// organization has enabled. Auth0 finds emails in the case in which they are
// stored, and by search in any case, but late: all three are asked, and merged by
// the user's id. What was found is read again, because search lags behind.
func (s *Service) accounts(ctx context.Context, o *observation, email, written string) ([]*resource.User, error) {
	var found []string
	for _, spelling := range slices.Compact([]string{written, email}) {
		users, err := s.dir.UsersByEmail(ctx, spelling)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			found = append(found, u.ID)
		}
	}
	for u, err := range s.dir.SearchUsers(ctx, `email:"`+email+`"`) {
		if err != nil {
			return nil, err
		}
		found = append(found, u.ID)
	}
	slices.Sort(found)
	read, err := inParallel(ctx, slices.Compact(found), s.user)
	return slices.DeleteFunc(read, func(u *resource.User) bool {
		return u == nil || !same(u.Email, email) || connection(u, o.connections) == nil
	}), err
}

func ids(users []*resource.User) (out []string) {
	for _, u := range users {
		out = append(out, u.ID)
	}
	return out
}

// enough reports by its error whether MinAdmins of these users are administrators
// who count, as Auth0 says at this moment.
func (s *Service) enough(ctx context.Context, o *observation, who []string) error {
	left := s.cfg.MinAdmins
	for _, id := range who {
		if left <= 0 {
			break
		}
		u, err := s.user(ctx, id)
		if err != nil {
			return err
		}
		if s.flaw(u, o.connections) != "" {
			continue
		}
		held, err := holds(ctx, s.dir, o.org, id, s.role)
		if err != nil {
			return err
		}
		if held != nil {
			left--
		}
	}
	if left > 0 {
		return ErrLastAdmin
	}
	return nil
}
