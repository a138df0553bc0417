package login

import (
	"net/http"
	"net/url"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const RequestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// pushedRequest is an authorization request that was pushed (RFC 9126).
type pushedRequest struct {
	clientID string
	values   url.Values
	expires  time.Time
}

// pushAuthorization keeps an authorization request of an application that
// authenticates itself; /authorize takes its request_uri instead, once.
func pushAuthorization(t *state.Tenant, q *authapi.Request, app *state.App) (any, *authapi.OAuthError) {
	v := url.Values{}
	for name := range q.Values {
		v.Set(name, q.Get(name))
	}
	for _, secret := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		v.Del(secret)
	}
	v.Set("client_id", app.ID)
	now := t.Lock()
	defer t.Unlock()
	uri := RequestURIPrefix + store.RandomID(32)
	loginsOf(t).pushed[uri] = &pushedRequest{clientID: app.ID, values: v, expires: now.Add(app.PARLifetime)}
	t.Timeline.At(now.Add(app.PARLifetime), func(time.Time) { delete(loginsOf(t).pushed, uri) })
	return map[string]any{"request_uri": uri, "expires_in": authapi.Seconds(app.PARLifetime)}, nil
}

// pushed returns the parameters of a request: those that were pushed before,
// where it names them.
func pushed(t *state.Tenant, v url.Values) (url.Values, *authapi.PageError) {
	uri := v.Get("request_uri")
	if uri == "" {
		return v, nil
	}
	now := t.Lock()
	defer t.Unlock()
	p := loginsOf(t).pushed[uri]
	if p == nil || p.clientID != v.Get("client_id") || !now.Before(p.expires) {
		return nil, &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request_uri", Description: "The request_uri is invalid or expired"}
	}
	delete(loginsOf(t).pushed, uri)
	return p.values, nil
}
