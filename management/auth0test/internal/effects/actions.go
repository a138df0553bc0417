// Package effects is what a tenant does beside answering: what Actions may see
// and change.
package effects

import (
	"regexp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// ActionClaims is what Actions change in tokens.
type ActionClaims struct {
	ID, Access          map[string]any
	AddScope, DropScope []string
}

// Verdict is what post-login Actions said.
type Verdict struct {
	Claims  ActionClaims
	MFA     bool   // Ask for a second factor.
	Refused bool   // The login is refused.
	Reason  string // Why.

	Code     string // Of a refused token of an application.
	Friendly string // What a refused sign-up may say to its user.
}

// NewVerdict returns the verdict before any Action ran.
func NewVerdict() *Verdict {
	return &Verdict{Claims: ActionClaims{ID: map[string]any{}, Access: map[string]any{}}}
}

// ActionAPI is the api object of a post-login Action.
func ActionAPI(t *state.Tenant, userID string, v *Verdict) map[string]any {
	metadata := func(app bool) func(string, any) {
		return func(name string, value any) { setMetadata(t, userID, app, name, value) }
	}
	mfa := func() { v.MFA = true }
	return map[string]any{
		"access": map[string]any{"deny": func(reason string) { v.Refused, v.Reason = true, reason }},
		"accessToken": map[string]any{
			"setCustomClaim": setClaim(v.Claims.Access),
			"addScope":       func(s string) { v.Claims.AddScope = append(v.Claims.AddScope, s) },
			"removeScope":    func(s string) { v.Claims.DropScope = append(v.Claims.DropScope, s) },
		},
		"idToken":     map[string]any{"setCustomClaim": setClaim(v.Claims.ID)},
		"multifactor": map[string]any{"enable": func(provider string, options any) { mfa() }},
		"authentication": map[string]any{
			"challengeWith":    func(factor any, options any) { mfa() },
			"challengeWithAny": func(factors any) { mfa() },
		},
		"user": map[string]any{"setAppMetadata": metadata(true), "setUserMetadata": metadata(false)},
	}
}

// MachineAPI is the api object of a credentials-exchange Action.
func MachineAPI(v *Verdict) map[string]any {
	return map[string]any{
		"access": map[string]any{"deny": func(code, reason string) {
			v.Refused, v.Code, v.Reason = true, code, reason
			if code != "invalid_scope" && code != "server_error" {
				v.Code = "invalid_request"
			}
		}},
		"accessToken": map[string]any{"setCustomClaim": setClaim(v.Claims.Access)},
	}
}

// RegistrationAPI is the api object of a pre-user-registration Action.
func RegistrationAPI(v *Verdict, u *state.User) map[string]any {
	set := func(m *map[string]any) func(string, any) {
		return func(name string, value any) { *m = store.Patched(*m, map[string]any{name: value}) }
	}
	return map[string]any{
		"access": map[string]any{"deny": func(reason, message string) { v.Refused, v.Reason, v.Friendly = true, reason, message }},
		"user":   map[string]any{"setAppMetadata": set(&u.AppMetadata), "setUserMetadata": set(&u.UserMetadata)},
	}
}

// restricted are the claims that Auth0 drops without an error
// (https://auth0.com/docs/secure/tokens/json-web-tokens/create-custom-claims).
var restricted = strings.Fields(`acr act active amr at_hash ath attest aud auth_time authorization_details azp c_hash
	client_id cnf cty dest entitlements events exp groups gty htm htu iat internalService iss jcard jku jti jwe jwk kid
	may_act mky nbf nonce object_id org_id org_name orig origid permissions roles rph s_hash sid sip_callid sip_cseq_num
	sip_date sip_from_tag sip_via_branch sub sub_jwk toe txn typ uuid vot vtm x5t#S256`)

var reserved = regexp.MustCompile(`^(https?://([^/?#]*\.)?(auth0\.com|webtask\.io|webtask\.run)([/:?#]|$)|urn:auth0(:|$))`)

// setClaim sets claims, all but those that Auth0 drops.
func setClaim(claims map[string]any) func(string, any) {
	return func(name string, value any) {
		if !slices.Contains(restricted, name) && !reserved.MatchString(name) {
			claims[name] = value
		}
	}
}

// setMetadata changes one key of a user's metadata, as an Action may.
func setMetadata(t *state.Tenant, userID string, app bool, name string, value any) {
	now := t.Lock()
	defer t.Unlock()
	u := t.Users.Get(userID)
	if u == nil {
		return
	}
	m := &u.UserMetadata
	if app {
		m = &u.AppMetadata
	}
	*m, u.UpdatedAt = store.Patched(*m, map[string]any{name: value}), now // Readers may hold the old map.
}
