package actions

import "errors"

// The errors that callers branch on.
var (
	ErrDenied    = errors.New("actions: the login is denied")
	ErrDrift     = errors.New("actions: the tenant has changed since the plan was made; make another")
	ErrNoVersion = errors.New("actions: there is no earlier version to go back to")
)

// unavailable is shown in place of the text of an error.
const unavailable = "The login cannot be completed at the moment. Please try again later."
