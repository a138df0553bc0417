package delegation

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Grant gives a user a role in the organization, and makes them a member first.
// The role must be one of Config.GrantableRoles and of no other organization; a
// person grants what they hold. It returns ErrNotAllowed, ErrUnverified,
// ErrBlocked, or ErrUnknown when the user belongs to no connection of the
// organization. A member who has the role keeps it, without an error.
func (a *Admin) Grant(ctx context.Context, orgID, userID, roleID string) error {
	if err := named(orgID, userID, roleID); err != nil {
		return err
	}
	c := Change{Kind: kindAddMember, UserID: userID, RoleID: roleID}
	return a.locked(ctx, orgID, func(ctx context.Context) error {
		if err := a.grant(ctx, orgID, &c); err != nil {
			return a.refuse(ctx, orgID, origin{}, &c, err)
		}
		return a.carry(ctx, orgID, origin{}, &c, a.do)
	})
}

// grant decides about Grant.
func (a *Admin) grant(ctx context.Context, orgID string, c *Change) error {
	u, err := a.about(ctx, c)
	if err != nil {
		return err
	}
	if u != nil {
		member, err := a.s.isMember(ctx, orgID, u.ID)
		if err != nil {
			return err
		}
		if member {
			c.Kind = kindAddRole
		}
	}
	if err := a.permitted(ctx, orgID, *c); err != nil {
		return err
	}
	if u == nil {
		return ErrUnknown
	}
	enabled, err := a.s.dir.OrganizationConnections(ctx, orgID)
	if err != nil {
		return err
	}
	if why := a.s.flaw(u, enabled); why != "connection" {
		return flaws[why]
	}
	return ErrUnknown
}

// about reads the user of c, nil when there is none, so that the Authorizer sees the
// email. Nothing is read for nobody.
func (a *Admin) about(ctx context.Context, c *Change) (*resource.User, error) {
	if !a.actor.valid() {
		return nil, ErrNotAllowed
	}
	u, err := a.s.user(ctx, c.UserID)
	if u != nil {
		c.Email = address(u.Email)
	}
	return u, err
}

// Revoke takes a role from a member, who stays a member, and withdraws the
// invitations with that role to the same email, with whatever other roles these
// have. It returns ErrLastAdmin, ErrSelf, ErrInherited when the role comes from a
// group alone, or ErrNotAllowed: nothing is done then, also when one of the
// invitations is not the actor's to withdraw. Somebody without the role is no error.
//
// For the administrator role it reads the whole list of members, as List does.
func (a *Admin) Revoke(ctx context.Context, orgID, userID, roleID string) error {
	if err := named(orgID, userID, roleID); err != nil {
		return err
	}
	c := Change{Kind: kindRemoveRole, UserID: userID, RoleID: roleID}
	return a.locked(ctx, orgID, func(ctx context.Context) error {
		pending, err := a.revoke(ctx, orgID, &c)
		if err != nil {
			return a.refuse(ctx, orgID, origin{}, &c, err)
		}
		var errs []error
		for _, i := range pending {
			errs = append(errs, a.carry(ctx, orgID, origin{}, &i, a.do))
		}
		return join(append(errs, a.carry(ctx, orgID, origin{}, &c, a.do))...)
	})
}

// revoke decides about Revoke and returns the invitations to withdraw.
func (a *Admin) revoke(ctx context.Context, orgID string, c *Change) ([]Change, error) {
	if _, err := a.about(ctx, c); err != nil {
		return nil, err
	}
	if err := a.permitted(ctx, orgID, *c); err != nil {
		return nil, err
	}
	if a.actor.is(c.UserID) {
		return nil, ErrSelf
	}
	held, err := holds(ctx, a.s.dir, orgID, c.UserID, c.RoleID)
	if err != nil {
		return nil, err
	}
	if held != nil && held.Inherited {
		return nil, ErrInherited
	}
	if held != nil && c.RoleID == a.s.role {
		if err := a.spare(ctx, orgID, c.UserID); err != nil {
			return nil, err
		}
	}
	return a.pending(ctx, orgID, *c)
}

// spare reports by its error whether the organization has enough administrators
// without one.
func (a *Admin) spare(ctx context.Context, orgID, userID string) error {
	o, err := a.s.observe(ctx, orgID)
	if err != nil {
		return err
	}
	var others []string
	for _, h := range o.holders {
		if h.Counts && h.UserID != userID {
			others = append(others, h.UserID)
		}
	}
	return a.s.enough(ctx, o, others)
}

// pending returns the changes that withdraw the invitations to the person of c, if
// the actor may make them all.
func (a *Admin) pending(ctx context.Context, orgID string, c Change) (out []Change, err error) {
	email, err := normal(c.Email)
	if err != nil {
		return nil, nil // No account, or one without an email, to which nothing was sent.
	}
	for i, err := range a.s.dir.Invitations(ctx, orgID) {
		if err != nil {
			return nil, err
		}
		if same(i.Email, email) && slices.Contains(i.RoleIDs, c.RoleID) {
			out = append(out, Change{Kind: kindRevokeInvitation, Email: email, RoleID: c.RoleID, InvitationID: i.ID})
		}
	}
	for _, i := range out {
		if err := a.allowed(ctx, orgID, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Create makes the person with that email an administrator. A user of a connection
// that the organization has enabled gets membership and role, and the Notifier
// tells them. Somebody without an account is brought in by Config.Onboarding. The
// Change says which, and its Kind is "none" when nothing was to be done.
//
// It returns ErrUnverified or ErrBlocked with Change.UserID, *AmbiguousError,
// ErrUnknown, ErrEmail or ErrNotAllowed. With ErrNotNotified the change is done.
// It reads the whole list of members, as List does.
func (a *Admin) Create(ctx context.Context, orgID, email string) (Change, error) {
	if err := named(orgID); err != nil {
		return Change{}, err
	}
	normalized, err := normal(email)
	c := Change{Kind: kindAddMember, Email: normalized, RoleID: a.s.role}
	if err != nil {
		err = a.refuse(ctx, orgID, origin{}, &c, err)
		return c, err
	}
	err = a.locked(ctx, orgID, func(ctx context.Context) error {
		err := a.create(ctx, orgID, email, &c)
		switch {
		case err != nil:
			return a.refuse(ctx, orgID, origin{}, &c, err)
		case c.Kind.Gives():
			return a.carry(ctx, orgID, origin{}, &c, a.do)
		}
		return nil
	})
	c.Err = cmp.Or(c.Err, err)
	return c, err
}

// create decides about Create.
func (a *Admin) create(ctx context.Context, orgID, email string, c *Change) error {
	if err := a.permitted(ctx, orgID, *c); err != nil {
		return err
	}
	o, err := a.s.observe(ctx, orgID)
	if err != nil {
		return err
	}
	if *c, err = a.wanted(ctx, o, c.Email, strings.TrimSpace(email)); err != nil || c.Kind == kindRefused {
		return cmp.Or(err, c.Err)
	}
	return a.allowed(ctx, orgID, *c)
}

// Reinvite sends a new invitation instead of one that is pending or has expired,
// and withdraws the old one afterwards. The new one has all roles of the old one, so
// the actor must be one who may grant them. It needs Config.Onboarding to be Invite,
// and returns ErrNotAllowed, or ErrUnknown for an invitation that is not there or is
// not one to administer. The Authorizer is asked about "reinvite" for each role and,
// if the old invitation is pending, about "revoke_invitation".
func (a *Admin) Reinvite(ctx context.Context, orgID, invitationID string) (Change, error) {
	return a.withInvitation(ctx, orgID, Change{Kind: kindReinvite, InvitationID: invitationID, RoleID: a.s.role})
}

// RevokeInvitation withdraws an invitation to administer the organization, with
// whatever other roles it has. It returns ErrNotAllowed, or ErrUnknown for one that
// is not there or is not one to administer. An invitation is no administrator, so
// that it may be the last.
func (a *Admin) RevokeInvitation(ctx context.Context, orgID, invitationID string) error {
	_, err := a.withInvitation(ctx, orgID, Change{Kind: kindRevokeInvitation, InvitationID: invitationID, RoleID: a.s.role})
	return err
}

func (a *Admin) withInvitation(ctx context.Context, orgID string, c Change) (Change, error) {
	if err := named(orgID, c.InvitationID); err != nil {
		return Change{}, err
	}
	err := a.locked(ctx, orgID, func(ctx context.Context) error {
		also, err := a.invited(ctx, orgID, &c)
		if err != nil {
			return a.refuse(ctx, orgID, origin{}, &c, err)
		}
		return a.carry(ctx, orgID, origin{}, &c, func(ctx context.Context, orgID string, c *Change) (func(context.Context) error, error) {
			if c.Kind == kindReinvite {
				return a.s.invite(ctx, orgID, c, also...)
			}
			return a.do(ctx, orgID, c)
		})
	})
	c.Err = cmp.Or(c.Err, err)
	return c, err
}

// invited decides about an invitation, and learns whose it is and which other roles
// it has.
func (a *Admin) invited(ctx context.Context, orgID string, c *Change) (also []string, err error) {
	if !a.actor.valid() {
		return nil, ErrNotAllowed // Nothing is read for nobody.
	}
	all, roles, err := a.s.invitations(ctx, orgID)
	if err != nil {
		return nil, err
	}
	old := (&observation{invited: all}).invitation(c.InvitationID)
	if old != nil {
		c.Email = address(old.Email)
	}
	if err := a.permitted(ctx, orgID, *c); err != nil {
		return nil, err
	}
	switch {
	case old == nil:
		return nil, ErrUnknown
	case c.Kind != kindReinvite:
		return nil, nil
	}
	return roles[c.InvitationID], a.replaces(ctx, orgID, *c, old, roles[c.InvitationID])
}

// replaces asks for all that a new invitation does beside inviting to administer: it
// withdraws the old one and has its other roles.
func (a *Admin) replaces(ctx context.Context, orgID string, c Change, old *Administrator, also []string) error {
	for _, c.RoleID = range also {
		if err := a.allowed(ctx, orgID, c); err != nil {
			return err
		}
		if err := a.grantable(ctx, orgID, c.RoleID); err != nil {
			return err
		}
	}
	if old.Why == "expired" {
		return nil
	}
	c.Kind, c.RoleID = kindRevokeInvitation, a.s.role
	return a.allowed(ctx, orgID, c)
}
