package delegation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Plan compares the organization with what is declared. It only reads: a request
// for every 100 members and about eight, and some for each person who is to be
// added. A plan that is refused is recorded.
//
// A person who cannot be added, who has the role and does not count, or who must not
// be removed, is a refused change with a reason, and the others go on; so is one for
// whom the Authorizer failed. Fewer administrators than Config.MinAdmins afterwards
// are Plan.Missing; it is ErrLastAdmin only where something is removed. With ErrLastAdmin and ErrTooManyRemovals the plan
// comes too, to be shown; Apply refuses it. Without a plan come ErrEmpty, ErrEmail
// (the text says which), ErrNotAllowed, and failures.
func (a *Admin) Plan(ctx context.Context, orgID string, d Declared) (*Plan, error) {
	if err := named(orgID); err != nil {
		return nil, err
	}
	p, _, err := a.plan(ctx, &Plan{OrgID: orgID, From: d.From}, d.Emails)
	return p, a.refuseRead(ctx, orgID, d.From, err)
}

// refuseRead records that somebody was refused a look.
func (a *Admin) refuseRead(ctx context.Context, orgID, from string, err error) error {
	return a.refuse(ctx, orgID, origin{from: from}, &Change{Kind: kindRead, RoleID: a.s.role}, err)
}

// plan completes p for the people of emails.
func (a *Admin) plan(ctx context.Context, p *Plan, emails []string) (*Plan, *observation, error) {
	if err := a.permitted(ctx, p.OrgID, Change{Kind: kindRead, RoleID: a.s.role}); err != nil {
		return nil, nil, err
	}
	emails, written, err := a.s.declared(emails)
	if err != nil {
		return nil, nil, err
	}
	o, err := a.s.observe(ctx, p.OrgID)
	if err != nil {
		return nil, nil, err
	}
	p.Declared = emails
	return a.compare(ctx, o, p, written)
}

// compare completes a plan that has its declaration.
func (a *Admin) compare(ctx context.Context, o *observation, p *Plan, written map[string]string) (_ *Plan, _ *observation, err error) {
	p.RoleID = a.s.role
	if p.Changes, err = a.additions(ctx, o, p, written); err != nil {
		return nil, nil, err
	}
	removals, err := a.removals(ctx, o, p)
	if err != nil {
		return nil, nil, err
	}
	if p.Changes, err = a.allow(ctx, p.OrgID, append(p.Changes, removals...)); err != nil {
		return nil, nil, err
	}
	p.count(o)
	p.Missing = max(0, a.s.cfg.MinAdmins-p.Administrators)
	p.State = p.state(o)
	return p, o, a.s.guard(p)
}

// declared returns the normal form of what is declared, sorted, and how each was
// written.
func (s *Service) declared(all []string) (emails []string, written map[string]string, err error) {
	if len(all) == 0 && !s.cfg.AllowEmpty {
		return nil, nil, ErrEmpty
	}
	emails, written = make([]string, 0, len(all)), make(map[string]string)
	for i, email := range all {
		n, err := normal(email)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: Declared.Emails[%d]", err, i)
		}
		if written[n] == "" {
			emails, written[n] = append(emails, n), strings.TrimSpace(email)
		}
	}
	slices.Sort(emails)
	return emails, written, nil
}

// additions returns a change for each person who is declared.
func (a *Admin) additions(ctx context.Context, o *observation, p *Plan, written map[string]string) ([]Change, error) {
	return inParallel(ctx, p.Declared, func(ctx context.Context, email string) (Change, error) {
		if counts, flawed := o.holding(email); p.Undo && counts == nil && flawed != nil {
			return Change{Kind: kindNone, Email: email, RoleID: a.s.role, UserID: flawed[0].UserID, Reason: flawed[0].Why}, nil
		}
		return a.wanted(ctx, o, email, written[email])
	})
}

// removals returns a change for everybody else: first the invitations.
func (a *Admin) removals(ctx context.Context, o *observation, p *Plan) ([]Change, error) {
	keep := func(email string) bool {
		n, err := normal(email)
		_, declared := slices.BinarySearch(p.Declared, n)
		return err == nil && declared
	}
	var out []Change
	for _, i := range o.invited {
		if !keep(i.Email) && i.Why != "expired" {
			out = append(out, Change{Kind: kindRevokeInvitation, Email: address(i.Email), RoleID: a.s.role, InvitationID: i.InvitationID, Reason: "not_declared"})
		}
	}
	var others []Administrator
	for _, h := range o.holders {
		switch {
		case !keep(h.Email):
			others = append(others, h)
		case !p.Undo && o.isSecond(h):
			c := Change{Kind: kindAddRole, Email: address(h.Email), UserID: h.UserID, RoleID: a.s.role}
			out = append(out, c.refused(flaws[h.Why]))
		}
	}
	more, err := inParallel(ctx, others, func(ctx context.Context, h Administrator) (Change, error) { return a.removal(ctx, o, p, h) })
	return append(out, more...), err
}

// removal returns the change for a holder who is not declared.
func (a *Admin) removal(ctx context.Context, o *observation, p *Plan, h Administrator) (Change, error) {
	c := Change{Kind: kindRemoveRole, Email: address(h.Email), UserID: h.UserID, RoleID: a.s.role, Reason: "not_declared"}
	n, err := normal(h.Email)
	if a.s.cfg.RemoveMembership || err == nil && slices.Contains(p.Leaving, n) {
		c.Kind = kindRemoveMember
	}
	switch {
	case h.Why == "deleted":
		c.Kind, c.Reason = kindNone, h.Why
		return c, nil
	case h.How == byGroup:
		c.Kind, c.Reason = kindInherited, "group"
		return c, nil
	case a.actor.is(h.UserID):
		return c.refused(ErrSelf), nil
	case err != nil: // Not declared, or not to be declared: nobody can tell.
		return c.refused(errNoEmail), nil
	}
	held, err := holds(ctx, a.s.dir, o.org, h.UserID, a.s.role) // The list does not tell groups from people.
	if err == nil && held != nil && held.Inherited {
		c.Kind, c.Reason = kindInherited, "group"
	}
	return c, err
}

// allow asks the Authorizer about every change that would be made. Where it fails
// that one is refused.
func (a *Admin) allow(ctx context.Context, orgID string, changes []Change) ([]Change, error) {
	for i, c := range changes {
		if !c.Kind.Gives() && !c.Kind.Takes() {
			continue
		}
		if err := a.allowed(ctx, orgID, c); ctx.Err() != nil {
			return nil, context.Cause(ctx)
		} else if err != nil {
			changes[i] = c.refused(err)
		}
	}
	return changes, nil
}

// count says how many administrators count before and after the plan.
func (p *Plan) count(o *observation) {
	p.Before = o.counting()
	p.Administrators = p.Before
	for _, c := range p.Changes {
		switch c.Kind {
		case kindAddMember, kindAddRole:
			p.Administrators++
		case kindRemoveRole, kindRemoveMember:
			if h := o.holder(c.UserID); h != nil && h.Counts {
				p.Administrators--
			}
		}
	}
}

// guard refuses plans that take too much.
func (s *Service) guard(p *Plan) error {
	removals, roles := 0, 0
	for _, c := range p.Changes {
		switch c.Kind {
		case kindRemoveRole, kindRemoveMember:
			removals++
			roles++
		case kindRevokeInvitation:
			removals++
		}
	}
	switch {
	case roles > 0 && p.Administrators < s.cfg.MinAdmins:
		return fmt.Errorf("%w: %d would remain, at least %d must", ErrLastAdmin, p.Administrators, s.cfg.MinAdmins)
	case s.cfg.MaxRemovals >= 0 && removals > s.cfg.MaxRemovals:
		return fmt.Errorf("%w: %d, at most %d are allowed", ErrTooManyRemovals, removals, s.cfg.MaxRemovals)
	}
	return nil
}

// state hashes what was seen and what follows from it. Of errors the words count:
// the text of an Authorizer's may be another each time.
func (p *Plan) state(o *observation) string {
	changes := filed(p.Changes)
	for i := range changes {
		changes[i].Error = ""
	}
	text, err := json.Marshal([]any{p.OrgID, p.RoleID, p.Declared, p.Leaving, p.Undo, o.holders, o.invited, changes})
	if err != nil {
		panic("delegation: " + err.Error()) // Strings, numbers and times.
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
