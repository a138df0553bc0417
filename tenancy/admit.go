package tenancy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/authn"
)

// Call is a request of another transport than HTTP, for AdmitCall.
type Call struct {
	Token string // A bearer token.
	// Where returns the organization that the call is for. Its context has the
	// TenantContext, and its errors are those of a Locator.
	Where   func(context.Context) (Org, error)
	Request Request // What Custom requirements see.
}

// Admit does what the middleware does, for queues, sockets and tests: it verifies
// the bearer token, compares its organization with o, and checks the requirements.
// Pass the returned context to the handler: FromContext finds the caller, and audit
// events name the caller as their actor.
//
// Its errors are ErrInvalidToken (also without a token), ErrRequest, ErrNoTenant,
// ErrForbidden, ErrNotFound, ErrUnavailable, *StepUpError and what Custom requirements say; Refuse answers them
// all.
func (g *Guard) Admit(ctx context.Context, token string, o Org, r ...Requirement) (context.Context, error) {
	return g.AdmitCall(ctx, Call{Token: token, Where: func(context.Context) (Org, error) { return o, nil }}, r...)
}

// AdmitCall is Admit for adapters of other transports: the organization is looked up
// when the caller is known.
func (g *Guard) AdmitCall(ctx context.Context, c Call, r ...Requirement) (context.Context, error) {
	d := decision{g: g.of(c.Token), call: c, proven: proven{scheme: "Bearer", token: c.Token}, requirements: r}
	admitted, err := d.decide(ctx)
	if err != nil {
		return nil, g.refused(ctx, &d, err).Err
	}
	return admitted, nil
}

// Check checks further requirements of a caller whom g has admitted to ctx, as a
// handler needs that knows more than its route, and tells the log, the Recorder and
// OnRefuse of a refusal as the route does. Its errors are those of Requirement.Check.
func (g *Guard) Check(ctx context.Context, q Request, r ...Requirement) error {
	t, _ := FromContext(ctx) // Requirement.Check refuses nil
	err := checkAll(ctx, t, q, r)
	if err == nil {
		return nil
	}
	d := decision{g: g.ofCaller(t), tenant: t, call: Call{Request: q}}
	return g.refused(ctx, &d, err).Err
}

// decision is the way of one request through a Guard.
type decision struct {
	g            *Guard
	call         Call
	proven       proven
	requirements []Requirement

	tenant *TenantContext // once the token is verified
	nonce  string         // for the client's next proof
}

// decide returns the context of the handler, or why the request is refused.
func (d *decision) decide(ctx context.Context) (context.Context, error) {
	if d.proven.token == "" {
		return nil, errNoToken
	}
	if d.g == nil {
		return nil, ofNobody(d.proven.token)
	}
	t, err := d.g.v.verifyBound(ctx, d.proven.token)
	if err != nil {
		return nil, err
	}
	d.tenant = t.tenant.clone()
	d.tenant.FirstParty = d.tenant.ClientID != "" && slices.Contains(d.g.cfg.FirstParty, d.tenant.ClientID)
	if d.nonce, err = d.g.proofs.check(ctx, d.proven, d.tenant.token.Thumbprint); err != nil {
		return nil, err
	}
	if d.g.cfg.Cutoff != nil {
		if err := d.g.cfg.Cutoff.check(ctx, d.tenant); err != nil {
			return nil, err
		}
	}
	if d.tenant.TenantID == "" {
		return nil, ErrNoTenant
	}
	ctx = d.known(ctx)
	if err := d.locate(ctx); err != nil {
		return nil, err
	}
	if d.g.live != nil && d.tenant.Kind == User {
		if err := d.g.live.fill(ctx, d.tenant); err != nil {
			return nil, err
		}
	}
	if err := d.check(ctx); err != nil {
		return nil, err
	}
	if d.tenant.listed { // the handler may require more than its route
		l, t := d.g.live, d.tenant.clone()
		d.tenant.asked = func(ctx context.Context) (*TenantContext, error) {
			all := t.clone()
			return all, l.confirm(ctx, all)
		}
	}
	return ctx, nil
}

// known returns a context that says who is calling.
func (d *decision) known(ctx context.Context) context.Context {
	origin := audit.FromContext(ctx)
	origin.Actor = audit.Ref{Kind: d.tenant.Kind.String(), ID: d.tenant.UserID}
	origin.Organization = d.tenant.TenantID
	return authn.NewContext(NewContext(audit.NewContext(ctx, origin), d.tenant), d.tenant)
}

// locate compares the organization of the request with the token's.
func (d *decision) locate(ctx context.Context) error {
	where := d.call.Where
	if where == nil {
		return notLocated(ErrNoTenant)
	}
	o, err := where(ctx)
	switch {
	case err != nil:
		return notLocated(err)
	case o == Org{}:
		return notLocated(ErrNoTenant)
	case o.ID != "" && o.ID != d.tenant.TenantID:
		return &ForbiddenError{Reason: "other_org"}
	case o.Name != "" && d.g.live != nil:
		return d.g.live.named(ctx, d.tenant.TenantID, o.Name)
	case o.Name != "" && o.Name != d.tenant.TenantName:
		return ErrNotFound
	}
	return nil
}

// notLocated classifies the errors of a Locator, as its doc says.
func notLocated(err error) error {
	if _, ok := errors.AsType[*routeError](err); ok || errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnavailable) {
		return err
	}
	if errors.Is(err, ErrNoTenant) {
		return &requestError{problem: "the request does not say which organization it is for", is: ErrNoTenant}
	}
	return &UnavailableError{RetryAfter: minRetry, Err: err}
}

// check evaluates the requirements, at each request. When one is not met by what
// the list of members says, the member is asked for alone first.
func (d *decision) check(ctx context.Context) error {
	all := d.requirements
	if len(all) == 0 {
		return &ForbiddenError{Reason: "nothing"}
	}
	all = slices.Concat(d.g.cfg.Always, all)
	err := checkAll(ctx, d.tenant, d.call.Request, all)
	if !d.tenant.listed || !byRoles(err) {
		return err
	}
	if err := d.g.live.confirm(ctx, d.tenant); err != nil {
		return err
	}
	return checkAll(ctx, d.tenant, d.call.Request, all)
}

// refused tells everybody who wants to know of a refusal, and returns it.
func (g *Guard) refused(ctx context.Context, d *decision, err error) Refusal {
	if d.g != nil { // nil: of no issuer of Join
		g = d.g
	}
	x := refusalOf(err).named(d.tenant, d.call.Request.Method)
	if x.Diagnosis == nil && x.Status/100 == 4 {
		x.Diagnosis = g.diagnosis(d.proven.token, d.tenant, err)
	}
	g.log.write(ctx, x)
	if d.tenant != nil && x.Status/100 == 4 && x.Status != 400 {
		x.Err = g.deny(d.known(ctx), x, err)
	}
	if g.cfg.OnRefuse != nil {
		g.cfg.OnRefuse(ctx, x)
	}
	return x
}

// deny records a refusal. It stands, recorded or not.
func (g *Guard) deny(ctx context.Context, x Refusal, err error) error {
	event := audit.Event{Type: "tenancy", Action: "tenancy.deny", Outcome: audit.Failure, Reason: x.Reason, Source: "auth0kit/tenancy"}
	if len(x.Missing) > 0 {
		missing := strings.Join(x.Missing, " ")
		event.Metadata = map[string]string{"missing": missing[:min(len(missing), audit.MaxValue)]}
	}
	if unrecorded := audit.Record(ctx, g.cfg.Recorder, event); unrecorded != nil {
		return errors.Join(err, unrecorded)
	}
	return err
}
