package delegation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// chunk is how many memberships Auth0 changes in one call.
const chunk = 10

// Apply reads the organization again, refuses with ErrDrift if it is not as it was
// when the plan was made, and carries the plan out. The plan's guards hold again.
//
// Additions come first, then invitations are withdrawn, then roles are removed:
// wherever it stops, there are no fewer administrators than before or after it, and
// a second run completes it. Once something was tried the result is never nil; it
// has what became of each person, and the error joins their errors. A refused
// change is no error, unless it was refused because the Authorizer failed.
func (a *Admin) Apply(ctx context.Context, p *Plan) (*Applied, error) {
	if p == nil {
		return nil, invalid("the plan is nil")
	}
	return a.sync(ctx, &Plan{OrgID: p.OrgID, From: p.From, Leaving: p.Leaving, Undo: p.Undo}, p.Declared, func(now *Plan) error {
		if now.State != p.State {
			return ErrDrift
		}
		return nil
	})
}

// Sync plans and applies at once, so that nothing comes in between. It returns what
// Plan and Apply return.
func (a *Admin) Sync(ctx context.Context, orgID string, d Declared) (*Applied, error) {
	return a.sync(ctx, &Plan{OrgID: orgID, From: d.From}, d.Emails, func(*Plan) error { return nil })
}

func (a *Admin) sync(ctx context.Context, asked *Plan, emails []string, accept func(*Plan) error) (done *Applied, err error) {
	if err := named(asked.OrgID); err != nil {
		return nil, err
	}
	err = a.locked(ctx, asked.OrgID, func(ctx context.Context) error {
		p, o, err := a.plan(ctx, asked, emails)
		if err != nil {
			return a.refusePlan(ctx, cmp.Or(p, asked), err)
		}
		if err := accept(p); err != nil {
			return a.refusePlan(ctx, p, err)
		}
		r := &run{a: a, o: o, plan: p, by: origin{p.State[:16], p.From}, changes: slices.Clone(p.Changes)}
		done = &Applied{Plan: *p, At: time.Now().UTC(), Changes: r.changes}
		return r.all(ctx)
	})
	return done, err
}

func (a *Admin) refusePlan(ctx context.Context, p *Plan, err error) error {
	c := Change{RoleID: a.s.role}
	return a.refuse(ctx, p.OrgID, origin{p.State[:min(16, len(p.State))], p.From}, &c, err)
}

// run carries out one plan.
type run struct {
	a       *Admin
	o       *observation
	plan    *Plan
	by      origin
	changes []Change
}

// of returns the changes of some kinds.
func (r *run) of(kinds ...ChangeKind) (out []*Change) {
	for i := range r.changes {
		if slices.Contains(kinds, r.changes[i].Kind) {
			out = append(out, &r.changes[i])
		}
	}
	return out
}

func (r *run) all(ctx context.Context) error {
	var errs []error
	refused := r.of(kindRefused)
	for _, c := range refused {
		errs = append(errs, r.a.record(ctx, r.plan.OrgID, r.by, c, audit.Failure, c.Reason))
		if errors.Is(c.Err, errAuthorizer) {
			errs = append(errs, c.Err)
		}
	}
	r.each(ctx, r.of(kindInvite, kindReinvite, kindProvision, kindAddRole))
	r.join(ctx, r.of(kindAddMember))
	r.each(ctx, r.of(kindRevokeInvitation))
	r.remove(ctx, r.of(kindRemoveRole, kindRemoveMember))
	for i := range r.changes {
		if c := &r.changes[i]; !slices.Contains(refused, c) {
			errs = append(errs, c.Err)
		}
	}
	return join(errs...)
}

// each carries out changes, some at once. The error of one is its own; the others
// go on.
func (r *run) each(ctx context.Context, changes []*Change) {
	r.parallel(ctx, changes, func(ctx context.Context, c *Change) { r.a.carry(ctx, r.plan.OrgID, r.by, c, r.a.do) })
}

// parallel calls f for changes. Those that it does not come to fail with the cause.
func (r *run) parallel(ctx context.Context, changes []*Change, f func(context.Context, *Change)) {
	inParallel(ctx, changes, func(ctx context.Context, c *Change) (struct{}, error) {
		f(ctx, c)
		return struct{}{}, nil
	})
	for _, c := range changes {
		if c.Err == nil && !c.Done {
			c.Err = cmp.Or(context.Cause(ctx), errExited)
		}
	}
}

// join adds members, ten in a call, and then gives each the role.
func (r *run) join(ctx context.Context, changes []*Change) {
	for ten := range slices.Chunk(changes, chunk) {
		var begun []*Change
		for _, c := range ten {
			if r.a.begin(ctx, r.plan.OrgID, r.by, c) == nil {
				begun = append(begun, c)
			}
		}
		r.end(ctx, begun, r.inOne(ctx, begun, r.a.s.dir.AddMembers), func(c *Change) (func(context.Context) error, error) {
			return r.a.s.assign(ctx, r.plan.OrgID, c, true)
		})
	}
}

// end ends changes that were begun, those that failed and the others by f: all of
// them, also when ctx has ended, so that each has its second event.
func (r *run) end(ctx context.Context, begun []*Change, failed map[*Change]error, f func(c *Change) (undo func(context.Context) error, err error)) {
	r.parallel(context.WithoutCancel(ctx), begun, func(_ context.Context, c *Change) {
		err := failed[c]
		var undo func(context.Context) error
		if err == nil {
			undo, err = f(c)
		}
		r.a.finish(ctx, r.plan.OrgID, r.by, c, undo, err)
	})
}

// inOne makes one call for ten people, and if that fails one for each, so that one
// of them does not keep out the others.
func (r *run) inOne(ctx context.Context, changes []*Change, call func(ctx context.Context, orgID string, userIDs ...string) error) map[*Change]error {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.UserID)
	}
	failed := make(map[*Change]error)
	if len(ids) == 0 || call(ctx, r.plan.OrgID, ids...) == nil {
		return failed
	}
	for _, c := range changes {
		failed[c] = call(ctx, r.plan.OrgID, c.UserID)
	}
	return failed
}

// remove takes roles, no more than leave as many administrators as there were before
// or shall be, whichever is less, and only if Auth0 says right now that MinAdmins of
// those who stay are administrators.
func (r *run) remove(ctx context.Context, changes []*Change) {
	if len(changes) == 0 {
		return
	}
	if err := r.enough(ctx); err != nil {
		for _, c := range changes {
			c.Err = r.a.refuse(ctx, r.plan.OrgID, r.by, c, err)
		}
		return
	}
	var stay, leave []*Change
	for _, c := range r.spared(ctx, changes) {
		if c.Kind == kindRemoveMember {
			leave = append(leave, c)
		} else {
			stay = append(stay, c)
		}
	}
	r.each(ctx, stay)
	r.leave(ctx, leave)
}

// spared holds back removals and returns the others.
func (r *run) spared(ctx context.Context, changes []*Change) (out []*Change) {
	now := r.plan.Before
	for _, c := range r.of(kindAddMember, kindAddRole) {
		if c.Done {
			now++
		}
	}
	floor := max(r.a.s.cfg.MinAdmins, min(r.plan.Before, r.plan.Administrators))
	for _, c := range changes {
		h := r.o.holder(c.UserID)
		switch counts := h != nil && h.Counts; {
		case !counts:
			out = append(out, c)
		case now > floor:
			out = append(out, c)
			now--
		default:
			c.Err = r.a.refuse(ctx, r.plan.OrgID, r.by, c, errHeldBack)
		}
	}
	return out
}

// enough asks for those who stay.
func (r *run) enough(ctx context.Context) error {
	leaving := make(map[string]bool)
	for _, c := range r.of(kindRemoveRole, kindRemoveMember) {
		leaving[c.UserID] = true
	}
	var stay []string
	for _, h := range r.o.holders {
		if h.Counts && !leaving[h.UserID] {
			stay = append(stay, h.UserID)
		}
	}
	for _, c := range r.of(kindAddMember, kindAddRole) {
		if c.Done {
			stay = append(stay, c.UserID)
		}
	}
	return r.a.s.enough(ctx, r.o, stay)
}

// leave ends memberships, ten in a call, and then takes the roles, because it is not
// documented that they go with the membership. In the other order nothing would tell
// the next run who was to leave.
func (r *run) leave(ctx context.Context, changes []*Change) {
	for ten := range slices.Chunk(changes, chunk) {
		for _, c := range ten {
			r.a.begin(ctx, r.plan.OrgID, r.by, c)
		}
		r.end(ctx, ten, r.inOne(ctx, ten, r.a.s.dir.RemoveMembers), func(c *Change) (func(context.Context) error, error) {
			return nil, unseen(true, r.a.s.unassign(ctx, r.plan.OrgID, c))
		})
	}
}

// PlanUndo returns the plan that takes back what was done, against what is there
// now: who was added or invited loses the role or the invitation, who was removed is
// added or invited again, and everybody else stays as they are. It returns what Plan
// returns.
func (a *Admin) PlanUndo(ctx context.Context, done *Applied) (*Plan, error) {
	if done == nil {
		return nil, invalid("there is nothing to undo")
	}
	p := &Plan{OrgID: done.Plan.OrgID, From: "undo " + done.Plan.State[:min(16, len(done.Plan.State))], Undo: true}
	if err := named(p.OrgID); err != nil {
		return nil, err
	}
	if done.Plan.RoleID != a.s.role {
		return nil, invalid("what was applied is about another role than this Service's")
	}
	if err := a.permitted(ctx, p.OrgID, Change{Kind: kindRead, RoleID: a.s.role}); err != nil {
		return nil, a.refuseRead(ctx, p.OrgID, p.From, err)
	}
	o, err := a.s.observe(ctx, p.OrgID)
	if err != nil {
		return nil, err
	}
	emails, written, err := a.s.declared(p.takeBack(done, o))
	if err != nil {
		return nil, a.refuseRead(ctx, p.OrgID, p.From, err)
	}
	p.Declared = emails
	plan, _, err := a.compare(ctx, o, p, written)
	return plan, a.refuseRead(ctx, p.OrgID, p.From, err)
}

// takeBack returns who shall be an administrator when what was done is undone, and
// notes who shall leave the organization.
func (p *Plan) takeBack(done *Applied, o *observation) (emails []string) {
	wanted := make(map[string]bool)
	for _, h := range o.all() {
		if n, err := normal(h.Email); err == nil && h.Why != "expired" && h.Why != "deleted" {
			wanted[n] = true
		}
	}
	for _, c := range done.Changes {
		n, err := normal(c.Email)
		if err != nil || !c.Done || !c.Kind.Gives() && !c.Kind.Takes() {
			continue
		}
		wanted[n] = c.Kind.Takes()
		if c.Kind == kindAddMember || c.Kind == kindProvision {
			p.Leaving = append(p.Leaving, n)
		}
	}
	for email, is := range wanted {
		if is {
			emails = append(emails, email)
		}
	}
	slices.Sort(p.Leaving)
	return emails
}
