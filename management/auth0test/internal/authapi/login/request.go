package login

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// authorizeRequest is a request to /authorize whose application and redirect_uri
// are good, so that an error may go there.
type authorizeRequest struct {
	app          *state.App
	redirect     string
	redirectSent bool     // redirect_uri was there, so the exchange of the code needs it too.
	types        []string // code, id_token, token.
	mode         string
	scopes       []string
	audience     string
	state        string
	nonce        string
	challenge    string
	method       string // S256 or plain.
	organization string
	invitation   string
	connection   string
	hint         string
	screen       string
	prompt       []string
	acr          []string
	maxAge       time.Duration // Negative: none was asked for.
	issuer       string
	iss          bool   // The answer names the issuer (RFC 9207).
	jkt          string // dpop_jkt: the key that the exchange of the code must prove.
	byReference  bool   // The request was pushed.
}

// silent reports whether no page may be shown.
func (q *authorizeRequest) silent() bool { return slices.Contains(q.prompt, "none") }

// wantsMFA reports whether the request asks for a second factor.
func (q *authorizeRequest) wantsMFA() bool { return slices.Contains(q.acr, state.AcrMFA) }

// readAuthorize takes a request apart. Without a page error the oauth error, if
// there is one, goes to the application.
func readAuthorize(t *state.Tenant, r *http.Request) (*authorizeRequest, *authapi.PageError, *authapi.OAuthError) {
	v := r.URL.Query()
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			return nil, &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request", Description: "Invalid form body"}, nil
		}
		v = r.Form
	}
	byReference := v.Has("request_uri")
	v, bad := pushed(t, v)
	if bad != nil {
		return nil, bad, nil
	}
	q, bad := authorizeTarget(t, v, web.OriginOf(r))
	if bad != nil {
		return nil, bad, nil
	}
	q.byReference, q.jkt = byReference, v.Get("dpop_jkt")
	q.issuer = web.IssuerOf(r)
	q.scopes, q.audience = strings.Fields(v.Get("scope")), v.Get("audience")
	q.state, q.nonce = v.Get("state"), v.Get("nonce")
	q.organization, q.invitation = v.Get("organization"), v.Get("invitation")
	q.connection, q.hint, q.screen = v.Get("connection"), v.Get("login_hint"), v.Get("screen_hint")
	q.prompt, q.acr = strings.Fields(v.Get("prompt")), strings.Fields(v.Get("acr_values"))
	q.challenge, q.method = v.Get("code_challenge"), v.Get("code_challenge_method")
	q.maxAge = -1
	if n, err := strconv.Atoi(v.Get("max_age")); err == nil && n >= 0 && n < 1<<31 {
		q.maxAge = time.Duration(n) * time.Second
	}
	return q, nil, q.check(v)
}

// authorizeTarget finds the application and where to return to.
func authorizeTarget(t *state.Tenant, v url.Values, from web.Origin) (*authorizeRequest, *authapi.PageError) {
	id := v.Get("client_id")
	if id == "" {
		return nil, &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request", Description: "Missing required parameter: client_id"}
	}
	t.Lock()
	app, iss := t.App(id), t.TenantSetting(state.IssParameter) == true
	t.Unlock()
	if app == nil {
		return nil, &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request", Description: "Unknown client: " + id}
	}
	q := &authorizeRequest{app: app, redirect: v.Get("redirect_uri"), redirectSent: v.Has("redirect_uri"), mode: v.Get("response_mode"), iss: iss}
	if q.redirect == "" && len(app.Callbacks) > 0 {
		q.redirect = app.Callbacks[0]
	}
	if !slices.ContainsFunc(app.Callbacks, func(c string) bool { return isCallback(c, q.redirect) }) {
		return nil, &authapi.PageError{Status: http.StatusForbidden, Code: "unauthorized_client",
			Description: "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs."}
	}
	if q.mode == webMessage && !app.HasWebOrigin(q.redirect) {
		silent := slices.Contains(strings.Fields(v.Get("prompt")), "none")
		return nil, noWebOrigin(t, app, q.redirect, silent, from)
	}
	return q, nil
}

// isCallback compares a URL with an allowed one, whose host may begin with "*."
// for one level of subdomains.
func isCallback(allowed, got string) bool {
	if allowed == got {
		return got != ""
	}
	a, err1 := url.Parse(allowed)
	g, err2 := url.Parse(got)
	return err1 == nil && err2 == nil && strings.HasPrefix(a.Host, "*.") &&
		state.SameOrigin(a, g) && a.Path == g.Path && a.RawQuery == g.RawQuery
}

// check finds what is wrong with a request by itself.
func (q *authorizeRequest) check(v url.Values) *authapi.OAuthError {
	if q.app.RequirePAR && !q.byReference {
		return authapi.InvalidRequest("Pushed authorization requests are required for this client")
	}
	if v.Has("request") {
		return authapi.OAuthFail(0, "request_not_supported", "auth0test does not read request objects")
	}
	if bad := q.checkType(v.Get("response_type")); bad != nil {
		return bad
	}
	switch q.mode {
	case "", "query", "fragment", "form_post", webMessage:
	default:
		return authapi.InvalidRequest("Invalid response_mode: " + q.mode)
	}
	if q.method == "" {
		q.method = "plain" // RFC 7636, section 4.3.
	}
	if q.challenge != "" && q.method != "S256" && q.method != "plain" {
		return authapi.InvalidRequest("Unsupported code_challenge_method: " + q.method)
	}
	if q.challenge == "" && v.Has("code_challenge_method") {
		return authapi.MissingParameter("code_challenge")
	}
	if q.silent() && len(q.prompt) > 1 {
		return authapi.InvalidRequest("prompt=none must be the only prompt")
	}
	return nil
}

// checkType checks response_type; tokens do not travel in a query.
func (q *authorizeRequest) checkType(typ string) *authapi.OAuthError {
	q.types = strings.Fields(typ)
	slices.Sort(q.types)
	direct := q.gives("token") || q.gives("id_token")
	switch {
	case typ == "":
		return authapi.MissingParameter("response_type")
	case !slices.Contains(authapi.ResponseTypes, strings.Join(q.types, " ")):
		return authapi.OAuthFail(0, "unsupported_response_type", "Unsupported response type: "+typ)
	case q.gives("code") && !slices.Contains(q.app.Grants, authapi.GrantCode):
		return authapi.OAuthFail(0, "unauthorized_client", "Grant type 'authorization_code' not allowed for the client.")
	case direct && !slices.Contains(q.app.Grants, "implicit"):
		return authapi.OAuthFail(0, "unauthorized_client", "Grant type 'implicit' not allowed for the client.")
	case direct && q.mode == "query":
		return authapi.InvalidRequest("response_mode query is not allowed with tokens")
	case q.gives("id_token") && q.nonce == "":
		return authapi.MissingParameter("nonce")
	}
	if direct && q.mode == "" {
		q.mode = "fragment"
	}
	return nil
}

// gives reports whether the answer has a code, an id_token or a token.
func (q *authorizeRequest) gives(what string) bool { return slices.Contains(q.types, what) }

// respond sends a result to the application: a code or an error.
func (q *authorizeRequest) respond(w http.ResponseWriter, r *http.Request, result url.Values) {
	if q.state != "" {
		result.Set("state", q.state)
	}
	if q.iss {
		result.Set("iss", q.issuer)
	}
	w.Header().Set("Cache-Control", "no-store")
	switch q.mode {
	case webMessage:
		post(w, q.redirect, result)
	case "form_post":
		pages.Render(w, pages.FormPost, map[string]any{"To": q.redirect, "Values": result})
	case "fragment":
		http.Redirect(w, r, q.redirect+"#"+result.Encode(), http.StatusFound)
	default:
		sep := "?"
		if strings.Contains(q.redirect, "?") {
			sep = "&"
		}
		http.Redirect(w, r, q.redirect+sep+result.Encode(), http.StatusFound)
	}
}

// refuse sends an error to the application and logs it.
func refuse(t *state.Tenant, w http.ResponseWriter, r *http.Request, q *authorizeRequest, bad *authapi.OAuthError, user *state.User) {
	if !bad.Logged {
		code := "f"
		if q.silent() {
			code = "fsa"
		}
		from := web.OriginOf(r)
		i := authapi.Issuance{App: q.app, User: user}
		f := i.LogFields(from)
		f.Description, f.Audience = bad.Description, q.audience
		f.Details = map[string]any{"error": map[string]any{"message": bad.Description, "oauthError": bad.Code, "type": "oauth-authorization"}}
		t.Lock()
		t.Log(code, f)
		t.Unlock()
	}
	q.respond(w, r, url.Values{"error": {bad.Code}, "error_description": {bad.Description}})
}

const RequestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// pushedRequest is an authorization request that was pushed (RFC 9126).
type pushedRequest struct {
	clientID string
	values   url.Values
}

// pushAuthorization keeps an authorization request of an application that
// authenticates itself; /authorize takes its request_uri instead, once.
func pushAuthorization(t *state.Tenant, q *authapi.Request, app *state.App) (any, *authapi.OAuthError) {
	v := url.Values{}
	for name := range q.Values {
		v.Set(name, q.Get(name))
	}
	for _, secret := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		v.Del(secret)
	}
	v.Set("client_id", app.ID)
	now := t.Lock()
	defer t.Unlock()
	uri := RequestURIPrefix + store.RandomID(32)
	state.Keep(t, uri, &pushedRequest{app.ID, v}, now.Add(app.PARLifetime))
	return map[string]any{"request_uri": uri, "expires_in": authapi.Seconds(app.PARLifetime)}, nil
}

// pushed returns the parameters of a request: those that were pushed before,
// where it names them.
func pushed(t *state.Tenant, v url.Values) (url.Values, *authapi.PageError) {
	uri := v.Get("request_uri")
	if uri == "" {
		return v, nil
	}
	t.Lock()
	defer t.Unlock()
	p := state.Kept[*pushedRequest](t)[uri]
	if p == nil || p.clientID != v.Get("client_id") {
		return nil, &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request_uri", Description: "The request_uri is invalid or expired"}
	}
	delete(state.Kept[*pushedRequest](t), uri)
	return p.values, nil
}

// webMessage is the response_mode for pages that frame /authorize or open it in
// a window (draft-sakimura-oauth-wmrm-00, simple mode).
const webMessage = "web_message"

// post sends a result to the window that asked, if that has the origin of the
// redirect_uri, which is one of the application's web_origins.
func post(w http.ResponseWriter, redirect string, result url.Values) {
	response := make(map[string]string, len(result))
	for name := range result {
		response[name] = result.Get(name)
	}
	to, err := url.Parse(redirect)
	if err != nil {
		panic(err) // It was parsed when it was compared with web_origins.
	}
	pages.WebMessage(w, to.Scheme+"://"+to.Host, response)
}

// noWebOrigin says that no message may go to the page of a redirect_uri. The
// log hears of it where no page could be shown.
func noWebOrigin(t *state.Tenant, app *state.App, redirect string, silent bool, from web.Origin) *authapi.PageError {
	bad := &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request",
		Description: "The specified redirect_uri '" + redirect + "' does not have a registered origin."}
	if silent {
		f := (&authapi.Issuance{App: app}).LogFields(from)
		f.Description = bad.Description
		t.Lock()
		t.Log("fsa", f)
		t.Unlock()
	}
	return bad
}
