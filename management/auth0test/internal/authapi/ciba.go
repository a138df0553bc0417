package authapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
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
	issuance Issuance
	answer   state.AnswerState
	expires  time.Time
	next     time.Time // No poll before.
}

// backChannelAuthorize starts a back-channel login.
func backChannelAuthorize(t *state.Tenant, q *Request, app *state.App) (any, *OAuthError) {
	if !slices.Contains(app.Grants, grantCIBA) {
		return nil, OAuthFail(http.StatusForbidden, "unauthorized_client", "Grant type '"+grantCIBA+"' not allowed for the client.")
	}
	now := t.Lock()
	defer t.Unlock()
	c, bad := newCIBA(t, q, app, now)
	if bad != nil {
		f := (&Issuance{App: app}).LogFields(q.Origin)
		f.Description = bad.Description
		t.Log("ciba_start_failed", f)
		return nil, bad
	}
	state.Keep(t, c.id, c, c.expires.Add(time.Hour))
	t.Post(state.Message{Time: now, Channel: "push", To: c.issuance.User.ID, Kind: "push", UserID: c.issuance.User.ID,
		Text: q.Get("binding_message"), Push: &state.Pending{T: t, State: &c.answer, Expiry: c.expires}})
	t.Log("ciba_start_succeeded", c.issuance.LogFields(q.Origin))
	return map[string]any{"auth_req_id": c.id, "expires_in": Seconds(c.expires.Sub(now)), "interval": Seconds(cibaInterval)}, nil
}

func newCIBA(t *state.Tenant, q *Request, app *state.App, now time.Time) (*cibaRequest, *OAuthError) {
	scopes := strings.Fields(q.Get("scope"))
	if !slices.Contains(scopes, "openid") {
		return nil, InvalidRequest("openid scope must be requested")
	}
	if bad := q.Need("binding_message", "login_hint"); bad != nil {
		return nil, bad
	}
	if len(q.Get("binding_message")) > 64 {
		return nil, InvalidRequest("binding_message must be at most 64 characters long")
	}
	u := hintedUser(t, q.Get("login_hint"), q.Issuer)
	if u == nil {
		return nil, OAuthFail(http.StatusBadRequest, "unknown_user_id", "User ID is malformed or unknown")
	}
	if con := t.ConnectionNamed(u.Connection()); con == nil || !t.MayUse(app.ID, con) {
		return nil, InvalidRequest(ConnectionDisabled)
	}
	if !slices.ContainsFunc(t.Auth.Factors.Usable(u.ID), func(e *state.Enrollment) bool { return e.Kind == "push" }) {
		return nil, OAuthFail(http.StatusBadRequest, "access_denied", "The user is not enrolled in push notifications")
	}
	expiry := cibaExpiry
	if n, err := strconv.Atoi(q.Get("requested_expiry")); err == nil && n >= 1 && n <= 300 {
		expiry = time.Duration(n) * time.Second
	}
	c := &cibaRequest{id: store.RandomID(64), expires: now.Add(expiry)}
	c.issuance = Issuance{App: app, User: u, Issuer: q.Issuer, Scopes: scopes}
	return c, resolve(t, &c.issuance, q.Get("audience"), q.Get("organization"))
}

// hintedUser reads a login_hint in the iss_sub format.
func hintedUser(t *state.Tenant, hint, issuer string) *state.User {
	var h struct{ Format, Iss, Sub string }
	if json.Unmarshal([]byte(hint), &h) != nil || h.Format != "iss_sub" || h.Iss != issuer {
		return nil
	}
	return t.UserView(h.Sub)
}

// answeredCIBA asks whether the user has answered; the answer on the device is the
// second factor, too.
func answeredCIBA(t *state.Tenant, q *tokenRequest) (*directLogin, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	c := state.Kept[*cibaRequest](t)[q.Get("auth_req_id")]
	switch {
	case c == nil || c.issuance.App.ID != q.app.ID:
		return nil, OAuthFail(http.StatusBadRequest, "invalid_grant", "Invalid or expired auth_req_id")
	case now.Before(c.next):
		c.next = now.Add(cibaSlower)
		return nil, slowDown(cibaSlower)
	case c.answer == state.Denied || !now.Before(c.expires):
		delete(state.Kept[*cibaRequest](t), c.id)
		return nil, OAuthFail(http.StatusBadRequest, "access_denied", "The end-user denied the authorization request or it has been expired")
	case c.answer == state.Unanswered:
		c.next = now.Add(cibaInterval)
		return nil, OAuthFail(http.StatusBadRequest, "authorization_pending", "The end-user authorization is pending")
	}
	delete(state.Kept[*cibaRequest](t), c.id)
	c.issuance.Jkt = q.jkt
	return &directLogin{Issuance: c.issuance, from: q.Origin, connection: c.issuance.User.Connection(), grant: grantCIBA, protocol: "oidc-ciba", twice: true}, nil
}
