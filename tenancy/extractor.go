package tenancy

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Config holds an Extractor's optional settings. The zero value uses the defaults.
type Config struct {
	// Directory is read for the roles of users, in place of the permissions in their
	// tokens, which are as old as the token. Defaults to none.
	Directory Directory
	// RoleTTL is how long a member's roles are cached; a role removed at Auth0 keeps
	// working for up to that long. Defaults to 5 min. See Directory for what the rate
	// limit allows.
	RoleTTL time.Duration
	// PermissionTTL is the same for the permissions of a role. Defaults to 15 min.
	PermissionTTL time.Duration
	// MaxEntries bounds the members that are kept, of about 1 kB each while they
	// have few roles, and, apart, the roles. Defaults to 10,000.
	MaxEntries int
	// Recorder receives "tenancy.deny" when a known caller is refused. Defaults to
	// audit.Discard.
	Recorder audit.Recorder
}

// Extractor turns tokens into TenantContexts and guards routes. It is safe for
// concurrent use.
type Extractor struct {
	v        *Verifier
	where    Locator
	live     *live // nil without a Directory
	recorder audit.Recorder
}

// NewExtractor returns an Extractor for the tokens that v accepts and requests
// whose organization where finds. It does no I/O.
func NewExtractor(v *Verifier, where Locator, cfg Config) (*Extractor, error) {
	if v == nil {
		return nil, errors.New("tenancy: NewExtractor needs a Verifier")
	}
	if where == nil {
		return nil, errors.New("tenancy: NewExtractor needs a Locator; FromToken is the one for requests that name no organization")
	}
	if cfg.RoleTTL < 0 || cfg.PermissionTTL < 0 || cfg.MaxEntries < 0 {
		return nil, errors.New("tenancy: Config.RoleTTL, PermissionTTL and MaxEntries must not be negative")
	}
	x := &Extractor{v: v, where: where, recorder: cfg.Recorder}
	if cfg.Directory != nil {
		x.live = newLive(cfg.Directory, v.audience, orDefault(cfg.MaxEntries, 10_000),
			orDefault(cfg.RoleTTL, 5*time.Minute), orDefault(cfg.PermissionTTL, 15*time.Minute))
	}
	return x, nil
}

func orDefault[T int | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// Extract verifies the token and returns who is calling. Its errors are those of
// Verify, ErrNoTenant for a token without org_id, and, with a Directory,
// ErrUnavailable. It does not compare organizations; use the middleware, Admit or
// TenantContext.Check for that.
//
// Permissions are the token's, which Auth0 computes from the roles inside the
// organization alone. With a Directory, the permissions of users are read from the
// same roles, for this API alone; clients and agents are not members and have the
// permissions of their token.
func (x *Extractor) Extract(ctx context.Context, token string) (*TenantContext, error) {
	t, err := x.v.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if t.tenant.TenantID == "" {
		return nil, ErrNoTenant
	}
	tenant := t.tenant.clone()
	if x.live != nil && tenant.Kind == User {
		tenant.Roles, tenant.Permissions, err = x.live.member(ctx, member{tenant.TenantID, tenant.UserID})
		if err != nil {
			return nil, err
		}
	}
	return tenant, nil
}

// Admit does what the middleware does, for other transports: it extracts the
// caller, calls where for the organization with a context that has the
// TenantContext, and checks both. Pass the returned context to the handler:
// FromContext finds the caller, and audit events name the caller as their actor.
func (x *Extractor) Admit(ctx context.Context, token string, where func(context.Context) (orgID string, err error), r ...Requirement) (context.Context, error) {
	tenant, err := x.Extract(ctx, token)
	if err != nil {
		return nil, err
	}
	origin := audit.FromContext(ctx)
	origin.Actor = audit.Ref{Kind: tenant.Kind.String(), ID: tenant.UserID}
	origin.Organization = tenant.TenantID
	ctx = NewContext(audit.NewContext(ctx, origin), tenant)
	orgID, err := where(ctx)
	if err != nil {
		return nil, notLocated(err)
	}
	if err := tenant.Check(orgID, r...); err != nil {
		return nil, x.deny(ctx, err)
	}
	return ctx, nil
}

// notLocated classifies the errors of a Locator, as its doc says.
func notLocated(err error) error {
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, ErrNoTenant):
		return &requestError{problem: "the request does not say which organization it is for"}
	}
	return &UnavailableError{RetryAfter: minRetry, Err: err}
}

// deny records a refusal. It stands, recorded or not.
func (x *Extractor) deny(ctx context.Context, err error) error {
	event := audit.Event{Type: "tenancy", Action: "tenancy.deny", Outcome: audit.Failure, Reason: "wrong_organization", Source: "auth0kit/tenancy"}
	if e, ok := errors.AsType[*ForbiddenError](err); ok && len(e.Missing) > 0 {
		event.Reason = "missing_permission"
		missing := strings.Join(e.Missing, " ")
		event.Metadata = map[string]string{"missing": missing[:min(len(missing), audit.MaxValue)]}
	}
	if unrecorded := audit.Record(ctx, x.recorder, event); unrecorded != nil {
		return errors.Join(err, unrecorded)
	}
	return err
}

// Invalidate forgets the cached roles of a member. The next request reads them
// again; a request in progress may still use what it has read.
func (x *Extractor) Invalidate(orgID, userID string) {
	x.invalidate(func(m member) bool { return m == member{orgID, userID} })
}

func (x *Extractor) invalidate(match func(member) bool) {
	if x.live != nil {
		x.live.roles.invalidate(match)
	}
}

// InvalidateRole forgets the cached permissions of a role.
func (x *Extractor) InvalidateRole(roleID string) {
	if x.live != nil {
		x.live.permissions.invalidate(func(id string) bool { return id == roleID })
	}
}
