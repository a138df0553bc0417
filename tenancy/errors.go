package tenancy

import (
	"errors"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// What callers branch on.
var (
	ErrInvalidToken = errors.New("tenancy: invalid token")                   // 401; see TokenError
	ErrUnavailable  = errors.New("tenancy: cannot be decided now")           // 503; see UnavailableError
	ErrNoTenant     = errors.New("tenancy: no organization")                 // the token has no org_id, or the request names none
	ErrForbidden    = errors.New("tenancy: forbidden")                       // 403; see ForbiddenError
	errNoToken      = errors.New("tenancy: the request has no bearer token") // 401 without an error code (RFC 6750 section 3.1)
)

// TokenError is returned when a token is refused, and says why.
type TokenError struct {
	// Reason is for metrics and logs: too_long, malformed, header, type,
	// algorithm, issuer, key, signature, claims, confirmation, audience, expired,
	// not_yet, or id_token.
	Reason string
}

// Error contains nothing of the token.
func (e *TokenError) Error() string { return ErrInvalidToken.Error() + ": " + e.Reason }

// Is matches ErrInvalidToken.
func (e *TokenError) Is(target error) bool { return target == ErrInvalidToken }

// UnavailableError is returned when the issuer's keys or the member's roles cannot
// be read. It says nothing about the token.
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

// ForbiddenError is returned when permissions are missing, or, if it names none,
// when the token is for another organization.
type ForbiddenError struct {
	Missing []string // Permissions that are not held.
	Any     bool     // One of Missing is enough.
}

// Error names the permissions.
func (e *ForbiddenError) Error() string { return ErrForbidden.Error() + ": " + e.description() }

func (e *ForbiddenError) description() string {
	switch {
	case len(e.Missing) == 0:
		return "the token is for another organization"
	case e.Any && len(e.Missing) > 1:
		return "one of these permissions is needed: " + strings.Join(e.Missing, " ")
	}
	return "missing permission: " + strings.Join(e.Missing, " ")
}

// Is matches ErrForbidden.
func (e *ForbiddenError) Is(target error) bool { return target == ErrForbidden }

// requestError is a request that is malformed before any token is looked at.
type requestError struct{ problem string }

func (e *requestError) Error() string { return "tenancy: invalid request: " + e.problem }

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
