package auth0test

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const textBadRefresh = "Unknown or invalid refresh token."

// exchangeRefresh exchanges a refresh token. With rotation the answer has a new
// one, and presenting a spent one ends the whole family.
func (t *Tenant) exchangeRefresh(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("refresh_token"); bad != nil {
		return nil, bad
	}
	l, bad := t.refreshLogin(q)
	if bad != nil {
		return nil, bad
	}
	return t.finishDirect(l)
}

func (t *Tenant) refreshLogin(q *tokenRequest) (*directLogin, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	l := &directLogin{from: q.origin, grant: grantRefresh, protocol: "oauth2-refresh-token", presented: q.get("refresh_token")}
	l.app, l.issuer, l.gty = q.app, q.issuer, "refresh_token"
	r, bad := t.presentedRefresh(l, now)
	if bad != nil {
		return nil, bad
	}
	l.refresh, l.sid, l.authTime = r, r.sessionID, r.authTime
	l.scopes = strings.Fields(r.scope)
	if asked := strings.Fields(q.get("scope")); len(asked) > 0 {
		l.scopes = slices.DeleteFunc(l.scopes, func(s string) bool { return !slices.Contains(asked, s) })
	}
	if l.user = t.userView(r.userID); l.user == nil {
		return nil, invalidGrant(textBadRefresh)
	}
	l.connection = l.user.connection
	if l.user.blocked {
		return nil, oauthFail(http.StatusForbidden, "unauthorized", "user is blocked")
	}
	if bad := t.resolve(&l.issuance, r.audience, r.orgID); bad != nil {
		return nil, bad
	}
	return l, nil
}

// presentedRefresh returns the refresh token that the login presents, if it is
// good. The caller holds the mutex.
func (t *Tenant) presentedRefresh(l *directLogin, now time.Time) (*refreshToken, *oauthError) {
	r, reused := t.authState.refresh.byPresented(l.presented)
	if r == nil || r.clientID != l.app.id || !r.alive(now) {
		return nil, invalidGrant(textBadRefresh)
	}
	latest := len(r.spent) > 0 && r.spent[len(r.spent)-1] == l.presented
	if reused && !(latest && now.Before(r.rotatedAt.Add(r.leeway))) {
		t.authState.refresh.revoke(r)
		f := l.issuance.logFields(l.from)
		f.UserID, f.Description = r.userID, textBadRefresh
		t.log("ferrt", f)
		return nil, logged(invalidGrant(textBadRefresh))
	}
	return r, nil
}

// completeRefresh issues the tokens of an exchange, if nobody was faster. The
// caller holds the mutex.
func (t *Tenant) completeRefresh(l *directLogin, now time.Time) (*tokenSet, *oauthError) {
	r, bad := t.presentedRefresh(l, now)
	if bad != nil {
		return nil, bad
	}
	set, _ := t.issue(&l.issuance, now)
	r.used(l.from, now)
	if r.rotating {
		t.authState.refresh.rotate(r, now)
		set.Refresh = r.value
	}
	t.log("sertft", l.logFields(set))
	return set, nil
}
