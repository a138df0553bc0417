package authapi

import (
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// directLogin is a login at the token endpoint, without a browser, on its way
// from the first factor to the tokens.
type directLogin struct {
	Issuance
	from       web.Origin
	connection string
	grant      string
	protocol   string              // Auth0's name of the protocol, for Actions.
	refresh    *state.RefreshToken // That is exchanged; nil at a login.
	twice      bool                // A second factor was passed.
	presented  string              // Its value, as it was sent.
}

// finishDirect runs the post-login Actions and issues the tokens, unless an
// Action refuses or a second factor is due. Call it without the mutex.
func finishDirect(t *state.Tenant, l *directLogin) (*TokenSet, *OAuthError) {
	if bad := l.NeedsProof(); bad != nil {
		return nil, bad
	}
	verdict, bad := RunPostLogin(t, l.event())
	if bad != nil {
		return nil, bad
	}
	l.Add = verdict.Claims
	now := t.Lock()
	defer t.Unlock()
	if bad := l.stillThere(t); bad != nil {
		return nil, bad
	}
	if !l.twice && NeedsMFA(t, l.User.ID, MFAReasons{Action: verdict.MFA, refresh: l.refresh != nil}) {
		return nil, startMFA(t, l, now)
	}
	return completeDirect(t, l, now)
}

// stillThere reads the user again, who may be gone or blocked by now.
func (l *directLogin) stillThere(t *state.Tenant) *OAuthError {
	switch l.User = t.UserView(l.User.ID); {
	case l.User == nil:
		return invalidGrant(wrongPassword)
	case l.User.Blocked:
		return blocked()
	}
	return nil
}

func blocked() *OAuthError {
	return OAuthFail(http.StatusForbidden, "unauthorized", "user is blocked")
}

// completeDirect issues the tokens of a direct login. The caller holds the mutex.
func completeDirect(t *state.Tenant, l *directLogin, now time.Time) (*TokenSet, *OAuthError) {
	if bad := l.NeedsProof(); bad != nil {
		return nil, bad
	}
	if l.refresh != nil {
		return completeRefresh(t, l, now)
	}
	LoggedIn(t, l.User.ID, l.from, now)
	set := issueWithRefresh(t, &l.Issuance, l.from, now)
	t.Log(successCodes[l.grant], l.logFields(set))
	return set, nil
}

// successCodes are the log codes of exchanges that succeeded.
var successCodes = map[string]string{
	grantPassword: "sepft", grantPasswordRealm: "sepft", grantRefresh: "sertft", GrantCode: "seacft",
	grantOTP: "seotpft", grantOOB: "seoobft", grantRecoveryCode: "sercft",
	grantPasswordless: "sepft", grantCIBA: "ciba_exchange_succeeded",
}

// LoggedIn notes a login at the user.
func LoggedIn(t *state.Tenant, userID string, from web.Origin, now time.Time) {
	u := t.Users.Get(userID)
	if u == nil {
		return
	}
	u.LastLogin, u.LastIP, u.UpdatedAt = now, from.IP, now
	u.LoginsCount++
}

func (l *directLogin) logFields(set *TokenSet) state.LogFields {
	f := l.Issuance.LogFields(l.from)
	f.Connection, f.Strategy, f.Scope = l.connection, "auth0", set.Scope
	return f
}

// LogFields is what the log says of a login.
func (i *Issuance) LogFields(from web.Origin) state.LogFields {
	f := state.LogFields{IP: from.IP, UserAgent: from.UserAgent, Hostname: from.Host}
	if i.App != nil {
		f.ClientID, f.ClientName = i.App.ID, i.App.Name
	}
	if i.User != nil {
		f.UserID, f.UserName = i.User.ID, i.User.Email
	}
	if i.Org != nil {
		f.OrgID, f.OrgName = i.Org.ID, i.Org.Name
	}
	if i.API != nil {
		f.Audience = i.API.Audience
	}
	return f
}
