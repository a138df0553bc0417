package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// Error is an answer of the Authentication API that is not 2xx, or a request
// without a usable answer. Its text has Op, Status and Code only. Read it with
// errors.AsType[*Error].
type Error struct {
	Op          string        // "token", "mfa challenge", …
	Status      int           // Zero without an answer.
	Code        string        // OAuth's error: "invalid_grant", "mfa_required", "authorization_pending", …
	Description string        // May echo what was sent: do not log it.
	RetryAfter  time.Duration // At most two minutes.
	MFAToken    string        // With Code "mfa_required": proves the first factor for 10 minutes. A secret.
	Nonce       string        // With Code "use_dpop_nonce": for the next DPoP proof.
	Err         error         // The cause when there is no answer, or no readable one.
}

// Error has no personal data and no secret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("oauth: " + e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Format keeps %#v from printing MFAToken and Description.
func (e *Error) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.Error()) }

// maxRetryAfter is the longest time that an answer can name.
const maxRetryAfter = 2 * time.Minute

func newError(op string, resp *http.Response, body []byte) *Error {
	e := &Error{Op: op, Status: resp.StatusCode, RetryAfter: retry.After(resp.Header, time.Now(), maxRetryAfter), Nonce: resp.Header.Get("DPoP-Nonce")}
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
		MFAToken    string `json:"mfa_token"`
	}
	if json.Unmarshal(body, &answer) == nil {
		e.Description, e.MFAToken = answer.Description, answer.MFAToken
		if IsCode(answer.Code) {
			e.Code = answer.Code
		}
	}
	return e
}

// IsCode accepts what RFC 6749 section 5.2 and Auth0 use as codes, and no
// sentence: a code is printed.
func IsCode(s string) bool {
	if len(s) > 64 {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-', r == '.':
		default:
			return false
		}
	}
	return true
}

// silent wraps what the transport said: the text of a *url.Error has the URL,
// and that of a foreign transport may have anything.
type silent struct{ cause error }

func (s silent) Unwrap() error { return s.cause }

func (s silent) Error() string {
	switch {
	case errors.Is(s.cause, context.Canceled):
		return "no answer: canceled"
	case errors.Is(s.cause, context.DeadlineExceeded):
		return "no answer: deadline exceeded"
	}
	return "no answer"
}

func noAnswer(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return silent{err}
}
