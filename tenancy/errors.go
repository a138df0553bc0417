package tenancy

import (
	"errors"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// What callers branch on.
var (
	ErrInvalidToken = errors.New("tenancy: invalid token")         // 401; see TokenError
	ErrUnavailable  = errors.New("tenancy: cannot be decided now") // 503; see UnavailableError
	ErrRequest      = errors.New("tenancy: invalid request")       // 400
	ErrNoTenant     = errors.New("tenancy: no organization")       // the token has no org_id; with ErrRequest, the request names none
	ErrForbidden    = errors.New("tenancy: forbidden")             // 403; see ForbiddenError
	ErrNotFound     = errors.New("tenancy: not found")             // 404
)

// TokenError is returned when a token is refused, and says why.
type TokenError struct {
	// Reason is for metrics and logs: too_long, malformed, header, type,
	// algorithm, issuer, key, signature, claims, confirmation (bound to a key, and
	// sent or taken as a bearer token), not_bound (the reverse), audience, expired,
	// not_yet, id_token, revoked, or lifetime (it lives longer than the Cutoff
	// remembers, or has no iat).
	Reason string
}

// Error contains nothing of the token.
func (e *TokenError) Error() string { return ErrInvalidToken.Error() + ": " + e.Reason }

// Is matches ErrInvalidToken.
func (e *TokenError) Is(target error) bool { return target == ErrInvalidToken }

// UnavailableError is returned when the issuer's keys, the member's roles or what
// was revoked cannot be read. It says nothing about the token.
type UnavailableError struct {
	RetryAfter time.Duration // Positive.
	Err        error         // The cause.
}

// Error includes the cause.
func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Err.Error() }

// Is matches ErrUnavailable.
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// ForbiddenError is returned when a caller may not do what they ask for.
type ForbiddenError struct {
	// Reason is for metrics and logs: other_org (the token is for another
	// organization), not_member, blocked (the user is, by an administrator),
	// permission (the caller lacks it), scope (the application was not granted it),
	// client (another application), or nothing (the zero Requirement, or none).
	Reason  string
	Missing []string // Permissions or scopes.
	Any     bool     // One of Missing is enough.
}

// Error names the permissions.
func (e *ForbiddenError) Error() string { return ErrForbidden.Error() + ": " + e.description() }

func (e *ForbiddenError) description() string {
	missing, one := strings.Join(e.Missing, " "), e.Any && len(e.Missing) > 1
	switch e.Reason {
	case "other_org":
		return "the token is for another organization"
	case "not_member":
		return "the user is not a member of the organization"
	case "blocked":
		return "the user is blocked"
	case "client":
		return "the application may not do this"
	case "scope":
		if one {
			return "the application was granted none of: " + missing
		}
		return "the application was not granted: " + missing
	case "permission":
		if one {
			return "one of these permissions is needed: " + missing
		}
		return "missing permission: " + missing
	}
	return "nobody may do this"
}

// Is matches ErrForbidden.
func (e *ForbiddenError) Is(target error) bool { return target == ErrForbidden }

// byRoles reports whether the refusal may be another one with more roles.
func byRoles(err error) bool {
	e, ours := errors.AsType[*ForbiddenError](err)
	if ours && (e.Reason == "client" || e.Reason == "nothing" || e.Reason == "scope" && !e.Any) {
		return false
	}
	return errors.Is(err, ErrForbidden)
}

// StepUpError is returned when the user has to authenticate again, more recently or
// by a stronger method. HTTP answers it with 401 and the challenge of RFC 9470.
type StepUpError struct {
	MaxAge time.Duration // Zero: any.
	ACR    []string      // One of them is needed. Empty: any.
}

// Error says what is needed.
func (e *StepUpError) Error() string {
	return "tenancy: the user must authenticate again, more recently or by a stronger method"
}

// requestError is a request that is malformed before any token is looked at.
type requestError struct {
	problem string
	is      error // ErrNoTenant, or nil
}

func (e *requestError) Error() string { return ErrRequest.Error() + ": " + e.problem }

func (e *requestError) Is(target error) bool { return target == ErrRequest || target == e.is }

// errNoToken is answered with 401 without an error code (RFC 6750 section 3.1).
var errNoToken error = noTokenError{}

type noTokenError struct{}

func (noTokenError) Error() string { return "tenancy: the request has no access token" }

func (noTokenError) Is(target error) bool { return target == ErrInvalidToken }

// routeError is a mistake of the server: its route cannot work.
type routeError struct{ problem string }

func (e *routeError) Error() string { return "tenancy: " + e.problem }

// proofError is a DPoP proof that is refused (RFC 9449 section 7.1).
type proofError struct{ reason string }

func (e *proofError) Error() string { return "tenancy: invalid DPoP proof: " + e.reason }

func (e *proofError) Is(target error) bool { return target == ErrInvalidToken }

// nonceError is a DPoP proof without a nonce of ours (RFC 9449 section 9).
type nonceError struct{ next string }

func (e *nonceError) Error() string { return "tenancy: the DPoP proof needs the nonce of the answer" }

func (e *nonceError) Is(target error) bool { return target == ErrInvalidToken }

// fromJose turns the errors of internal/jose into those of this package.
func fromJose(err error) error {
	if e, ok := errors.AsType[*jose.Error](err); ok {
		return &TokenError{Reason: string(e.Reason)}
	}
	if e, ok := errors.AsType[*jose.UnavailableError](err); ok {
		return &UnavailableError{RetryAfter: e.RetryAfter, Err: e.Err}
	}
	return err
}
