package authapi

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Answering serves what answers with JSON, or with nothing, to requests that have some
// parameters.
func Answering(status int, answer func(*state.Tenant, *Request) (any, *OAuthError), needs ...string) func(*state.Tenant, http.ResponseWriter, *http.Request) {
	return func(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
		q := Read(w, r, needs...)
		if q == nil {
			return
		}
		body, bad := answer(t, q)
		switch {
		case bad != nil:
			bad.Send(w)
		case body == nil:
			w.WriteHeader(status)
		default:
			web.NoStore(w)
			web.SendJSON(w, status, body)
		}
	}
}

// ForApp is an answer to an application that proves who it is.
func ForApp(answer func(*state.Tenant, *Request, *state.App) (any, *OAuthError), needs ...string) func(*state.Tenant, *Request) (any, *OAuthError) {
	return func(t *state.Tenant, q *Request) (any, *OAuthError) {
		app, bad := AuthenticateApp(t, q)
		if bad == nil {
			bad = q.Need(needs...)
		}
		if bad != nil {
			return nil, bad
		}
		return answer(t, q, app)
	}
}
