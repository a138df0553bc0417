package guardian

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The reasons for a refusal. Verify and ConfirmTOTP wrap those of the first group
// in a [*VerifyError].
var (
	ErrWrongCode = errors.New("guardian: wrong code")
	ErrReplayed  = errors.New("guardian: code was used before") // Somebody saw the code: raise an alert.
	ErrThrottled = errors.New("guardian: too many attempts; wait")
	ErrLocked    = errors.New("guardian: factor is locked; enroll it again")
	ErrExpired   = errors.New("guardian: challenge or enrollment has expired")
	ErrDenied    = errors.New("guardian: refused on the device") // The user may not have started it: raise an alert.
	// ErrNotEnrolled has a method NotFound, by which session/login knows it.
	ErrNotEnrolled error = notEnrolledError{}

	ErrFactorDisabled = errors.New("guardian: factor is off for the whole tenant")
	ErrStepUp         = errors.New("guardian: proof of a second factor is needed")
)

type notEnrolledError struct{}

func (notEnrolledError) Error() string  { return "guardian: not enrolled" }
func (notEnrolledError) NotFound() bool { return true }

// VerifyError is returned when an attempt is refused. Read it with
// errors.AsType[*VerifyError]. Its text contains no user, code or address.
type VerifyError struct {
	Err          error         // One of the sentinels; errors.Is finds it.
	AttemptsLeft int           // Until ErrLocked; -1 when attempts are not counted.
	RetryAfter   time.Duration // Attempts before that are refused.
}

// Error says what was wrong and when to try again.
func (e *VerifyError) Error() string {
	if e.RetryAfter <= 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s; retry after %s", e.Err, e.RetryAfter.Round(time.Second))
}

// Unwrap returns the sentinel.
func (e *VerifyError) Unwrap() error { return e.Err }

// refuse is a no that knows nothing of attempts.
func refuse(err error) *VerifyError { return &VerifyError{Err: err, AttemptsLeft: -1} }

// reasons are the words for audit events. Of joined errors the first one here
// counts: what calls for an alert or ends the factor, and then the rest.
var reasons = []struct {
	word string
	err  error
}{
	{"locked", ErrLocked}, {"replayed", ErrReplayed}, {"denied", ErrDenied}, {"throttled", ErrThrottled},
	{"wrong_code", ErrWrongCode}, {"expired", ErrExpired}, {"not_enrolled", ErrNotEnrolled},
	{"factor_disabled", ErrFactorDisabled}, {"step_up_required", ErrStepUp},
}

// sentinelOf returns the sentinel that err is or wraps, nil for none.
func sentinelOf(err error) error {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.err
		}
	}
	return nil
}

// reasonOf is the reason of an event for err.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "error"
}

// wrapped gives err the package's prefix once.
func wrapped(what string, err error) error {
	if err == nil || strings.HasPrefix(err.Error(), "guardian: ") {
		return err
	}
	return fmt.Errorf("guardian: %s: %w", what, err)
}

func invalid(field, problem string) error { return fmt.Errorf("guardian: %s %s", field, problem) }
