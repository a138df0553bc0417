package resource

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Errors for callers to branch on. An [*Error] matches them with errors.Is.
var (
	ErrNotFound       = errors.New("auth0: not found")                          // 404
	ErrConflict       = errors.New("auth0: conflict")                           // 409
	ErrRateLimited    = errors.New("auth0: rate limited")                       // 429, or no room in the bucket within MaxWait
	ErrForbidden      = errors.New("auth0: forbidden")                          // 403: a scope or a feature of the plan is missing
	ErrUnauthorized   = errors.New("auth0: unauthorized")                       // 401: the credentials or the token
	ErrInvalid        = errors.New("auth0: invalid request")                    // 400, 413, 422, and what was refused before sending
	ErrUnavailable    = errors.New("auth0: unavailable")                        // 408, 5xx, or no answer
	ErrJobSlots       = errors.New("auth0: both import job slots are in use")   // 429 of its own kind; also ErrRateLimited
	ErrOutcomeUnknown = errors.New("auth0: sent, but the outcome is not known") // a write without an answer, or answered 408 or 5xx: look before repeating it; check it before ErrUnavailable
)

// Error is returned for any answer of Auth0 that is not 2xx, and for any call
// without an answer. Its text contains Op, the status and Code, never Message, a
// URL or a body, because those contain emails and ids. Read it with
// errors.AsType[*Error].
type Error struct {
	Op         string        // "create user", "read job", …
	StatusCode int           // Zero without an answer.
	Code       string        // Auth0's errorCode, such as "inexistent_user"; often empty.
	Message    string        // Auth0's message. It may echo input: do not log it.
	RetryAfter time.Duration // Zero when Auth0 named no time.
	Err        error         // The cause, when there is one.
}

// Error contains no personal data.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("auth0: ")
	b.WriteString(e.Op)
	if e.StatusCode != 0 {
		b.WriteString(strings.TrimRight(fmt.Sprintf(": %d %s", e.StatusCode, http.StatusText(e.StatusCode)), " "))
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %s", e.RetryAfter)
	}
	if e.Err != nil {
		b.WriteString(": " + strings.ReplaceAll(e.Err.Error(), "auth0: ", ""))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NotFound reports whether the resource does not exist. Packages that do not
// import this one, such as session, use this method.
func (e *Error) NotFound() bool { return e.StatusCode == http.StatusNotFound }

// Is matches the status with the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrJobSlots:
		return e.StatusCode == http.StatusTooManyRequests && strings.Contains(e.Message, "active import users jobs")
	case ErrUnavailable:
		return e.StatusCode == http.StatusRequestTimeout || e.StatusCode >= 500
	case ErrInvalid:
		switch e.StatusCode {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
			return true
		}
		return false
	}
	return e.StatusCode != 0 && bySentinel[target] == e.StatusCode
}

var bySentinel = map[error]int{
	ErrNotFound:     http.StatusNotFound,
	ErrConflict:     http.StatusConflict,
	ErrRateLimited:  http.StatusTooManyRequests,
	ErrForbidden:    http.StatusForbidden,
	ErrUnauthorized: http.StatusUnauthorized,
}
