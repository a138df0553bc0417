package authapi

import (
	"net/http"
	"sync"

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
	doc := schema.Doc("discovery")
	doc["issuer"], doc["response_types_supported"], doc["grant_types_supported"] = issuer, ResponseTypes, supportedGrants()
	for name, path := range endpoints() {
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

var endpoints = sync.OnceValue(func() map[string]string { return schema.Data[map[string]string]("endpoints") })

func supportedGrants() []string { return schema.SortedKeys(tokenGrants) }
