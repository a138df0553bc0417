package tenancy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// Requirement holds what a route requires of its callers. The zero value is never
// met.
type Requirement struct {
	check func(context.Context, *TenantContext, Request) error
}

// Request is what a caller asks for.
type Request struct {
	HTTP    *http.Request // Nil on other transports.
	Method  string        // The route's pattern, the gRPC method, or the MCP tool.
	Message any           // gRPC's request message; nil for streams.
}

// Check returns nil if the caller meets the requirement, or why not: a
// *ForbiddenError, a *StepUpError, or what a Custom requirement says. It does not
// compare organizations.
func (r Requirement) Check(ctx context.Context, t *TenantContext, q Request) error {
	if r.check == nil || t == nil {
		return &ForbiddenError{Reason: "nothing"}
	}
	return r.check(ctx, t, q)
}

// Check returns nil if the caller meets the requirements in that organization, and
// an error otherwise; no requirements are never met. It is for handlers, queues and
// tests; use Require for HTTP.
func (t *TenantContext) Check(ctx context.Context, orgID string, r ...Requirement) error {
	if t == nil || orgID == "" || orgID != t.TenantID {
		return &ForbiddenError{Reason: "other_org"}
	}
	return checkAll(ctx, t, Request{}, r)
}

func checkAll(ctx context.Context, t *TenantContext, q Request, r []Requirement) error {
	if len(r) == 0 {
		return &ForbiddenError{Reason: "nothing"}
	}
	for _, requirement := range r {
		if err := requirement.Check(ctx, t, q); err != nil {
			return err
		}
	}
	return nil
}

// Authenticated is met by every caller of the organization, whatever they may do.
func Authenticated() Requirement {
	return Requirement{check: func(context.Context, *TenantContext, Request) error { return nil }}
}

// AllOf requires all of the permissions, and that the application was granted them
// as scopes unless it is one of GuardConfig.FirstParty and nobody acts for the
// user. The first is an argument of its own, so that an empty list from a file
// cannot open a route. Nobody has the permission "".
func AllOf(permission string, more ...string) Requirement {
	return ofPermissions(append([]string{permission}, more...), false)
}

// AnyOf requires one of the permissions, granted as with AllOf.
func AnyOf(permission string, more ...string) Requirement {
	return ofPermissions(append([]string{permission}, more...), true)
}

func ofPermissions(all []string, one bool) Requirement {
	permitted := func(t *TenantContext) error {
		var missing, ungranted []string
		for _, p := range all {
			switch {
			case !t.holds(p):
				missing = append(missing, p)
			case t.delegated() && !t.granted(p):
				ungranted = append(ungranted, p)
			case one:
				return nil
			}
		}
		switch {
		case one && len(ungranted) > 0:
			return &ForbiddenError{Reason: "scope", Missing: ungranted, Any: true}
		case len(missing) > 0:
			return &ForbiddenError{Reason: "permission", Missing: missing, Any: one}
		case len(ungranted) > 0:
			return &ForbiddenError{Reason: "scope", Missing: ungranted}
		}
		return nil
	}
	return Requirement{check: func(ctx context.Context, t *TenantContext, _ Request) error {
		err := permitted(t)
		if t.asked == nil || !byRoles(err) {
			return err
		}
		if t, err = t.asked(ctx); err != nil {
			return err
		}
		return permitted(t)
	}}
}

// Granted requires that the application was granted all of the scopes, be it one of
// GuardConfig.FirstParty or not. It asks for no permission of the user.
func Granted(scope string, more ...string) Requirement {
	all := append([]string{scope}, more...)
	return Requirement{check: func(_ context.Context, t *TenantContext, _ Request) error {
		missing := slices.DeleteFunc(slices.Clone(all), t.granted)
		if len(missing) > 0 {
			return &ForbiddenError{Reason: "scope", Missing: missing}
		}
		return nil
	}}
}

// ByClient requires that one of these applications, by client id, got the token.
func ByClient(id string, more ...string) Requirement {
	all := append([]string{id}, more...)
	return Requirement{check: func(_ context.Context, t *TenantContext, _ Request) error {
		if t.ClientID == "" || !slices.Contains(all, t.ClientID) {
			return &ForbiddenError{Reason: "client"}
		}
		return nil
	}}
}

// clockSkew is how far in the future auth_time may be.
const clockSkew = 30 * time.Second

// StepUp requires that the user authenticated within maxAge, if that is not zero,
// and in one of the ways that acr names, if it names any (RFC 9470). Access tokens
// have auth_time and acr where an Action puts them there; without them StepUp is
// not met, and neither is one that asks for nothing.
func StepUp(maxAge time.Duration, acr ...string) Requirement {
	acr = slices.Clone(acr)
	return Requirement{check: func(_ context.Context, t *TenantContext, _ Request) error {
		age := t.time().Sub(t.AuthTime)
		fresh := maxAge == 0 || maxAge > 0 && !t.AuthTime.IsZero() && age <= maxAge && age >= -clockSkew
		strong := len(acr) == 0 || t.ACR != "" && slices.Contains(acr, t.ACR)
		if fresh && strong && (maxAge != 0 || len(acr) > 0) {
			return nil
		}
		return &StepUpError{MaxAge: max(maxAge, 0), ACR: acr}
	}}
}

// Custom requires that f returns nil: relations of a store such as OpenFGA, rules or
// lists of your own. f is called after the caller is authenticated and the
// organization compared. Its ErrForbidden, ErrNotFound, ErrInvalidToken, *ForbiddenError
// and *StepUpError are answered as such (403, 404, 401); any other error is answered
// with 503. f must be safe for concurrent use, and change nothing: it may be asked twice
// for one request, and again while a stream lasts.
func Custom(f func(ctx context.Context, t *TenantContext, r Request) error) Requirement {
	if f == nil {
		return Requirement{}
	}
	return Requirement{check: func(ctx context.Context, t *TenantContext, r Request) error {
		err := f(ctx, t, r)
		if _, stepUp := errors.AsType[*StepUpError](err); err == nil || stepUp {
			return err
		}
		for _, known := range []error{ErrForbidden, ErrNotFound, ErrUnavailable, ErrInvalidToken} {
			if errors.Is(err, known) {
				return err
			}
		}
		return &UnavailableError{RetryAfter: minRetry, Err: err}
	}}
}
