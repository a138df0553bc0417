package management

import "github.com/auth0kit/auth0kit/management/resource"

// The vocabulary of package resource, under this package's name.
type (
	// User is [resource.User].
	User = resource.User
	// NewUser is [resource.NewUser].
	NewUser = resource.NewUser
	// UserPatch is [resource.UserPatch].
	UserPatch = resource.UserPatch
	// Connection is [resource.Connection].
	Connection = resource.Connection
	// Role is [resource.Role].
	Role = resource.Role
	// Permission is [resource.Permission].
	Permission = resource.Permission
	// Member is [resource.Member].
	Member = resource.Member
	// Invitation is [resource.Invitation].
	Invitation = resource.Invitation
	// NewInvitation is [resource.NewInvitation].
	NewInvitation = resource.NewInvitation
	// Import is [resource.Import].
	Import = resource.Import
	// Job is [resource.Job].
	Job = resource.Job
	// JobError is [resource.JobError].
	JobError = resource.JobError
	// Factor is [resource.Factor].
	Factor = resource.Factor
	// AuthenticationMethod is [resource.AuthenticationMethod].
	AuthenticationMethod = resource.AuthenticationMethod
	// NewAuthenticationMethod is [resource.NewAuthenticationMethod].
	NewAuthenticationMethod = resource.NewAuthenticationMethod
	// EnrollmentTicket is [resource.EnrollmentTicket].
	EnrollmentTicket = resource.EnrollmentTicket
	// LogEntry is [resource.LogEntry].
	LogEntry = resource.LogEntry
	// Action is [resource.Action].
	Action = resource.Action
	// ActionVersion is [resource.ActionVersion].
	ActionVersion = resource.ActionVersion
	// Binding is [resource.Binding].
	Binding = resource.Binding
	// Error is [resource.Error].
	Error = resource.Error
)

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
