package authapi

import (
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// DefaultApp is the application in whose name AccessToken issues tokens: the
// first that may log users in, else the machine client.
func DefaultApp(t *state.Tenant) *state.App {
	for _, c := range t.Clients.All() {
		if a := t.App(c.ID); len(a.Callbacks) > 0 && slices.Contains(a.Grants, GrantCode) {
			return a
		}
	}
	return t.App(t.Options.ClientID)
}

// opaqueToken is an access token for /userinfo alone: what a login without an
// audience gets.
type opaqueToken struct {
	userID, clientID, orgID string
	jkt                     string // The key that it is bound to.
	scopes                  []string
	expires                 time.Time
}

// Issue makes the tokens of a login that is complete, but for the refresh token.
// The caller holds the mutex.
func Issue(t *state.Tenant, i *Issuance, now time.Time) (*TokenSet, grant) {
	g := grantFor(t, i)
	set := &TokenSet{Type: "Bearer", Scope: strings.Join(g.scopes, " "), idAlg: i.App.IDTokenAlg, idSecret: i.App.Secret}
	if i.API != nil {
		set.header, set.accessClaims, set.secret = accessHeader(i.API), i.accessClaims(i.User.ID, g, now), i.API.Secret
		set.Expires = Seconds(i.API.Lifetime)
	} else {
		set.Access = newOpaque(t, i, g, now)
		set.Expires = Seconds(state.AccessTokenLifetime)
	}
	i.bind(set)
	if slices.Contains(g.scopes, "openid") {
		set.IDClaims = i.idClaims(g, now)
	}
	return set, g
}

func newOpaque(t *state.Tenant, i *Issuance, g grant, now time.Time) string {
	token := store.RandomID(32)
	o := &opaqueToken{userID: i.User.ID, clientID: i.App.ID, scopes: g.scopes, jkt: i.Jkt, expires: now.Add(state.AccessTokenLifetime)}
	if i.Org != nil {
		o.orgID = i.Org.ID
	}
	flowsOf(t).opaque[token] = o
	return token
}

// issueWithRefresh is issue with a refresh token, where one was granted.
func issueWithRefresh(t *state.Tenant, i *Issuance, from web.Origin, now time.Time) *TokenSet {
	set, g := Issue(t, i, now)
	if !slices.Contains(g.scopes, "offline_access") || !slices.Contains(i.App.Grants, grantRefresh) {
		return set
	}
	r := &state.RefreshToken{
		UserID: i.User.ID, ClientID: i.App.ID, SessionID: i.Sid, Scope: set.Scope,
		CreatedAt: now, LastUsed: now, AuthTime: i.AuthTime,
		Rotating: i.App.Refresh.Rotating, Leeway: i.App.Refresh.Leeway, IdleLifetime: i.App.Refresh.Idle,
		Device: state.Device{InitialIP: from.IP, InitialUserAgent: from.UserAgent},
	}
	if i.App.Public() {
		r.Jkt = i.Jkt
	}
	if i.API != nil {
		r.Audience = i.API.Audience
	}
	if i.Org != nil {
		r.OrgID = i.Org.ID
	}
	if i.App.Refresh.Lifetime > 0 {
		r.Expires = now.Add(i.App.Refresh.Lifetime)
	}
	r.Used(from, now)
	t.Auth.Refresh.Add(r)
	set.Refresh = r.Value
	return set
}

// NeedsProof refuses tokens that have to be bound to a key and are not, by
// Auth0's table for applications and APIs (Configure Sender Constraining).
func (i *Issuance) NeedsProof() *OAuthError {
	needed := i.App.RequirePoP
	if i.API != nil {
		needed = needed || i.API.PoP.Required && (i.App.Public() || !i.API.PoP.PublicOnly)
	}
	if needed && !i.bound() {
		return InvalidRequest("Proof of possession is required")
	}
	return nil
}

// bound reports whether the access token is bound to the key that was proved.
func (i *Issuance) bound() bool { return i.Jkt != "" && (i.API == nil || i.API.PoP.DPoP) }

// bind writes the key into the claims of an access token (RFC 9449, section 6.1).
func (i *Issuance) bind(set *TokenSet) {
	if !i.bound() {
		return
	}
	set.Type = "DPoP"
	if set.accessClaims != nil {
		set.accessClaims["cnf"] = map[string]any{"jkt": i.Jkt}
	}
}

// AccessToken makes a token as AccessToken says.
func AccessToken(t *state.Tenant, userID, orgID, audience string) string {
	now := t.Lock()
	i := &Issuance{App: DefaultApp(t), Issuer: t.Issuer(), allScope: true}
	i.User, i.API = t.UserView(userID), t.APIView(audience, i.Issuer)
	if orgID != "" {
		i.Org = t.OrgView(orgID)
	}
	member := i.User != nil && i.Org != nil && t.IsMember(i.Org.ID, i.User.ID)
	var set *TokenSet
	if i.User != nil && i.API != nil && (orgID == "" || member) {
		set, _ = Issue(t, i, now)
	}
	t.Unlock()
	switch {
	case i.User == nil:
		panic("auth0test: AccessToken: there is no such user")
	case i.API == nil:
		panic("auth0test: AccessToken: there is no API " + audience)
	case orgID != "" && i.Org == nil:
		panic("auth0test: AccessToken: there is no organization " + orgID)
	case set == nil:
		panic("auth0test: AccessToken: the user is not a member of " + orgID)
	}
	return set.Sign(t).Access
}
