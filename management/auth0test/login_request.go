package auth0test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authorizeRequest is a request to /authorize whose application and redirect_uri
// are good, so that an error may go there.
type authorizeRequest struct {
	app          *app
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
}

// silent reports whether no page may be shown.
func (q *authorizeRequest) silent() bool { return slices.Contains(q.prompt, "none") }

// wantsMFA reports whether the request asks for a second factor.
func (q *authorizeRequest) wantsMFA() bool { return slices.Contains(q.acr, acrMFA) }

// pageError is an error that is shown to the person, because there is nowhere to
// redirect it to.
type pageError struct {
	status            int
	code, description string
}

// readAuthorize takes a request apart. Without a page error the oauth error, if
// there is one, goes to the application.
func (t *Tenant) readAuthorize(r *http.Request) (*authorizeRequest, *pageError, *oauthError) {
	v := r.URL.Query()
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			return nil, &pageError{http.StatusBadRequest, "invalid_request", "Invalid form body"}, nil
		}
		v = r.Form
	}
	v, bad := t.pushed(v)
	if bad != nil {
		return nil, bad, nil
	}
	q, bad := t.authorizeTarget(v)
	if bad != nil {
		return nil, bad, nil
	}
	q.issuer = issuerOf(r)
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
func (t *Tenant) authorizeTarget(v url.Values) (*authorizeRequest, *pageError) {
	id := v.Get("client_id")
	if id == "" {
		return nil, &pageError{http.StatusBadRequest, "invalid_request", "Missing required parameter: client_id"}
	}
	t.lock()
	app := t.app(id)
	t.mu.Unlock()
	if app == nil {
		return nil, &pageError{http.StatusBadRequest, "invalid_request", "Unknown client: " + id}
	}
	q := &authorizeRequest{app: app, redirect: v.Get("redirect_uri"), redirectSent: v.Has("redirect_uri"), mode: v.Get("response_mode")}
	if q.redirect == "" && len(app.callbacks) > 0 {
		q.redirect = app.callbacks[0]
	}
	if !slices.ContainsFunc(app.callbacks, func(c string) bool { return isCallback(c, q.redirect) }) {
		return nil, &pageError{http.StatusForbidden, "unauthorized_client",
			"Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs."}
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
	if err1 != nil || err2 != nil || !strings.HasPrefix(a.Host, "*.") {
		return false
	}
	label, rest, _ := strings.Cut(g.Host, ".")
	return label != "" && rest == a.Host[2:] && a.Scheme == g.Scheme && a.Path == g.Path && a.RawQuery == g.RawQuery
}

// responseTypes are the combinations that Auth0 answers.
var responseTypes = []string{"code", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token"}

// check finds what is wrong with a request by itself.
func (q *authorizeRequest) check(v url.Values) *oauthError {
	if bad := q.checkType(v.Get("response_type")); bad != nil {
		return bad
	}
	switch q.mode {
	case "", "query", "fragment", "form_post":
	default:
		return invalidRequest("Invalid response_mode: " + q.mode)
	}
	if q.method == "" {
		q.method = "plain" // RFC 7636, section 4.3.
	}
	if q.challenge != "" && q.method != "S256" && q.method != "plain" {
		return invalidRequest("Unsupported code_challenge_method: " + q.method)
	}
	if q.challenge == "" && v.Has("code_challenge_method") {
		return missingParameter("code_challenge")
	}
	if q.silent() && len(q.prompt) > 1 {
		return invalidRequest("prompt=none must be the only prompt")
	}
	return nil
}

// checkType checks response_type; tokens do not travel in a query.
func (q *authorizeRequest) checkType(typ string) *oauthError {
	q.types = strings.Fields(typ)
	slices.Sort(q.types)
	direct := q.gives("token") || q.gives("id_token")
	switch {
	case typ == "":
		return missingParameter("response_type")
	case !slices.Contains(responseTypes, strings.Join(q.types, " ")):
		return oauthFail(0, "unsupported_response_type", "Unsupported response type: "+typ)
	case q.gives("code") && !slices.Contains(q.app.grants, grantCode):
		return oauthFail(0, "unauthorized_client", "Grant type 'authorization_code' not allowed for the client.")
	case direct && !slices.Contains(q.app.grants, "implicit"):
		return oauthFail(0, "unauthorized_client", "Grant type 'implicit' not allowed for the client.")
	case direct && q.mode == "query":
		return invalidRequest("response_mode query is not allowed with tokens")
	case q.gives("id_token") && q.nonce == "":
		return missingParameter("nonce")
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
	w.Header().Set("Cache-Control", "no-store")
	switch q.mode {
	case "form_post":
		render200(w, formPostPage, map[string]any{"To": q.redirect, "Values": result})
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
func (t *Tenant) refuse(w http.ResponseWriter, r *http.Request, q *authorizeRequest, bad *oauthError, user *userView) {
	if !bad.logged {
		code := "f"
		if q.silent() {
			code = "fsa"
		}
		from := originOf(r)
		i := issuance{app: q.app, user: user}
		f := i.logFields(from)
		f.Description, f.Audience = bad.description, q.audience
		f.Details = map[string]any{"error": map[string]any{"message": bad.description, "oauthError": bad.code, "type": "oauth-authorization"}}
		t.lock()
		t.log(code, f)
		t.mu.Unlock()
	}
	q.respond(w, r, url.Values{"error": {bad.code}, "error_description": {bad.description}})
}
