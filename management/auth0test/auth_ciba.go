package auth0test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	cibaExpiry   = 5 * time.Minute
	cibaInterval = 5 * time.Second
	cibaSlower   = 10 * time.Second // What is asked of a client that polls too fast.
)

// cibaRequest is a back-channel login (OpenID Connect CIBA Core 1.0) that waits
// for the user's answer on the enrolled device.
type cibaRequest struct {
	id       string
	issuance issuance
	answer   answerState
	expires  time.Time
	next     time.Time // No poll before.
}

// serveBackChannelAuthorize starts a back-channel login.
func (t *Tenant) serveBackChannelAuthorize(w http.ResponseWriter, r *http.Request) {
	body, bad := t.backChannelAuthorize(w, r)
	if bad != nil {
		bad.send(w)
		return
	}
	noStore(w)
	sendJSON(w, http.StatusOK, body)
}

func (t *Tenant) backChannelAuthorize(w http.ResponseWriter, r *http.Request) (map[string]any, *oauthError) {
	q, bad := readAuth(w, r)
	if bad != nil {
		return nil, bad
	}
	app, bad := t.authenticateApp(q)
	if bad != nil {
		return nil, bad
	}
	if !slices.Contains(app.grants, grantCIBA) {
		return nil, oauthFail(http.StatusForbidden, "unauthorized_client", "Grant type '"+grantCIBA+"' not allowed for the client.")
	}
	now := t.lock()
	defer t.mu.Unlock()
	c, bad := t.newCIBA(q, app, now)
	if bad != nil {
		f := q.logFields()
		f.ClientID, f.ClientName, f.Description = app.id, app.name, bad.description
		t.log("ciba_start_failed", f)
		return nil, bad
	}
	t.authState.ciba[c.id] = c
	t.timeline.at(c.expires.Add(time.Hour), func(time.Time) { delete(t.authState.ciba, c.id) })
	t.post(Message{Time: now, Channel: "push", To: c.issuance.user.id, Kind: "push", UserID: c.issuance.user.id,
		Text: q.get("binding_message"), push: &pending{t, &c.answer, c.expires}})
	t.log("ciba_start_succeeded", c.issuance.logFields(q.origin))
	return map[string]any{"auth_req_id": c.id, "expires_in": seconds(c.expires.Sub(now)), "interval": seconds(cibaInterval)}, nil
}

func (t *Tenant) newCIBA(q *authRequest, app *app, now time.Time) (*cibaRequest, *oauthError) {
	scopes := strings.Fields(q.get("scope"))
	if !slices.Contains(scopes, "openid") {
		return nil, invalidRequest("openid scope must be requested")
	}
	if bad := q.need("binding_message", "login_hint"); bad != nil {
		return nil, bad
	}
	if len(q.get("binding_message")) > 64 {
		return nil, invalidRequest("binding_message must be at most 64 characters long")
	}
	u := t.hintedUser(q.get("login_hint"), q.issuer)
	if u == nil {
		return nil, oauthFail(http.StatusBadRequest, "unknown_user_id", "User ID is malformed or unknown")
	}
	if !slices.ContainsFunc(t.authState.factors.usable(u.id), func(e *enrolment) bool { return e.kind == "push" }) {
		return nil, oauthFail(http.StatusBadRequest, "access_denied", "The user is not enrolled in push notifications")
	}
	expiry := cibaExpiry
	if n, err := strconv.Atoi(q.get("requested_expiry")); err == nil && n >= 1 && n <= 300 {
		expiry = time.Duration(n) * time.Second
	}
	c := &cibaRequest{id: randomID(64), expires: now.Add(expiry)}
	c.issuance = issuance{app: app, user: u, issuer: q.issuer, scopes: scopes}
	return c, t.resolve(&c.issuance, q.get("audience"), q.get("organization"))
}

// hintedUser reads a login_hint in the iss_sub format.
func (t *Tenant) hintedUser(hint, issuer string) *userView {
	var h struct{ Format, Iss, Sub string }
	if json.Unmarshal([]byte(hint), &h) != nil || h.Format != "iss_sub" || h.Iss != issuer {
		return nil
	}
	return t.userView(h.Sub)
}

// exchangeCIBA asks whether the user has answered, and issues the tokens when
// the answer was yes.
func (t *Tenant) exchangeCIBA(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("auth_req_id"); bad != nil {
		return nil, bad
	}
	l, bad := t.answeredCIBA(q)
	if bad != nil {
		return nil, bad
	}
	return t.finishCIBA(l)
}

func (t *Tenant) answeredCIBA(q *tokenRequest) (*directLogin, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	c := t.authState.ciba[q.get("auth_req_id")]
	switch {
	case c == nil || c.issuance.app.id != q.app.id:
		return nil, oauthFail(http.StatusBadRequest, "invalid_grant", "Invalid or expired auth_req_id")
	case now.Before(c.next):
		c.next = now.Add(cibaSlower)
		return nil, slowDown(cibaSlower)
	case c.answer == denied || !now.Before(c.expires):
		delete(t.authState.ciba, c.id)
		return nil, oauthFail(http.StatusBadRequest, "access_denied", "The end-user denied the authorization request or it has been expired")
	case c.answer == unanswered:
		c.next = now.Add(cibaInterval)
		return nil, oauthFail(http.StatusBadRequest, "authorization_pending", "The end-user authorization is pending")
	}
	delete(t.authState.ciba, c.id)
	c.issuance.authTime = now
	return &directLogin{issuance: c.issuance, from: q.origin, connection: c.issuance.user.connection, grant: grantCIBA, protocol: "oidc-ciba"}, nil
}

// finishCIBA issues the tokens: the answer on the device was the second factor.
func (t *Tenant) finishCIBA(l *directLogin) (*tokenSet, *oauthError) {
	v, bad := t.runPostLogin(l.event())
	if bad != nil {
		return nil, bad
	}
	now := t.lock()
	defer t.mu.Unlock()
	l.add = v.claims
	if l.user = t.userView(l.user.id); l.user == nil || l.user.blocked {
		return nil, oauthFail(http.StatusForbidden, "unauthorized", "user is blocked")
	}
	return t.completeDirect(l, now)
}
