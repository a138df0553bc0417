package auth0test

import (
	"net/http"
	"net/url"
	"time"
)

const (
	requestURIPrefix   = "urn:ietf:params:oauth:request_uri:"
	requestURILifetime = 30 * time.Second
)

// pushedRequest is an authorization request that was pushed (RFC 9126).
type pushedRequest struct {
	clientID string
	values   url.Values
	expires  time.Time
}

// servePushedAuthorization keeps an authorization request of an application that
// authenticates itself; /authorize takes its request_uri instead, once.
func (t *Tenant) servePushedAuthorization(w http.ResponseWriter, r *http.Request) {
	q, bad := readAuth(w, r)
	var app *app
	if bad == nil {
		app, bad = t.authenticateApp(q)
	}
	if bad == nil {
		bad = q.need("response_type", "redirect_uri")
	}
	if bad != nil {
		bad.send(w)
		return
	}
	v := url.Values{}
	for name := range q.values {
		v.Set(name, q.get(name))
	}
	for _, secret := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		v.Del(secret)
	}
	v.Set("client_id", app.id)
	now := t.lock()
	uri := requestURIPrefix + randomID(32)
	t.authState.pushed[uri] = &pushedRequest{clientID: app.id, values: v, expires: now.Add(requestURILifetime)}
	t.timeline.at(now.Add(requestURILifetime), func(time.Time) { delete(t.authState.pushed, uri) })
	t.mu.Unlock()
	noStore(w)
	sendJSON(w, http.StatusCreated, map[string]any{"request_uri": uri, "expires_in": seconds(requestURILifetime)})
}

// pushed returns the parameters of a request: those that were pushed before,
// where it names them.
func (t *Tenant) pushed(v url.Values) (url.Values, *pageError) {
	uri := v.Get("request_uri")
	if uri == "" {
		return v, nil
	}
	now := t.lock()
	defer t.mu.Unlock()
	p := t.authState.pushed[uri]
	if p == nil || p.clientID != v.Get("client_id") || !now.Before(p.expires) {
		return nil, &pageError{http.StatusBadRequest, "invalid_request_uri", "The request_uri is invalid or expired"}
	}
	delete(t.authState.pushed, uri)
	return p.values, nil
}
