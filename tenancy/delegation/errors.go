package delegation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/auth0kit/auth0kit/management/resource"
)

// What callers branch on. Any other error means that Auth0, the Locker or the
// Recorder did not do its part.
var (
	ErrNotAllowed      = errors.New("delegation: not allowed")                                                               // by the Authorizer, or the role may not be granted by this actor
	ErrSelf            = errors.New("delegation: administrators cannot remove themselves; ask another one")                  // the actor is the person to remove
	ErrLastAdmin       = errors.New("delegation: too few administrators would remain; add another one first")                // see Config.MinAdmins
	ErrEmpty           = errors.New("delegation: the declaration names nobody; set Config.AllowEmpty if that is meant")      // Declared.Emails is empty
	ErrTooManyRemovals = errors.New("delegation: the plan removes more people than Config.MaxRemovals")                      // raise it if that is meant
	ErrUnknown         = errors.New("delegation: there is no such person or invitation")                                     // and Config.Onboarding brings in nobody
	ErrUnverified      = errors.New("delegation: the email of the account is not verified; let the person verify it")        // see Config.AllowUnverifiedEmail
	ErrBlocked         = errors.New("delegation: the account is blocked; unblock it first")                                  // or deleted meanwhile
	ErrInherited       = errors.New("delegation: the role comes from a group; change the group")                             // nothing to remove here
	ErrDrift           = errors.New("delegation: the organization is not as it was when the plan was made; make a new plan") // nothing was changed
	ErrNotNotified     = errors.New("delegation: the change is done, but the person was not told")                           // by the Notifier
	ErrLockLost        = errors.New("delegation: the lock of the organization was lost; run it again")                       // cause of the context of a Locker
	ErrEmail           = errors.New("delegation: not an email address")                                                      // of an argument or a declaration
)

// AmbiguousError is returned when several accounts have the email. Grant the
// role to one of them by its id.
type AmbiguousError struct{ UserIDs []string }

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("delegation: %d accounts have this email; grant the role to one of them by its id", len(e.UserIDs))
}

// Refusals that nobody branches on.
var (
	errAuthorizer = errors.New("delegation: the Authorizer failed")
	errConnection = errors.New("delegation: the organization has not enabled Provision.Connection")
	errNotEnabled = errors.New("delegation: the organization has not enabled the connection of the account")
	errNobody     = fmt.Errorf("%w, and Config.Onboarding brings in nobody", ErrUnknown)
	errNotInvite  = fmt.Errorf("%w that can be made again; it needs Config.Onboarding to be Invite", ErrUnknown)
	errNoEmail    = errors.New("delegation: the account has no email that could be declared; revoke the role by the user's id")
	errHeldBack   = errors.New("delegation: not removed, because somebody who was to be added was not; run it again")
)

// reasons are the words for errors in events and in plans, decisions first.
var reasons = []struct {
	err      error
	word     string
	decision bool
}{
	{errAuthorizer, "authorizer", true}, {ErrNotAllowed, "not_allowed", true}, {ErrSelf, "self", true}, {ErrLastAdmin, "last_admin", true}, {ErrEmpty, "empty", true},
	{ErrTooManyRemovals, "too_many_removals", true}, {ErrUnknown, "unknown", true}, {ErrUnverified, "unverified", true},
	{ErrBlocked, "blocked", true}, {ErrInherited, "inherited", true}, {ErrDrift, "drift", true}, {ErrEmail, "email", true},
	{errConnection, "connection", true}, {errNotEnabled, "connection", true}, {errNoEmail, "no_email", true}, {errHeldBack, "held_back", true},
	{ErrNotNotified, "not_notified", false}, {ErrLockLost, "lock_lost", false},
	{resource.ErrOutcomeUnknown, "outcome_unknown", false}, {resource.ErrRateLimited, "rate_limited", false},
	{resource.ErrForbidden, "forbidden", false}, {resource.ErrNotFound, "not_found", false},
	{resource.ErrConflict, "conflict", false}, {resource.ErrUnavailable, "unavailable", false},
}

// reason returns the word for an error, and whether it is a decision and no failure.
func reason(err error) (word string, decision bool) {
	if err == nil {
		return "", false
	}
	if _, is := errors.AsType[*AmbiguousError](err); is {
		return "ambiguous", true
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word, r.decision
		}
	}
	return "error", false
}

func invalid(problem string) error { return errors.New("delegation: " + problem) }

// join is errors.Join that keeps a single error as it is.
func join(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// isRefusal tells a decision from a failure.
func isRefusal(err error) bool {
	_, is := reason(err)
	return is
}
