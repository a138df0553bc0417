package authapi

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// serveLogout is Auth0's own logout: it ends the browser's session and returns
// to an allowed URL.
func serveLogout(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	t.Lock()
	app := t.App(v.Get("client_id"))
	t.Unlock()
	to := v.Get("returnTo")
	if to != "" && !mayReturn(t, app, to) {
		RenderError(w, &PageError{http.StatusBadRequest, "invalid_request",
			`The "returnTo" querystring parameter "` + to + `" is not defined as a valid URL in "Allowed Logout URLs".`})
		return
	}
	if to == "" && app != nil && len(app.LogoutURLs) > 0 {
		to = app.LogoutURLs[0]
	}
	endBrowserSession(t, r, app, "")
	loggedOut(t, w, r, to)
}

// mayReturn reports whether a logout may return to a URL: one that the
// application allows, or the tenant when no application is named
// (https://auth0.com/docs/authenticate/login/logout/redirect-users-after-logout).
func mayReturn(t *state.Tenant, app *state.App, to string) bool {
	if app != nil {
		return slices.Contains(app.LogoutURLs, to)
	}
	t.Lock()
	defer t.Unlock()
	return slices.Contains(store.StringsOf(t.TenantSetting("allowed_logout_urls")), to)
}

// serveOIDCLogout is logout as OpenID Connect RP-Initiated Logout 1.0 has it: an
// ID token, expired or not, says whose session ends.
func serveOIDCLogout(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	q := Read(w, r)
	if q == nil {
		return
	}
	clientID, sid, ok := readHint(t, q)
	if !ok {
		RenderError(w, &PageError{http.StatusBadRequest, "invalid_request", "Invalid id_token_hint"})
		return
	}
	t.Lock()
	app := t.App(clientID)
	t.Unlock()
	to := q.Get("post_logout_redirect_uri")
	if to != "" && !mayReturn(t, app, to) {
		RenderError(w, &PageError{http.StatusBadRequest, "invalid_request",
			`The "post_logout_redirect_uri" parameter "` + to + `" is not defined as a valid URL in "Allowed Logout URLs".`})
		return
	}
	endBrowserSession(t, r, app, sid)
	if state := q.Get("state"); to != "" && state != "" {
		sep := "?"
		if strings.Contains(to, "?") {
			sep = "&"
		}
		to += sep + "state=" + url.QueryEscape(state)
	}
	loggedOut(t, w, r, to)
}

// readHint reads whose session it is; false for a hint that is not a token of
// this tenant for the application.
func readHint(t *state.Tenant, q *Request) (clientID, sid string, ok bool) {
	clientID, sid = q.Get("client_id"), q.Get("logout_hint")
	hint := q.Get("id_token_hint")
	if hint == "" {
		return clientID, sid, true
	}
	claims, err := t.Keys.Verify(hint)
	aud, _ := claims["aud"].(string)
	if err != nil || claims["iss"] != q.Issuer || clientID != "" && aud != clientID {
		return "", "", false
	}
	if s, _ := claims["sid"].(string); s != "" {
		sid = s
	}
	return aud, sid, true
}

// endBrowserSession ends the session that is named, else that of the cookie.
func endBrowserSession(t *state.Tenant, r *http.Request, app *state.App, sid string) {
	now := t.Lock()
	defer t.Unlock()
	s := t.Auth.Sessions.Get(sid)
	if s == nil {
		s = t.SessionByCookie(Cookie(r, SessionCookie), now)
	}
	f := (&Issuance{App: app}).LogFields(web.OriginOf(r))
	if s != nil {
		f.UserID, f.Connection = s.UserID, s.Connection
		f.Details = map[string]any{"session_id": s.ID}
		if s.Metadata != nil {
			f.Details["session_metadata"] = s.Metadata
		}
		t.EndSession(s, "rp-logout")
	}
	t.Log("slo", f)
}

func loggedOut(t *state.Tenant, w http.ResponseWriter, r *http.Request, to string) {
	http.SetCookie(w, &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: strings.HasPrefix(web.IssuerOf(r), "https://")})
	w.Header().Set("Cache-Control", "no-store")
	if to == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "OK")
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}
