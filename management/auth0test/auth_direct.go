package auth0test

import "time"

// directLogin is a login at the token endpoint, without a browser, on its way
// from the first factor to the tokens.
type directLogin struct {
	issuance
	from       origin
	connection string
	grant      string
	protocol   string        // Auth0's name of the protocol, for Actions.
	refresh    *refreshToken // That is exchanged; nil at a login.
	presented  string        // Its value, as it was sent.
}

// finishDirect runs the post-login Actions and issues the tokens, unless an
// Action refuses or a second factor is due. Call it without the mutex.
func (t *Tenant) finishDirect(l *directLogin) (*tokenSet, *oauthError) {
	verdict, bad := t.runPostLogin(l.event())
	if bad != nil {
		return nil, bad
	}
	l.add = verdict.claims
	now := t.lock()
	defer t.mu.Unlock()
	if l.user = t.userView(l.user.id); l.user == nil {
		return nil, invalidGrant("Wrong email or password.")
	}
	if t.needsMFA(l.user.id, mfaReasons{action: verdict.mfa, refresh: l.refresh != nil}) {
		return nil, t.startMFA(l, now)
	}
	return t.completeDirect(l, now)
}

// completeDirect issues the tokens of a direct login. The caller holds the mutex.
func (t *Tenant) completeDirect(l *directLogin, now time.Time) (*tokenSet, *oauthError) {
	if l.refresh != nil {
		return t.completeRefresh(l, now)
	}
	t.loggedIn(l.user.id, l.from, now)
	set := t.issueWithRefresh(&l.issuance, l.from, now)
	t.log(successCodes[l.grant], l.logFields(set))
	return set, nil
}

// successCodes are the log codes of exchanges that succeeded.
var successCodes = map[string]string{
	grantPassword: "sepft", grantPasswordRealm: "sepft", grantRefresh: "sertft", grantCode: "seacft",
	grantOTP: "seotpft", grantOOB: "seoobft", grantRecoveryCode: "sercft",
	grantPasswordless: "sepft", grantCIBA: "ciba_exchange_succeeded",
}

// loggedIn notes a login at the user.
func (t *Tenant) loggedIn(userID string, from origin, now time.Time) {
	u := t.users.get(userID)
	if u == nil {
		return
	}
	u.lastLogin, u.lastIP, u.updatedAt = now, from.ip, now
	u.loginsCount++
}

func (l *directLogin) logFields(set *tokenSet) logFields {
	f := l.issuance.logFields(l.from)
	f.Connection, f.Strategy, f.Scope = l.connection, "auth0", set.Scope
	return f
}

// logFields is what the log says of a login.
func (i *issuance) logFields(from origin) logFields {
	f := logFields{ClientID: i.app.id, ClientName: i.app.name, IP: from.ip, UserAgent: from.userAgent, Hostname: from.host}
	if i.user != nil {
		f.UserID, f.UserName = i.user.id, i.user.email
	}
	if i.org != nil {
		f.OrgID, f.OrgName = i.org.id, i.org.name
	}
	if i.api != nil {
		f.Audience = i.api.audience
	}
	return f
}
