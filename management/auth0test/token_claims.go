package auth0test

import (
	"slices"
	"strings"
	"time"
)

// Lifetimes of tokens where nothing else is configured.
const (
	accessTokenLifetime = 24 * time.Hour
	idTokenLifetime     = 10 * time.Hour
)

// oidcScopes are granted to every user without a permission.
var oidcScopes = []string{"openid", "profile", "email", "address", "phone", "offline_access"}

// issuance is what tokens are made from.
type issuance struct {
	app      *app
	api      *apiView // Nil: an opaque token for /userinfo.
	user     *userView
	org      *orgView
	scopes   []string // Requested.
	allScope bool     // Without requested scopes, all that there are.
	issuer   string
	gty      string // "" for logins with a browser.

	sid      string
	nonce    string
	authTime time.Time
	amr      []string
	acr      string

	add actionClaims // What Actions added.
}

// actionClaims is what Actions change in tokens.
type actionClaims struct {
	id, access          map[string]any
	addScope, dropScope []string
}

// grant is what of the requested scopes a user gets, and the permissions.
type grant struct {
	scopes, permissions []string
}

// grantFor applies RBAC: with it, scopes of the API are the requested ones that
// the user holds as permissions; without it, the requested ones that the API has.
func (t *Tenant) grantFor(i *issuance) grant {
	var g grant
	requested := i.scopes
	if len(requested) == 0 && i.allScope {
		requested = slices.Clone(oidcScopes[:5])
		if i.api != nil {
			requested = append(requested, i.api.scopes...)
		}
	}
	var allowed []string
	if i.api != nil {
		allowed = i.api.scopes
		g.permissions = t.permissionsOf(i.user, i.org, i.api)
		if i.api.rbac {
			allowed = g.permissions
		}
	}
	for _, s := range append(slices.Clone(requested), i.add.addScope...) {
		known := slices.Contains(oidcScopes, s) || slices.Contains(allowed, s) || slices.Contains(i.add.addScope, s)
		if s == "offline_access" && i.api != nil && !i.api.offline {
			known = false
		}
		if known && !slices.Contains(g.scopes, s) && !slices.Contains(i.add.dropScope, s) {
			g.scopes = append(g.scopes, s)
		}
	}
	return g
}

// accessClaims are the claims of an access token of a user.
func (i *issuance) accessClaims(g grant, now time.Time) map[string]any {
	c := i.commonClaims(i.api, now)
	c["sub"] = i.user.id
	c["aud"] = i.api.audience
	if slices.Contains(g.scopes, "openid") {
		c["aud"] = []string{i.api.audience, i.issuer + "userinfo"}
	}
	if len(g.scopes) > 0 {
		c["scope"] = strings.Join(g.scopes, " ")
	}
	if i.api.permissions {
		c["permissions"] = append([]string{}, g.permissions...)
	}
	i.orgClaims(c)
	for k, v := range i.add.access {
		c[k] = v
	}
	return c
}

// commonClaims are those of every access token; the dialect decides the names.
func (i *issuance) commonClaims(api *apiView, now time.Time) map[string]any {
	c := map[string]any{"iss": i.issuer, "iat": now.Unix(), "exp": now.Add(api.lifetime).Unix()}
	if api.rfc9068 {
		c["client_id"], c["jti"] = i.app.id, randomID(22)
	} else {
		c["azp"] = i.app.id
	}
	if i.gty != "" {
		c["gty"] = i.gty
	}
	return c
}

func (i *issuance) orgClaims(c map[string]any) {
	if i.org == nil {
		return
	}
	c["org_id"] = i.org.id
	if i.org.named {
		c["org_name"] = i.org.name
	}
}

// accessHeader is the header of an access token beside alg and kid.
func (api *apiView) accessHeader() map[string]any {
	if api.rfc9068 {
		return map[string]any{"typ": "at+jwt"}
	}
	return nil
}

// idClaims are the claims of an ID token.
func (i *issuance) idClaims(g grant, now time.Time) map[string]any {
	c := map[string]any{
		"iss": i.issuer, "sub": i.user.id, "aud": i.app.id,
		"iat": now.Unix(), "exp": now.Add(i.app.idTokenLifetime).Unix(),
	}
	for k, v := range i.user.profile(g.scopes) {
		c[k] = v
	}
	if i.sid != "" {
		c["sid"] = i.sid
	}
	if !i.authTime.IsZero() {
		c["auth_time"] = i.authTime.Unix()
	}
	if i.nonce != "" {
		c["nonce"] = i.nonce
	}
	if len(i.amr) > 0 {
		c["amr"] = i.amr
	}
	if i.acr != "" {
		c["acr"] = i.acr
	}
	i.orgClaims(c)
	for k, v := range i.add.id {
		c[k] = v
	}
	return c
}

// profile is what the scopes show of a user, in ID tokens and at /userinfo.
func (u *userView) profile(scopes []string) map[string]any {
	c := map[string]any{}
	if slices.Contains(scopes, "profile") {
		for k, v := range map[string]string{"name": u.name, "nickname": u.nickname,
			"given_name": u.given, "family_name": u.family, "picture": u.picture} {
			if v != "" {
				c[k] = v
			}
		}
		c["updated_at"] = stamp(u.updatedAt)
	}
	if slices.Contains(scopes, "email") && u.email != "" {
		c["email"], c["email_verified"] = u.email, u.emailVerified
	}
	if slices.Contains(scopes, "phone") && u.phone != "" {
		c["phone_number"], c["phone_number_verified"] = u.phone, u.phoneVerified
	}
	return c
}
