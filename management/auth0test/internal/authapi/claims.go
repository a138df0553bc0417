package authapi

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
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
