package authapi

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// Grant types of POST /oauth/token.
const (
	grantClientCredentials = "client_credentials"
	GrantCode              = "authorization_code"
	grantRefresh           = "refresh_token"
	grantPassword          = "password"
	grantPasswordRealm     = "http://auth0.com/oauth/grant-type/password-realm"
	grantOTP               = "http://auth0.com/oauth/grant-type/mfa-otp"
	grantOOB               = "http://auth0.com/oauth/grant-type/mfa-oob"
	grantRecoveryCode      = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
	grantPasswordless      = "http://auth0.com/oauth/grant-type/passwordless/otp"
	grantCIBA              = "urn:openid:params:grant-type:ciba"
)

// tokenGrant is one grant type. Its functions run without the mutex.
type tokenGrant struct {
	fail  string // The code of the tenant log for its failure.
	serve func(*state.Tenant, *tokenRequest) (*TokenSet, *OAuthError)
	login func(*state.Tenant, *tokenRequest) (*directLogin, *OAuthError) // Instead of serve, for finishDirect.
	needs []string
}

var tokenGrants = map[string]tokenGrant{
	grantClientCredentials: {fail: "feccft", serve: clientCredentials},
	GrantCode:              {fail: "feacft", serve: exchangeCode, needs: []string{"code"}},
	grantRefresh:           {fail: "fertft", login: refreshLogin, needs: []string{"refresh_token"}},
	grantPassword:          {fail: "fepft", login: passwordLogin, needs: []string{"username", "password"}},
	grantPasswordRealm:     {fail: "fepft", login: passwordLogin, needs: []string{"username", "password", "realm"}},
	grantOTP:               {fail: "feotpft", serve: proof(otp).exchange, needs: []string{"mfa_token", "otp"}},
	grantOOB:               {fail: "feoobft", serve: proof(oob).exchange, needs: []string{"mfa_token", "oob_code"}},
	grantRecoveryCode:      {fail: "fercft", serve: proof(recoveryCode).exchange, needs: []string{"mfa_token", "recovery_code"}},
	grantPasswordless:      {fail: "fepotpft", login: passwordlessLogin, needs: []string{"realm", "username", "otp"}},
	grantCIBA:              {fail: "ciba_exchange_failed", login: answeredCIBA, needs: []string{"auth_req_id"}},
}

// exchange issues the tokens of a request.
func (g tokenGrant) exchange(t *state.Tenant, q *tokenRequest) (*TokenSet, *OAuthError) {
	if bad := q.Need(g.needs...); bad != nil {
		return nil, bad
	}
	if g.serve != nil {
		return g.serve(t, q)
	}
	l, bad := g.login(t, q)
	if bad != nil {
		return nil, bad
	}
	return finishDirect(t, l)
}

// tokenRequest is a request whose client is known and authenticated.
type tokenRequest struct {
	*Request
	app   *state.App
	grant string
	jkt   string // The key of which the request proved possession; "" without a proof.
}

// TokenSet is the answer of the token endpoint.
type TokenSet struct {
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token,omitempty"`
	ID       string `json:"id_token,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Expires  int    `json:"expires_in"`
	Type     string `json:"token_type"`
	Recovery string `json:"recovery_code,omitempty"`

	// What is signed when the mutex is free again: signing takes its time.
	header, accessClaims map[string]any
	IDClaims             map[string]any `json:"-"`
	secret, idSecret     string         // For HS256.
	idAlg                string
}

// Sign makes the tokens of their claims.
func (s *TokenSet) Sign(t *state.Tenant) *TokenSet {
	if s.accessClaims != nil {
		s.Access = t.Keys.SignUnder(s.secret, s.header, s.accessClaims)
	}
	if s.IDClaims != nil {
		s.ID = s.SignID(t, s.IDClaims)
	}
	return s
}

// SignID makes an ID token by the application's algorithm.
func (s *TokenSet) SignID(t *state.Tenant, claims map[string]any) string {
	return t.Keys.SignUnder(s.idSecret, map[string]any{"alg": s.idAlg}, claims)
}

// token is POST /oauth/token.
func token(t *state.Tenant, q *Request) (any, *OAuthError) {
	name := q.Get("grant_type")
	g, known := tokenGrants[name]
	if name == "" {
		return nil, MissingParameter("grant_type")
	}
	if !known {
		return nil, OAuthFail(http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: "+name)
	}
	app, bad := AuthenticateApp(t, q)
	if bad != nil {
		return nil, refused(t, q, nil, g.fail, bad)
	}
	if !slices.Contains(app.Grants, name) && !(name == grantPasswordRealm && slices.Contains(app.Grants, grantPassword)) {
		return nil, refused(t, q, app, g.fail, OAuthFail(http.StatusForbidden, "unauthorized_client",
			"Grant type '"+name+"' not allowed for the client."))
	}
	jkt, bad := proveKey(t, q, app)
	if bad != nil {
		return nil, refused(t, q, app, g.fail, bad)
	}
	set, bad := g.exchange(t, &tokenRequest{Request: q, app: app, grant: name, jkt: jkt})
	switch {
	case bad == nil:
		return set.Sign(t), nil
	case bad.Logged:
		return nil, bad
	}
	return nil, refused(t, q, app, g.fail, bad)
}

// refused logs a failed exchange and returns its error. That a second factor is
// due, or that the user has not answered yet, is no failure.
func refused(t *state.Tenant, q *Request, app *state.App, code string, bad *OAuthError) *OAuthError {
	switch bad.Code {
	case "mfa_required", "authorization_pending", "slow_down", useNonce:
		return bad
	}
	t.Lock()
	defer t.Unlock()
	f := (&Issuance{App: app}).LogFields(q.Origin)
	f.ClientID = cmp.Or(f.ClientID, q.Get("client_id"))
	f.Description, f.Audience = bad.Description, q.Get("audience")
	t.Log(code, f)
	return bad
}

// logFields is what the log says of where a request came from.
func (q *Request) logFields() state.LogFields {
	return state.LogFields{IP: q.IP, UserAgent: q.UserAgent, Hostname: q.Host}
}

// AuthenticateApp finds the application of a request and checks its secret: by
// HTTP Basic, with both parts form-encoded (RFC 6749, section 2.3.1), in the
// body, or by an assertion under its key. Applications without authentication
// are taken at their word. One with a secret may also say for which address it
// acts, when it is set up so.
func AuthenticateApp(t *state.Tenant, q *Request) (*state.App, *OAuthError) {
	id, secret, bad := q.appCredentials()
	if bad != nil {
		return nil, bad
	}
	t.Lock()
	app := t.App(id)
	t.Unlock()
	if app == nil {
		return nil, unauthorizedClient()
	}
	if q.Get("client_assertion") != "" {
		return app, checkAssertion(t, app, q)
	}
	if app.AuthMethod == "none" {
		return app, nil
	}
	if secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(app.Secret)) != 1 {
		return nil, unauthorizedClient()
	}
	if ip := q.r.Header.Get("auth0-forwarded-for"); ip != "" && app.TrustsIP {
		q.IP = ip
	}
	return app, nil
}

func (q *Request) appCredentials() (id, secret string, bad *OAuthError) {
	id, secret = q.Get("client_id"), q.Get("client_secret")
	if user, pass, isBasic := q.r.BasicAuth(); isBasic {
		user, err1 := url.QueryUnescape(user)
		pass, err2 := url.QueryUnescape(pass)
		if err1 != nil || err2 != nil || id != "" && id != user {
			return "", "", unauthorizedClient()
		}
		id, secret = user, pass
	}
	if a := q.readAssertion(); a != nil && id == "" {
		id = a.Sub
	}
	if id == "" {
		return "", "", OAuthFail(http.StatusUnauthorized, "invalid_client", "Missing client_id")
	}
	return id, secret, nil
}

func Seconds(d time.Duration) int { return int(d / time.Second) }
