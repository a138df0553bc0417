package delegation

import (
	"context"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
)

// wanted returns the change that makes the person with an email, in its normal
// form, an administrator. written is the email as somebody wrote it. Whatever
// stands in the way is a refused change; an error is that Auth0 did not answer.
func (a *Admin) wanted(ctx context.Context, o *observation, email, written string) (Change, error) {
	c := Change{Kind: kindNone, Email: email, RoleID: a.s.role}
	counts, flawed := o.holding(email)
	if counts != nil {
		c.UserID, c.Reason = counts.UserID, "administrator"
		if counts.How == byGroup {
			c.Kind, c.Reason = kindInherited, "group"
		}
		return c, nil
	}
	pending, expired := o.invitationsTo(email)
	if pending != "" && flawed == nil {
		c.InvitationID, c.Reason = pending, "invited"
		return c, nil
	}
	users, err := a.s.accounts(ctx, o, email, written)
	users = slices.DeleteFunc(users, func(u *resource.User) bool {
		return slices.ContainsFunc(flawed, func(h Administrator) bool { return h.UserID == u.ID })
	})
	switch {
	case err != nil:
		return c, err
	case len(users) == 0 && flawed != nil:
		c.UserID, c.Kind = flawed[0].UserID, kindAddRole
		return c.refused(flaws[flawed[0].Why]), nil
	case len(users) == 0:
		return a.s.newcomer(o, c, expired), nil
	case len(users) > 1:
		return c.refused(&AmbiguousError{ids(users)}), nil
	}
	return a.existing(ctx, o, c, users[0])
}

// holding returns a holder of the role with an email who counts, or those who do
// not. Who is deleted is nobody, and who is no member can become one.
func (o *observation) holding(email string) (counts *Administrator, flawed []Administrator) {
	for i, h := range o.holders {
		switch {
		case h.Why == "deleted" || h.Why == "not_a_member" || !same(h.Email, email):
		case h.Counts:
			return &o.holders[i], nil
		default:
			flawed = append(flawed, h)
		}
	}
	return nil, flawed
}

// isSecond reports whether a holder who does not count has the email of one who does.
func (o *observation) isSecond(h Administrator) bool {
	email, err := normal(h.Email)
	if err != nil || h.Counts || flaws[h.Why] == nil || h.Why == "deleted" {
		return false
	}
	counts, _ := o.holding(email)
	return counts != nil
}

// invitationsTo returns a pending invitation to an email, and one that has expired
// and has no other role that would go with it.
func (o *observation) invitationsTo(email string) (pending, expired string) {
	for _, i := range o.invited {
		switch {
		case !same(i.Email, email):
		case i.Why != "expired":
			pending = i.InvitationID
		case len(o.also[i.InvitationID]) == 0:
			expired = i.InvitationID
		}
	}
	return pending, expired
}

// flaws are the errors for why somebody does not count.
var flaws = map[string]error{"": nil, "unverified": ErrUnverified, "blocked": ErrBlocked, "deleted": ErrBlocked, "connection": errNotEnabled}

// newcomer returns the change for somebody who has no account that the
// organization could let in.
func (s *Service) newcomer(o *observation, c Change, expired string) Change {
	if s.cfg.Onboarding == nil {
		return c.refused(errNobody)
	}
	c.Kind = s.cfg.Onboarding.onboards()
	if p, is := s.cfg.Onboarding.(Provision); is {
		if !belongs(&resource.User{Connection: p.Connection}, o.connections) {
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
	why := a.s.flaw(u, o.connections)
	if (why == "" || why == "unverified") && a.s.unfinished(o.org, u) {
		held, err := holds(ctx, a.s.dir, o.org, u.ID, a.s.role)
		if err != nil || held == nil {
			c.Kind, c.Reason = kindProvision, "unfinished"
			return c, err
		}
	}
	if err := flaws[why]; err != nil {
		return c.refused(err), nil
	}
	member, err := a.s.isMember(ctx, o.org, u.ID)
	if err != nil || !member {
		return c, err
	}
	c.Kind = kindAddRole
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

// accounts returns the users with an email who belong to a connection that the
// organization has enabled. Auth0 finds emails in the case in which they are
// stored, and by search in any case, but late: all three are asked, and merged by
// the user's id. What was found is read again, because search lags behind.
func (s *Service) accounts(ctx context.Context, o *observation, email, written string) ([]*resource.User, error) {
	var found []string
	forms := spellings(email, written)
	for _, form := range forms {
		users, err := s.dir.UsersByEmail(ctx, form)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			found = append(found, u.ID)
		}
	}
	for u, err := range s.dir.SearchUsers(ctx, `email:"`+strings.Join(forms, `" OR email:"`)+`"`) {
		if err != nil {
			return nil, err
		}
		found = append(found, u.ID)
	}
	slices.Sort(found)
	read, err := inParallel(ctx, slices.Compact(found), s.user)
	return slices.DeleteFunc(read, func(u *resource.User) bool {
		return u == nil || !same(u.Email, email) || !belongs(u, o.connections)
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
