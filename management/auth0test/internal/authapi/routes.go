package authapi

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Route is one operation of the Authentication API; serve runs without the
// mutex.
type Route struct {
	Method, Pattern string
	Serve           func(*state.Tenant, http.ResponseWriter, *http.Request)
}

// API is the Authentication API of a tenant.
type API struct {
	t       *state.Tenant
	routes  web.Router[Route]
	missing web.Router[struct{}]
}

// missing are the operations of Auth0's description of the Authentication API
// that no file of the tenant has.
var missing = []string{
	"POST /oauth/device/code", "POST /oidc/register", "POST /passwordless/verify", "POST /oauth/global-token-revocation/connection/{name}",
	"POST /oauth/access_token", "POST /oauth/ro", "POST /tokeninfo", "POST /delegation", "POST /users/{id}/impersonate",
	"GET /samlp/{client}", "GET /samlp/metadata/{client}", "POST /samlp/{client}/logout", "GET /wsfed/{client}",
	"GET /wsfed/FederationMetadata/2007-06/FederationMetadata.xml", "POST /login/callback", "POST /login/unlink",
}

// New returns the Authentication API with some routes.
func New(t *state.Tenant, routes []Route) *API {
	a := &API{t: t}
	for _, r := range append(a.wellKnown(), routes...) {
		a.routes.Add(r.Method, r.Pattern, r)
	}
	for _, op := range missing {
		method, pattern, _ := strings.Cut(op, " ")
		a.missing.Add(method, pattern, struct{}{})
	}
	return a
}

// Methods are those of the routes of a path.
func (a *API) Methods(path string) []string { return a.routes.Methods(path) }

func (a *API) Serve(w http.ResponseWriter, r *http.Request, path string) {
	if !a.t.Limits.PassAuthentication(w, a.t.Now(), path) {
		return
	}
	rt, params, found := a.routes.Find(r.Method, path)
	if !found {
		if _, _, lacking := a.missing.Find(r.Method, path); lacking {
			web.ServeMissing(w, r, a.t.Options.Missing)
			return
		}
		http.NotFound(w, r)
		return
	}
	for name, value := range params {
		r.SetPathValue(name, value)
	}
	rt.Serve(a.t, w, r)
}

// wellKnown are the two names of one description of this API.
func (a *API) wellKnown() []Route {
	return []Route{
		{"GET", "/.well-known/openid-configuration", a.serveDiscovery},
		{"GET", "/.well-known/oauth-authorization-server", a.serveDiscovery},
	}
}

// serveRoot tells a person whose address this is.
func serveRoot(_ *state.Tenant, w http.ResponseWriter, r *http.Request) {
	pages.Render(w, pages.Done, "This is the tenant "+r.Host+" of auth0test.")
}

// serveFavicon spares the console of a browser an error for each page.
func serveFavicon(_ *state.Tenant, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

// Routes are the routes of the Authentication API.
func Routes() []Route {
	return []Route{
		{"GET", "/", serveRoot},
		{"GET", "/favicon.ico", serveFavicon},
		{"GET", "/.well-known/jwks.json", serveJWKS},
		{"POST", "/oauth/token", Answering(http.StatusOK, token)},
		{"POST", "/oauth/revoke", Answering(http.StatusOK, ForApp(revoke, "token"))},
		{"POST", "/bc-authorize", Answering(http.StatusOK, ForApp(backChannelAuthorize))},
		{"POST", "/mfa/associate", Answering(http.StatusOK, associate)},
		{"POST", "/mfa/challenge", Answering(http.StatusOK, ForApp(challenge), "mfa_token")},
		{"GET", "/mfa/authenticators", Answering(http.StatusOK, authenticators)},
		{"DELETE", "/mfa/authenticators/{id}", Answering(http.StatusNoContent, deleteAuthenticator)},
		{"GET", "/userinfo", serveUserInfo},
		{"POST", "/userinfo", serveUserInfo},
		{"GET", "/v2/logout", serveLogout},
		{"GET", "/oidc/logout", serveOIDCLogout},
		{"POST", "/oidc/logout", serveOIDCLogout},
		{"POST", "/dbconnections/signup", serveSignup},
		{"POST", "/dbconnections/change_password", serveChangePassword},
		{"POST", "/passwordless/start", Answering(http.StatusOK, passwordlessStart, "client_id", "connection")},
	}
}

const (
	LoginLifetime = time.Hour // Of the pages of a login.
	RememberFor   = 30 * 24 * time.Hour

	SessionCookie = "auth0"
	BrowserCookie = "auth0-mf" // Of a browser that passes the second factor.
)

func Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// ResponseTypes are the combinations that Auth0 answers.
var ResponseTypes = []string{"code", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token"}

// Answering serves what answers with JSON, or with nothing, to requests that have some
// parameters.
func Answering(status int, answer func(*state.Tenant, *Request) (any, *OAuthError), needs ...string) func(*state.Tenant, http.ResponseWriter, *http.Request) {
	return func(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
		q := Read(w, r, needs...)
		if q == nil {
			return
		}
		body, bad := answer(t, q)
		switch {
		case bad != nil:
			bad.Send(w)
		case body == nil:
			w.WriteHeader(status)
		default:
			web.NoStore(w)
			web.SendJSON(w, status, body)
		}
	}
}

// ForApp is an answer to an application that proves who it is.
func ForApp(answer func(*state.Tenant, *Request, *state.App) (any, *OAuthError), needs ...string) func(*state.Tenant, *Request) (any, *OAuthError) {
	return func(t *state.Tenant, q *Request) (any, *OAuthError) {
		app, bad := AuthenticateApp(t, q)
		if bad == nil {
			bad = q.Need(needs...)
		}
		if bad != nil {
			return nil, bad
		}
		return answer(t, q, app)
	}
}

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
