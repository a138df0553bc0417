package authapi

import (
	"io"
	"net/http"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// serveUserInfo shows the user of an access token that has the scope openid.
// Auth0 refuses others with the bare word.
func serveUserInfo(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	info := userInfo(t, r)
	if info == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("WWW-Authenticate", `Bearer realm="Users"`)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "Unauthorized")
		return
	}
	web.SendJSON(w, http.StatusOK, info)
}

func userInfo(t *state.Tenant, r *http.Request) map[string]any {
	token, jkt := presented(t, r, web.IssuerOf(r)+"userinfo")
	if token == "" && r.Method == http.MethodPost {
		token = r.PostFormValue("access_token")
	}
	claims, err := t.Verify(token)
	now := t.Lock()
	defer t.Unlock()
	var subject, bound string
	var scopes []string
	if o := state.Kept[*opaqueToken](t)[token]; o != nil && now.Before(o.expires) {
		subject, scopes, bound = o.userID, o.scopes, o.jkt
	} else if err == nil && keys.HasAudience(claims["aud"], web.IssuerOf(r)+"userinfo") {
		b := keys.NewBearer(claims)
		subject, scopes = b.Subject, b.Scopes
		cnf, _ := claims["cnf"].(map[string]any)
		bound, _ = cnf["jkt"].(string)
	}
	if bound != jkt {
		return nil
	}
	u := t.UserView(subject)
	if u == nil || u.Blocked || !slices.Contains(scopes, "openid") {
		return nil
	}
	info := profile(u, scopes)
	info["sub"] = u.ID
	return info
}

// revoke ends a refresh token with its family (RFC 7009). A token that is unknown or
// another application's is no error.
func revoke(t *state.Tenant, q *Request, app *state.App) (any, *OAuthError) {
	t.Lock()
	defer t.Unlock()
	if token, _ := t.Auth.Refresh.ByPresented(q.Get("token")); token != nil && token.ClientID == app.ID {
		t.Auth.Refresh.Revoke(token)
		f := (&Issuance{App: app}).LogFields(q.Origin)
		f.UserID = token.UserID
		t.Log("srrt", f)
	}
	return nil, nil
}
