package auth0test

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Grant types of POST /oauth/token.
const (
	grantClientCredentials = "client_credentials"
	grantCode              = "authorization_code"
	grantRefresh           = "refresh_token"
	grantPassword          = "password"
	grantPasswordRealm     = "http://auth0.com/oauth/grant-type/password-realm"
	grantOTP               = "http://auth0.com/oauth/grant-type/mfa-otp"
	grantOOB               = "http://auth0.com/oauth/grant-type/mfa-oob"
	grantRecoveryCode      = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
	grantPasswordless      = "http://auth0.com/oauth/grant-type/passwordless/otp"
	grantCIBA              = "urn:openid:params:grant-type:ciba"
)

// tokenGrant is one grant type: its handler runs without the mutex, and the
// code of the tenant log for its failure.
type tokenGrant struct {
	serve func(*Tenant, *tokenRequest) (*tokenSet, *oauthError)
	fail  string
}

var tokenGrants = map[string]tokenGrant{
	grantClientCredentials: {serve: (*Tenant).clientCredentials, fail: "feccft"},
	grantCode:              {serve: (*Tenant).exchangeCode, fail: "feacft"},
	grantRefresh:           {serve: (*Tenant).exchangeRefresh, fail: "fertft"},
	grantPassword:          {serve: (*Tenant).exchangePassword, fail: "fepft"},
	grantPasswordRealm:     {serve: (*Tenant).exchangePassword, fail: "fepft"},
	grantOTP:               {serve: (*Tenant).exchangeOTP, fail: "feotpft"},
	grantOOB:               {serve: (*Tenant).exchangeOOB, fail: "feoobft"},
	grantRecoveryCode:      {serve: (*Tenant).exchangeRecoveryCode, fail: "fercft"},
	grantPasswordless:      {serve: (*Tenant).exchangePasswordless, fail: "fepotpft"},
	grantCIBA:              {serve: (*Tenant).exchangeCIBA, fail: "ciba_exchange_failed"},
}

// tokenRequest is a request whose client is known and authenticated.
type tokenRequest struct {
	*authRequest
	app   *app
	grant string
}

// tokenSet is the answer of the token endpoint.
type tokenSet struct {
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token,omitempty"`
	ID       string `json:"id_token,omitempty"`
	Scope    string `json:"scope,omitempty"`
	Expires  int    `json:"expires_in"`
	Type     string `json:"token_type"`
	Recovery string `json:"recovery_code,omitempty"`

	// What is signed when the mutex is free again: signing takes its time.
	header, access, id map[string]any
}

// sign makes the tokens of their claims.
func (s *tokenSet) sign(t *Tenant) *tokenSet {
	if s.access != nil {
		s.Access = t.Sign(s.header, s.access)
	}
	if s.id != nil {
		s.ID = t.Sign(nil, s.id)
	}
	return s
}

func (t *Tenant) serveToken(w http.ResponseWriter, r *http.Request) {
	set, bad := t.token(w, r)
	if bad != nil {
		bad.send(w)
		return
	}
	noStore(w)
	sendJSON(w, http.StatusOK, set.sign(t))
}

func (t *Tenant) token(w http.ResponseWriter, r *http.Request) (*tokenSet, *oauthError) {
	q, bad := readAuth(w, r)
	if bad != nil {
		return nil, bad
	}
	name := q.get("grant_type")
	g, known := tokenGrants[name]
	if name == "" {
		return nil, missingParameter("grant_type")
	}
	if !known {
		return nil, oauthFail(http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: "+name)
	}
	app, bad := t.authenticateApp(q)
	if bad != nil {
		return nil, t.refused(q, nil, g.fail, bad)
	}
	if !slices.Contains(app.grants, name) && !(name == grantPasswordRealm && slices.Contains(app.grants, grantPassword)) {
		return nil, t.refused(q, app, g.fail, oauthFail(http.StatusForbidden, "unauthorized_client",
			"Grant type '"+name+"' not allowed for the client."))
	}
	set, bad := g.serve(t, &tokenRequest{authRequest: q, app: app, grant: name})
	if bad != nil && !bad.logged {
		bad = t.refused(q, app, g.fail, bad)
	}
	return set, bad
}

// refused logs a failed exchange and returns its error. That a second factor is
// due, or that the user has not answered yet, is no failure.
func (t *Tenant) refused(q *authRequest, app *app, code string, bad *oauthError) *oauthError {
	switch bad.code {
	case "mfa_required", "authorization_pending", "slow_down":
		return bad
	}
	t.lock()
	defer t.mu.Unlock()
	f := q.logFields()
	f.Description = bad.description
	if app != nil {
		f.ClientID, f.ClientName = app.id, app.name
	} else {
		f.ClientID = q.get("client_id")
	}
	f.Audience = q.get("audience")
	t.log(code, f)
	return bad
}

// logFields is what the log says of where a request came from.
func (q *authRequest) logFields() logFields {
	return logFields{IP: q.ip, UserAgent: q.userAgent, Hostname: q.host}
}

// authenticateApp finds the application of a request and checks its secret: by
// HTTP Basic, with both parts form-encoded (RFC 6749, section 2.3.1), in the
// body, or by an assertion under its key. Applications without authentication
// are taken at their word. One with a secret may also say for which address it
// acts, when it is set up so.
func (t *Tenant) authenticateApp(q *authRequest) (*app, *oauthError) {
	id, secret, bad := q.appCredentials()
	if bad != nil {
		return nil, bad
	}
	t.lock()
	app := t.app(id)
	t.mu.Unlock()
	if app == nil {
		return nil, unauthorizedClient()
	}
	if q.get("client_assertion") != "" {
		return app, t.checkAssertion(app, q)
	}
	if app.authMethod == "none" {
		return app, nil
	}
	if secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(app.secret)) != 1 {
		return nil, unauthorizedClient()
	}
	if ip := q.r.Header.Get("auth0-forwarded-for"); ip != "" && app.trustsIP {
		q.ip = ip
	}
	return app, nil
}

func (q *authRequest) appCredentials() (id, secret string, bad *oauthError) {
	id, secret = q.get("client_id"), q.get("client_secret")
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
		return "", "", oauthFail(http.StatusUnauthorized, "invalid_client", "Missing client_id")
	}
	return id, secret, nil
}

// clientCredentials gives an application a token of its own, also for an
// organization that it was granted.
func (t *Tenant) clientCredentials(q *tokenRequest) (*tokenSet, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	audience := q.get("audience")
	if audience == "" {
		audience = t.authState.defaultAudience
	}
	if audience == "" {
		return nil, accessDenied("Non-global clients are not allowed access to APIv1")
	}
	api := t.apiView(audience, q.issuer)
	if api == nil {
		return nil, accessDenied("Service not found: " + audience)
	}
	granted, org, bad := t.machineGrant(q, api)
	if bad != nil {
		return nil, bad
	}
	scopes := granted
	if asked := strings.Fields(q.get("scope")); len(asked) > 0 {
		if extra := without(asked, granted); len(extra) > 0 {
			return nil, accessDenied("Client has not been granted scopes: " + strings.Join(extra, ", "))
		}
		scopes = asked
	}
	i := &issuance{app: q.app, api: api, org: org, issuer: q.issuer, gty: "client-credentials"}
	set := &tokenSet{Scope: strings.Join(scopes, " "), Expires: seconds(api.lifetime), Type: "Bearer"}
	set.header, set.access = api.accessHeader(), i.machineClaims(scopes, now)
	f := q.logFields()
	f.ClientID, f.ClientName, f.Audience, f.Scope = q.app.id, q.app.name, audience, set.Scope
	if org != nil {
		f.OrgID, f.OrgName = org.id, org.name
	}
	t.log("seccft", f)
	return set, nil
}

// machineClaims are the claims of an application's own token.
func (i *issuance) machineClaims(scopes []string, now time.Time) map[string]any {
	c := i.commonClaims(i.api, now)
	c["sub"], c["aud"] = i.app.id+"@clients", i.api.audience
	if len(scopes) > 0 {
		c["scope"] = strings.Join(scopes, " ")
	}
	if i.api.permissions {
		c["permissions"] = append([]string{}, scopes...)
	}
	i.orgClaims(c)
	return c
}

// without returns what of list is not in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

func seconds(d time.Duration) int { return int(d / time.Second) }
