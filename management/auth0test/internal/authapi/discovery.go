package authapi

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// serveJWKS publishes the signing keys, the current one first.
func serveJWKS(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	keys := []map[string]any{}
	for _, k := range t.Keys.Published() {
		keys = append(keys, k.JWK())
	}
	t.Lock()
	if t.TenantFlag("remove_alg_from_jwks") {
		for _, k := range keys {
			delete(k, "alg")
		}
	}
	t.Unlock()
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	web.SendJSON(w, http.StatusOK, map[string]any{"keys": keys})
}

// serveDiscovery describes the tenant under the host of the request (OpenID
// Connect Discovery 1.0, section 3; RFC 8414, section 3). It names the endpoints
// that the tenant has, and those which it knows to lack and refuses.
func (a *API) serveDiscovery(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	issuer := web.IssuerOf(r)
	doc := map[string]any{
		"issuer": issuer,

		"backchannel_logout_supported":         true,
		"backchannel_logout_session_supported": true,
		"request_parameter_supported":          false,
		"request_uri_parameter_supported":      false,

		"response_types_supported": ResponseTypes,
		"response_modes_supported": []string{"query", "fragment", "form_post"},
		"scopes_supported": []string{"openid", "profile", "offline_access", "name", "given_name", "family_name",
			"nickname", "email", "email_verified", "picture", "created_at", "identities", "phone", "address"},
		"claims_supported": []string{"aud", "auth_time", "created_at", "email", "email_verified", "exp", "family_name",
			"given_name", "iat", "identities", "iss", "name", "nickname", "phone_number", "picture", "sub"},
		"subject_types_supported":                                         []string{"public"},
		"code_challenge_methods_supported":                                []string{"S256", "plain"},
		"id_token_signing_alg_values_supported":                           []string{"HS256", "RS256", "PS256"},
		"dpop_signing_alg_values_supported":                               []string{"ES256"},
		"token_endpoint_auth_methods_supported":                           []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"token_endpoint_auth_signing_alg_values_supported":                []string{"RS256"},
		"grant_types_supported":                                           supportedGrants(),
		"backchannel_token_delivery_modes_supported":                      []string{"poll"},
		"backchannel_user_code_parameter_supported":                       false,
		"backchannel_authentication_request_signing_alg_values_supported": []string{},
	}
	for name, path := range endpoints {
		if len(a.routes.Methods("/"+path))+len(a.missing.Methods("/"+path)) > 0 {
			doc[name] = issuer + path
		}
	}
	discoverSettings(t, doc)
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	web.SendJSON(w, http.StatusOK, doc)
}

// discoverSettings adds and removes what the tenant's settings say.
func discoverSettings(t *state.Tenant, doc map[string]any) {
	t.Lock()
	defer t.Unlock()
	if values := store.StringsOf(t.TenantSetting("acr_values_supported")); len(values) > 0 {
		doc["acr_values_supported"] = values
	}
	logout, _ := t.TenantSetting("oidc_logout").(map[string]any)
	if logout["rp_logout_end_session_endpoint_discovery"] == false {
		delete(doc, "end_session_endpoint")
	}
	if t.TenantSetting(state.IssParameter) == true {
		doc[state.IssParameter] = true
	}
	if t.TenantSetting("pushed_authorization_requests_supported") == false {
		delete(doc, "pushed_authorization_request_endpoint")
	}
}

var endpoints = map[string]string{
	"authorization_endpoint":                "authorize",
	"token_endpoint":                        "oauth/token",
	"device_authorization_endpoint":         "oauth/device/code",
	"registration_endpoint":                 "oidc/register",
	"userinfo_endpoint":                     "userinfo",
	"jwks_uri":                              ".well-known/jwks.json",
	"revocation_endpoint":                   "oauth/revoke",
	"pushed_authorization_request_endpoint": "oauth/par",
	"mfa_challenge_endpoint":                "mfa/challenge",
	"end_session_endpoint":                  "oidc/logout",
	"backchannel_authentication_endpoint":   "bc-authorize",
}

func supportedGrants() []string { return schema.SortedKeys(tokenGrants) }
