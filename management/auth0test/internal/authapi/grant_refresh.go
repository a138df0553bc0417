package authapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

const textBadRefresh = "Unknown or invalid refresh token."

// refreshLogin exchanges a refresh token. With rotation the answer has a new one, and
// presenting a spent one ends the whole family.
func refreshLogin(t *state.Tenant, q *tokenRequest) (*directLogin, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	l := &directLogin{from: q.Origin, grant: grantRefresh, protocol: "oauth2-refresh-token", presented: q.Get("refresh_token")}
	l.App, l.Issuer, l.gty, l.Jkt = q.app, q.Issuer, "refresh_token", q.jkt
	r, bad := presentedRefresh(t, l, now)
	if bad != nil {
		return nil, bad
	}
	if r.Jkt != "" && r.Jkt != q.jkt {
		return nil, OAuthFail(http.StatusBadRequest, "invalid_dpop_proof", "The refresh token is bound to another key")
	}
	l.refresh, l.Sid, l.AuthTime = r, r.SessionID, r.AuthTime
	l.Scopes = strings.Fields(r.Scope)
	if asked := strings.Fields(q.Get("scope")); len(asked) > 0 {
		l.Scopes = slices.DeleteFunc(l.Scopes, func(s string) bool { return !slices.Contains(asked, s) })
	}
	if l.User = t.UserView(r.UserID); l.User == nil {
		return nil, invalidGrant(textBadRefresh)
	}
	l.connection = l.User.Connection()
	if l.User.Blocked {
		return nil, blocked()
	}
	if bad := resolve(t, &l.Issuance, r.Audience, r.OrgID); bad != nil {
		return nil, bad
	}
	return l, nil
}

// presentedRefresh returns the refresh token that the login presents, if it is
// good. The caller holds the mutex.
func presentedRefresh(t *state.Tenant, l *directLogin, now time.Time) (*state.RefreshToken, *OAuthError) {
	r, reused := t.Auth.Refresh.ByPresented(l.presented)
	if r == nil || r.ClientID != l.App.ID || !r.Alive(now) {
		return nil, invalidGrant(textBadRefresh)
	}
	latest := len(r.Spent) > 0 && r.Spent[len(r.Spent)-1] == l.presented
	if reused && !(latest && now.Before(r.RotatedAt.Add(r.Leeway))) {
		t.Auth.Refresh.Revoke(r)
		f := l.Issuance.LogFields(l.from)
		f.UserID, f.Description = r.UserID, textBadRefresh
		t.Log("ferrt", f)
		return nil, Logged(invalidGrant(textBadRefresh))
	}
	return r, nil
}

// completeRefresh issues the tokens of an exchange, if nobody was faster. The
// caller holds the mutex.
func completeRefresh(t *state.Tenant, l *directLogin, now time.Time) (*TokenSet, *OAuthError) {
	r, bad := presentedRefresh(t, l, now)
	if bad != nil {
		return nil, bad
	}
	set, _ := Issue(t, &l.Issuance, now)
	r.Used(l.from, now)
	if r.Rotating {
		t.Auth.Refresh.Rotate(r, now)
		set.Refresh = r.Value
	}
	t.Log("sertft", l.logFields(set))
	return set, nil
}
