package login

import (
	"errors"
	"net/http"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/session"
)

var (
	// ErrMFARequired is what Config.OnLogin returns to have Auth0 ask for a second
	// factor. OnLogin runs again afterwards, with Identity.MFA.
	ErrMFARequired = errors.New("login: a second factor is required")
	// ErrRefused is what Config.OnLogin returns, alone or wrapped with the reason for your
	// log, when it has decided that the user may not come in.
	ErrRefused = errors.New("login: refused")
	// ErrLoginRequired is returned when there is no access token to be had without
	// the user: the session has ended, or its refresh token is not accepted any more.
	ErrLoginRequired = errors.New("login: the user must sign in again")
)

// Hold returns what Config.OnLogin returns to have a page of this site ask for a
// second factor before there is a session: guardian's, or one of yours. The login
// waits in the browser, sealed, for 10 minutes, and the browser is sent to path, with
// the parameter to where it goes on. When the page has called [Held.StepUp], the
// user comes back through Auth0, which knows them by now, and OnLogin runs again with
// Identity.MFA. A path that is not one of this site fails the login.
func Hold(path string) error { return &holdError{path} }

type holdError struct{ path string }

func (*holdError) Error() string { return "login: the login waits for a second factor" }

// Refused logins, as session.Refusal has them.
var (
	errState    = errors.New("login: this browser has not asked for this login, or more than an hour ago")
	errAuth0    = errors.New("login: Auth0 refused the login")
	errIDToken  = errors.New("login: the ID token is not what was asked for")
	errUser     = errors.New("login: another user came back from Auth0")
	errNoFactor = errors.New("login: a second factor is needed, and Auth0 has none of this user")
)

// refused is a login that fails, with the status and the reason for the page.
type refused struct {
	status int
	reason string
	err    error
}

func (x *refused) Error() string { return x.err.Error() }
func (x *refused) Unwrap() error { return x.err }

func refuse(status int, reason string, err error) *refused { return &refused{status, reason, err} }

// ofHook is the refusal for what OnLogin returned: by its decision, or because it
// could not decide.
func ofHook(err error) *refused {
	denied, ok := errors.AsType[interface {
		error
		Denied() bool
	}](err)
	if errors.Is(err, ErrRefused) || ok && denied.Denied() {
		return refuse(http.StatusForbidden, "refused", err)
	}
	return refuse(http.StatusServiceUnavailable, "unavailable", err)
}

// ofFactors is the refusal for a user who has no factor, or of whom that is not known.
func ofFactors(err error) *refused {
	none, ok := errors.AsType[interface {
		error
		NotFound() bool
	}](err)
	if ok && none.NotFound() {
		return refuse(http.StatusForbidden, "no_factor", errors.Join(errNoFactor, err))
	}
	return refuse(http.StatusServiceUnavailable, "unavailable", err)
}

// ofAuth0 is the refusal for an answer of the token endpoint.
func ofAuth0(err error) *refused {
	if e, ok := errors.AsType[*oauth.Error](err); ok && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests {
		return refuse(http.StatusForbidden, "auth0", err)
	}
	return refuse(http.StatusServiceUnavailable, "unavailable", err)
}

// ofToken is the refusal for an ID token that is not verified.
func ofToken(err error) *refused {
	if errors.Is(err, jose.ErrUnavailable) {
		return refuse(http.StatusServiceUnavailable, "unavailable", err)
	}
	return refuse(http.StatusForbidden, "id_token", err)
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, err error) {
	if x, ok := errors.AsType[*refused](err); ok {
		h.web.Refuse(w, r, session.Refusal{Status: x.status, Reason: x.reason, Err: x.err})
		return
	}
	h.web.Refuse(w, r, session.Refusal{Err: err})
}
