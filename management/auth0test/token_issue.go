package auth0test

import (
	"slices"
	"strings"
	"time"
)

// opaqueToken is an access token for /userinfo alone: what a login without an
// audience gets.
type opaqueToken struct {
	userID, clientID, orgID string
	scopes                  []string
	expires                 time.Time
}

// issue makes the tokens of a login that is complete, but for the refresh token.
// The caller holds the mutex.
func (t *Tenant) issue(i *issuance, now time.Time) (*tokenSet, grant) {
	g := t.grantFor(i)
	set := &tokenSet{Type: "Bearer", Scope: strings.Join(g.scopes, " ")}
	if i.api != nil {
		set.header, set.access = i.api.accessHeader(), i.accessClaims(g, now)
		set.Expires = seconds(i.api.lifetime)
	} else {
		set.Access = t.newOpaque(i, g, now)
		set.Expires = seconds(accessTokenLifetime)
	}
	if slices.Contains(g.scopes, "openid") {
		set.id = i.idClaims(g, now)
	}
	return set, g
}

func (t *Tenant) newOpaque(i *issuance, g grant, now time.Time) string {
	token := randomID(32)
	o := &opaqueToken{userID: i.user.id, clientID: i.app.id, scopes: g.scopes, expires: now.Add(accessTokenLifetime)}
	if i.org != nil {
		o.orgID = i.org.id
	}
	t.authState.opaque[token] = o
	return token
}

// issueWithRefresh is issue with a refresh token, where one was granted.
func (t *Tenant) issueWithRefresh(i *issuance, from origin, now time.Time) *tokenSet {
	set, g := t.issue(i, now)
	if !slices.Contains(g.scopes, "offline_access") || !slices.Contains(i.app.grants, grantRefresh) {
		return set
	}
	r := &refreshToken{
		userID: i.user.id, clientID: i.app.id, sessionID: i.sid, scope: set.Scope,
		createdAt: now, lastUsed: now, authTime: i.authTime,
		rotating: i.app.refresh.rotating, leeway: i.app.refresh.leeway, idleLifetime: i.app.refresh.idle,
		device: device{InitialIP: from.ip, InitialUserAgent: from.userAgent},
	}
	if i.api != nil {
		r.audience = i.api.audience
	}
	if i.org != nil {
		r.orgID = i.org.id
	}
	if i.app.refresh.lifetime > 0 {
		r.expires = now.Add(i.app.refresh.lifetime)
	}
	r.used(from, now)
	t.authState.refresh.add(r)
	set.Refresh = r.value
	return set
}

// used notes an exchange.
func (r *refreshToken) used(from origin, now time.Time) {
	r.lastUsed = now
	r.device.LastIP, r.device.LastUserAgent = from.ip, from.userAgent
	if r.idleLifetime > 0 {
		r.idleExpires = now.Add(r.idleLifetime)
	}
}

// AccessToken returns an access token for an API as a login of the user would
// get it, in an organization unless orgID is empty, with every scope and
// permission that the user has. It panics when the user, the organization or the
// API does not exist, or when the user is not a member: a test that asks for
// such a token is wrong; see Sign for wrong tokens.
func (t *Tenant) AccessToken(userID, orgID, audience string) string {
	now := t.lock()
	i := &issuance{app: t.defaultApp(), issuer: t.Issuer(), allScope: true}
	i.user, i.api = t.userView(userID), t.apiView(audience, i.issuer)
	if orgID != "" {
		i.org = t.orgView(orgID)
	}
	member := i.user != nil && i.org != nil && t.isMember(i.org.id, i.user.id)
	var set *tokenSet
	if i.user != nil && i.api != nil && (orgID == "" || member) {
		set, _ = t.issue(i, now)
	}
	t.mu.Unlock()
	switch {
	case i.user == nil:
		panic("auth0test: AccessToken: there is no such user")
	case i.api == nil:
		panic("auth0test: AccessToken: there is no API " + audience)
	case orgID != "" && i.org == nil:
		panic("auth0test: AccessToken: there is no organization " + orgID)
	case set == nil:
		panic("auth0test: AccessToken: the user is not a member of " + orgID)
	}
	return set.sign(t).Access
}
