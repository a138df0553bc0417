package management

import "github.com/auth0kit/auth0kit/management/resource"

// Error is [resource.Error].
type Error = resource.Error

// The errors of package resource, under this package's name.
var (
	ErrNotFound       = resource.ErrNotFound
	ErrConflict       = resource.ErrConflict
	ErrRateLimited    = resource.ErrRateLimited
	ErrForbidden      = resource.ErrForbidden
	ErrUnauthorized   = resource.ErrUnauthorized
	ErrInvalid        = resource.ErrInvalid
	ErrUnavailable    = resource.ErrUnavailable
	ErrJobSlots       = resource.ErrJobSlots
	ErrOutcomeUnknown = resource.ErrOutcomeUnknown
)
