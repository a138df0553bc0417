package auth0test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// serveLogout is Auth0's own logout: it ends the browser's session and returns
// to an allowed URL.
func (t *Tenant) serveLogout(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	t.lock()
	app := t.app(v.Get("client_id"))
	t.mu.Unlock()
	to := v.Get("returnTo")
	if to != "" && !t.mayReturn(app, to) {
		renderError(w, &pageError{http.StatusBadRequest, "invalid_request",
			`The "returnTo" querystring parameter "` + to + `" is not defined as a valid URL in "Allowed Logout URLs".`})
		return
	}
	if to == "" && app != nil && len(app.logoutURLs) > 0 {
		to = app.logoutURLs[0]
	}
	t.endBrowserSession(r, app, "")
	t.loggedOut(w, r, to)
}

// mayReturn reports whether a logout may return to a URL: one that the
// application allows, or the tenant when no application is named
// (https://auth0.com/docs/authenticate/login/logout/redirect-users-after-logout).
func (t *Tenant) mayReturn(app *app, to string) bool {
	if app != nil {
		return slices.Contains(app.logoutURLs, to)
	}
	t.lock()
	defer t.mu.Unlock()
	return slices.Contains(stringsOf(t.tenantSetting("allowed_logout_urls")), to)
}

// serveOIDCLogout is logout as OpenID Connect RP-Initiated Logout 1.0 has it: an
// ID token, expired or not, says whose session ends.
func (t *Tenant) serveOIDCLogout(w http.ResponseWriter, r *http.Request) {
	q, bad := readAuth(w, r)
	if bad != nil {
		bad.send(w)
		return
	}
	clientID, sid, ok := t.readHint(q)
	if !ok {
		renderError(w, &pageError{http.StatusBadRequest, "invalid_request", "Invalid id_token_hint"})
		return
	}
	t.lock()
	app := t.app(clientID)
	t.mu.Unlock()
	to := q.get("post_logout_redirect_uri")
	if to != "" && !t.mayReturn(app, to) {
		renderError(w, &pageError{http.StatusBadRequest, "invalid_request",
			`The "post_logout_redirect_uri" parameter "` + to + `" is not defined as a valid URL in "Allowed Logout URLs".`})
		return
	}
	t.endBrowserSession(r, app, sid)
	if state := q.get("state"); to != "" && state != "" {
		sep := "?"
		if strings.Contains(to, "?") {
			sep = "&"
		}
		to += sep + "state=" + url.QueryEscape(state)
	}
	t.loggedOut(w, r, to)
}

// readHint reads whose session it is; false for a hint that is not a token of
// this tenant for the application.
func (t *Tenant) readHint(q *authRequest) (clientID, sid string, ok bool) {
	clientID, sid = q.get("client_id"), q.get("logout_hint")
	hint := q.get("id_token_hint")
	if hint == "" {
		return clientID, sid, true
	}
	claims, err := t.verifySignature(hint)
	aud, _ := claims["aud"].(string)
	if err != nil || claims["iss"] != q.issuer || clientID != "" && aud != clientID {
		return "", "", false
	}
	if s, _ := claims["sid"].(string); s != "" {
		sid = s
	}
	return aud, sid, true
}

// endBrowserSession ends the session that is named, else that of the cookie.
func (t *Tenant) endBrowserSession(r *http.Request, app *app, sid string) {
	now := t.lock()
	defer t.mu.Unlock()
	s := t.authState.sessions.get(sid)
	if s == nil {
		s = t.sessionByCookie(cookie(r, sessionCookie), now)
	}
	from := originOf(r)
	f := logFields{IP: from.ip, UserAgent: from.userAgent, Hostname: from.host}
	if app != nil {
		f.ClientID, f.ClientName = app.id, app.name
	}
	if s != nil {
		f.UserID, f.Connection = s.userID, s.connection
		f.Details = map[string]any{"session_id": s.id}
		if s.metadata != nil {
			f.Details["session_metadata"] = s.metadata
		}
		t.endSession(s, "rp-logout")
	}
	t.log("slo", f)
}

func (t *Tenant) loggedOut(w http.ResponseWriter, r *http.Request, to string) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: strings.HasPrefix(issuerOf(r), "https://")})
	w.Header().Set("Cache-Control", "no-store")
	if to == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "OK")
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}
