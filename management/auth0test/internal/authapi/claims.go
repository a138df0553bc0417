package authapi

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// oidcScopes are granted to every user without a permission.
var oidcScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// Issuance is what tokens are made from.
type Issuance struct {
	App      *state.App
	API      *state.APIView // Nil: an opaque token for /userinfo.
	User     *state.User
	Org      *state.OrgView
	Scopes   []string // Requested.
	allScope bool     // Without requested scopes, all that there are.
	Issuer   string
	gty      string // "" for logins with a browser.
	Jkt      string // The key of which the request proved possession.

	Sid      string
	Nonce    string
	AuthTime time.Time // Zero: ID tokens do not say it.
	Amr      []string
	Acr      string

	Add effects.ActionClaims // What Actions added.
}

// grant is what of the requested scopes a user gets, and the permissions.
type grant struct {
	scopes, permissions []string
}

// grantFor applies RBAC: with it, scopes of the API are the requested ones that
// the user holds as permissions; without it, the requested ones that the API has.
func grantFor(t *state.Tenant, i *Issuance) grant {
	var g grant
	requested := i.Scopes
	if len(requested) == 0 && i.allScope {
		requested = slices.Clone(oidcScopes[:5])
		if i.API != nil {
			requested = append(requested, i.API.Scopes...)
		}
	}
	var allowed []string
	if i.API != nil {
		allowed = i.API.Scopes
		g.permissions = t.PermissionsOf(i.User, i.Org, i.API)
		if i.API.Rbac {
			allowed = g.permissions
		}
	}
	for _, s := range append(slices.Clone(requested), i.Add.AddScope...) {
		known := slices.Contains(oidcScopes, s) || slices.Contains(allowed, s) || slices.Contains(i.Add.AddScope, s)
		if s == "offline_access" && i.API != nil && !i.API.Offline {
			known = false
		}
		if known && !slices.Contains(g.scopes, s) && !slices.Contains(i.Add.DropScope, s) {
			g.scopes = append(g.scopes, s)
		}
	}
	return g
}

// Granted are the scopes that a login gives. The caller holds the mutex.
func Granted(t *state.Tenant, i *Issuance) []string { return grantFor(t, i).scopes }

// accessClaims are the claims of an access token; the dialect of the API decides the
// names.
func (i *Issuance) accessClaims(sub string, g grant, now time.Time) map[string]any {
	c := map[string]any{"iss": i.Issuer, "sub": sub, "aud": i.API.Audience, "iat": now.Unix(), "exp": now.Add(i.API.Lifetime).Unix()}
	if i.User != nil && slices.Contains(g.scopes, "openid") && i.API.Alg != "HS256" { // /userinfo has no secret of an API.
		c["aud"] = []string{i.API.Audience, i.Issuer + "userinfo"}
	}
	if i.API.Rfc9068 {
		c["client_id"], c["jti"] = i.App.ID, store.RandomID(22)
	} else {
		c["azp"] = i.App.ID
	}
	store.Put(c, "gty", i.gty)
	store.Put(c, "scope", strings.Join(g.scopes, " "))
	if i.API.Permissions {
		c["permissions"] = append([]string{}, g.permissions...)
	}
	i.orgClaims(c)
	maps.Copy(c, i.Add.Access)
	return c
}

func (i *Issuance) orgClaims(c map[string]any) {
	if i.Org == nil {
		return
	}
	c["org_id"] = i.Org.ID
	if i.Org.Named {
		c["org_name"] = i.Org.Name
	}
}

// accessHeader is the header of an access token beside alg and kid.
func accessHeader(api *state.APIView) map[string]any {
	h := map[string]any{"alg": cmp.Or(api.Alg, "RS256")}
	if api.Rfc9068 {
		h["typ"] = "at+jwt"
	}
	return h
}

// idClaims are the claims of an ID token.
func (i *Issuance) idClaims(g grant, now time.Time) map[string]any {
	c := map[string]any{
		"iss": i.Issuer, "sub": i.User.ID, "aud": i.App.ID,
		"iat": now.Unix(), "exp": now.Add(i.App.IDTokenLifetime).Unix(),
	}
	maps.Copy(c, profile(i.User, g.scopes))
	store.Put(c, "sid", i.Sid)
	store.Put(c, "nonce", i.Nonce)
	store.Put(c, "acr", i.Acr)
	if !i.AuthTime.IsZero() {
		c["auth_time"] = i.AuthTime.Unix()
	}
	if len(i.Amr) > 0 {
		c["amr"] = i.Amr
	}
	i.orgClaims(c)
	maps.Copy(c, i.Add.ID)
	return c
}

// profile is what the scopes show of a user, in ID tokens and at /userinfo.
func profile(u *state.User, scopes []string) map[string]any {
	c := map[string]any{}
	if slices.Contains(scopes, "profile") {
		for _, name := range []string{"name", "nickname", "given_name", "family_name", "picture"} {
			store.Put(c, name, *u.Texts()[name])
		}
		c["updated_at"] = store.Stamp(u.UpdatedAt)
	}
	if slices.Contains(scopes, "email") && u.Email != "" {
		c["email"], c["email_verified"] = u.Email, u.EmailVerified
	}
	if slices.Contains(scopes, "phone") && u.Phone != "" {
		c["phone_number"], c["phone_number_verified"] = u.Phone, u.PhoneVerified
	}
	return c
}

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
	state.Keep(t, token, o, o.expires)
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

// serveUserInfo shows the user of an access token that has the scope openid.
// Auth0 refuses others with the bare word.
func serveUserInfo(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	info := userInfo(t, r)
	if info == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("WWW-Authenticate", `Bearer realm="Users"`)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "Unauthorized")
		return
	}
	web.SendJSON(w, http.StatusOK, info)
}

func userInfo(t *state.Tenant, r *http.Request) map[string]any {
	token, jkt := presented(t, r, web.IssuerOf(r)+"userinfo")
	if token == "" && r.Method == http.MethodPost {
		token = r.PostFormValue("access_token")
	}
	claims, err := t.Verify(token)
	now := t.Lock()
	defer t.Unlock()
	var subject, bound string
	var scopes []string
	if o := state.Kept[*opaqueToken](t)[token]; o != nil && now.Before(o.expires) {
		subject, scopes, bound = o.userID, o.scopes, o.jkt
	} else if err == nil && keys.HasAudience(claims["aud"], web.IssuerOf(r)+"userinfo") {
		b := keys.NewBearer(claims)
		subject, scopes = b.Subject, b.Scopes
		cnf, _ := claims["cnf"].(map[string]any)
		bound, _ = cnf["jkt"].(string)
	}
	if bound != jkt {
		return nil
	}
	u := t.UserView(subject)
	if u == nil || u.Blocked || !slices.Contains(scopes, "openid") {
		return nil
	}
	info := profile(u, scopes)
	info["sub"] = u.ID
	return info
}

// revoke ends a refresh token with its family (RFC 7009). A token that is unknown or
// another application's is no error.
func revoke(t *state.Tenant, q *Request, app *state.App) (any, *OAuthError) {
	t.Lock()
	defer t.Unlock()
	if token, _ := t.Auth.Refresh.ByPresented(q.Get("token")); token != nil && token.ClientID == app.ID {
		t.Auth.Refresh.Revoke(token)
		f := (&Issuance{App: app}).LogFields(q.Origin)
		f.UserID = token.UserID
		t.Log("srrt", f)
	}
	return nil, nil
}
