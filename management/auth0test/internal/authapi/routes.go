package authapi

import (
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
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
	t      *state.Tenant
	routes web.Router[Route]
}

// New returns the Authentication API with some routes.
func New(t *state.Tenant, routes []Route) *API {
	a := &API{t: t}
	for _, r := range routes {
		a.routes.Add(r.Method, r.Pattern, r)
	}
	return a
}

func (a *API) Serve(w http.ResponseWriter, r *http.Request, path string) {
	if !a.t.Limits.PassAuthentication(w, a.t.Now(), path) {
		return
	}
	rt, params, found := a.routes.Find(r.Method, path)
	if !found {
		web.ServeUnknown(w, r)
		return
	}
	for name, value := range params {
		r.SetPathValue(name, value)
	}
	rt.Serve(a.t, w, r)
}

// Routes are the routes of the Authentication API.
func Routes() []Route {
	return []Route{
		{"GET", "/.well-known/openid-configuration", serveDiscovery},
		{"GET", "/.well-known/jwks.json", serveJWKS},
		{"POST", "/oauth/token", serveToken},
		{"POST", "/oauth/revoke", serveRevoke},
		{"POST", "/bc-authorize", serveBackChannelAuthorize},
		{"POST", "/mfa/associate", serveAssociate},
		{"POST", "/mfa/challenge", serveChallenge},
		{"GET", "/mfa/authenticators", serveAuthenticators},
		{"DELETE", "/mfa/authenticators/{id}", serveDeleteAuthenticator},
		{"GET", "/userinfo", serveUserInfo},
		{"POST", "/userinfo", serveUserInfo},
		{"GET", "/v2/logout", serveLogout},
		{"GET", "/oidc/logout", serveOIDCLogout},
		{"POST", "/oidc/logout", serveOIDCLogout},
		{"POST", "/dbconnections/signup", serveSignup},
		{"POST", "/dbconnections/change_password", serveChangePassword},
		{"POST", "/passwordless/start", servePasswordlessStart},
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
