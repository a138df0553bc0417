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
// added.
//
// A person who cannot be added, or must not be removed, is a refused change with a
// reason, and the others go on. With ErrLastAdmin and ErrTooManyRemovals the plan
// comes too, to be shown; Apply refuses it. Without a plan come ErrEmpty, ErrEmail
// (the text says which), ErrNotAllowed, and failures.
func (a *Admin) Plan(ctx context.Context, orgID string, d Declared) (*Plan, error) {
	p, _, err := a.plan(ctx, orgID, d, nil)
	return p, err
}

func (a *Admin) plan(ctx context.Context, orgID string, d Declared, leaving []string) (*Plan, *observation, error) {
	if err := named(orgID); err != nil {
		return nil, nil, err
	}
	emails, written, err := a.s.declared(d)
	if err != nil {
		return nil, nil, err
	}
	if err := a.permitted(ctx, orgID, Change{Kind: kindRead, RoleID: a.s.role}); err != nil {
		return nil, nil, err
	}
	o, err := a.s.observe(ctx, orgID)
	if err != nil {
		return nil, nil, err
	}
	p := &Plan{OrgID: orgID, RoleID: a.s.role, From: d.From, Declared: emails, Leaving: leaving}
	if p.Changes, err = a.additions(ctx, o, emails, written); err != nil {
		return nil, nil, err
	}
	removals, err := a.removals(ctx, o, p)
	if err != nil {
		return nil, nil, err
	}
	if p.Changes, err = a.allow(ctx, orgID, append(p.Changes, removals...)); err != nil {
		return nil, nil, err
	}
	p.count(o)
	p.State = p.state(o)
	return p, o, a.s.guard(p)
}

// declared returns the normal form of what is declared, sorted, and how each was
// written.
func (s *Service) declared(d Declared) (emails []string, written map[string]string, err error) {
	if len(d.Emails) == 0 && !s.cfg.AllowEmpty {
		return nil, nil, ErrEmpty
	}
	emails, written = make([]string, 0, len(d.Emails)), make(map[string]string)
	for i, email := range d.Emails {
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
func (a *Admin) additions(ctx context.Context, o *observation, emails []string, written map[string]string) ([]Change, error) {
	return inParallel(ctx, emails, func(ctx context.Context, email string) (Change, error) {
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
			out = append(out, Change{Kind: kindRevokeInvitation, Email: i.Email, RoleID: a.s.role, InvitationID: i.InvitationID, Reason: "not_declared"})
		}
	}
	var others []Administrator
	for _, h := range o.holders {
		if !keep(h.Email) {
			others = append(others, h)
		}
	}
	more, err := inParallel(ctx, others, func(ctx context.Context, h Administrator) (Change, error) { return a.removal(ctx, o, p, h) })
	return append(out, more...), err
}

// removal returns the change for a holder who is not declared.
func (a *Admin) removal(ctx context.Context, o *observation, p *Plan, h Administrator) (Change, error) {
	c := Change{Kind: kindRemoveRole, Email: h.Email, UserID: h.UserID, RoleID: a.s.role, Reason: "not_declared"}
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

// allow asks the Authorizer about every change that would be made.
func (a *Admin) allow(ctx context.Context, orgID string, changes []Change) ([]Change, error) {
	for i, c := range changes {
		if !c.Kind.Gives() && !c.Kind.Takes() {
			continue
		}
		if err := a.allowed(ctx, orgID, c); isRefusal(err) {
			changes[i] = c.refused(err)
		} else if err != nil {
			return nil, err
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

// state hashes what was seen and what follows from it.
func (p *Plan) state(o *observation) string {
	text, err := json.Marshal([]any{p.OrgID, p.RoleID, p.Declared, p.Leaving, o.holders, o.invited, filed(p.Changes)})
	if err != nil {
		panic("delegation: " + err.Error()) // Strings, numbers and times.
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
