package auth0test

import (
	"io"
	"net/http"
	"slices"
)

// serveUserInfo shows the user of an access token that has the scope openid.
// Auth0 refuses others with the bare word.
func (t *Tenant) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	info := t.userInfo(r)
	if info == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("WWW-Authenticate", `Bearer realm="Users"`)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "Unauthorized")
		return
	}
	sendJSON(w, http.StatusOK, info)
}

func (t *Tenant) userInfo(r *http.Request) map[string]any {
	token := bearerToken(r)
	if token == "" && r.Method == http.MethodPost {
		token = r.PostFormValue("access_token")
	}
	claims, err := t.verify(token)
	now := t.lock()
	defer t.mu.Unlock()
	var subject string
	var scopes []string
	if o := t.authState.opaque[token]; o != nil && now.Before(o.expires) {
		subject, scopes = o.userID, o.scopes
	} else if err == nil && hasAudience(claims["aud"], issuerOf(r)+"userinfo") {
		b := newBearer(claims)
		subject, scopes = b.subject, b.scopes
	}
	u := t.userView(subject)
	if u == nil || u.blocked || !slices.Contains(scopes, "openid") {
		return nil
	}
	info := u.profile(scopes)
	info["sub"] = u.id
	return info
}

// serveRevoke ends a refresh token with its family (RFC 7009). A token that is
// unknown or another application's is no error.
func (t *Tenant) serveRevoke(w http.ResponseWriter, r *http.Request) {
	q, bad := readAuth(w, r)
	var app *app
	if bad == nil {
		app, bad = t.authenticateApp(q)
	}
	if bad == nil {
		bad = q.need("token")
	}
	if bad != nil {
		bad.send(w)
		return
	}
	t.lock()
	defer t.mu.Unlock()
	if token, _ := t.authState.refresh.byPresented(q.get("token")); token != nil && token.clientID == app.id {
		t.authState.refresh.revoke(token)
		f := q.logFields()
		f.ClientID, f.ClientName, f.UserID = app.id, app.name, token.userID
		t.log("srrt", f)
	}
	w.WriteHeader(http.StatusOK)
}
