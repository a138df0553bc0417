package login

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// ending is what a login ends with.
type ending struct {
	code    string            // Empty where none was asked for.
	tokens  *authapi.TokenSet // Nil, too.
	cookies []*http.Cookie
}

// finishLogin begins or goes on with the session and makes the code. The caller
// holds the mutex.
func finishLogin(t *state.Tenant, l *login, r *http.Request, now time.Time) (end ending) {
	from := web.OriginOf(r)
	s := sessionFor(t, l, r, from, now)
	s.Touch(from, t.Auth.Sessions.Idle, now)
	if !slices.Contains(s.Clients, l.req.app.ID) {
		s.Clients = append(s.Clients, l.req.app.ID)
	}
	authapi.LoggedIn(t, l.user.ID, from, now)
	i := l.issuance(t, s)
	if l.req.gives("code") {
		q := l.req
		c := &authapi.AuthCode{Redirect: q.redirect, RedirectSent: q.redirectSent, Challenge: q.challenge, Method: q.method, Issuance: i, Jkt: q.jkt}
		authapi.KeepCode(t, c, now)
		end.code = c.Code
	}
	if l.req.gives("token") || l.req.gives("id_token") {
		if i.API != nil {
			i.API.Lifetime = i.API.ForWeb
		}
		end.tokens, _ = authapi.Issue(t, &i, now)
	}
	delete(state.Kept[*login](t), l.state)
	f := i.LogFields(from)
	f.Connection, f.Strategy = l.connection, "auth0"
	logCode := "s"
	if l.req.silent() {
		logCode = "ssa"
	}
	t.Log(logCode, f)
	end.cookies = loginCookies(t, l, s, now)
	return end
}

// issuance is what the tokens of the login are made from.
func (l *login) issuance(t *state.Tenant, s *state.Session) authapi.Issuance {
	i := authapi.Issuance{
		App: l.req.app, User: l.user, Org: l.org, Scopes: l.req.scopes, Issuer: l.req.issuer,
		Sid: s.ID, Nonce: l.req.nonce, Add: l.verdict.Claims, API: t.APIView(l.req.audience, l.req.issuer),
	}
	if l.req.maxAge >= 0 || slices.Contains(l.req.prompt, "login") {
		i.AuthTime = s.AuthenticatedAt
	}
	if l.mfa {
		i.Amr = []string{"mfa"}
		if l.req.wantsMFA() {
			i.Acr = state.AcrMFA
		}
	}
	return i
}

// result is what the application is told. Tokens that come with others are tied
// to them by hashes (OpenID Connect Core 1.0, sections 3.2.2.10 and 3.3.2.11).
func (e ending) result(t *state.Tenant, q *authorizeRequest) url.Values {
	v := url.Values{}
	if e.code != "" {
		v.Set("code", e.code)
	}
	if e.tokens == nil {
		return v
	}
	id := e.tokens.IDClaims
	e.tokens.IDClaims = nil
	e.tokens.Sign(t)
	if q.gives("token") {
		v.Set("access_token", e.tokens.Access)
		v.Set("token_type", e.tokens.Type)
		v.Set("expires_in", strconv.Itoa(e.tokens.Expires))
		v.Set("scope", e.tokens.Scope)
	}
	if q.gives("id_token") && id != nil {
		if q.gives("token") {
			id["at_hash"] = halfHash(e.tokens.Access)
		}
		if e.code != "" {
			id["c_hash"] = halfHash(e.code)
		}
		v.Set("id_token", e.tokens.SignID(t, id))
	}
	return v
}

// halfHash is the left half of a SHA-256, as at_hash and c_hash have it.
func halfHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// sessionFor returns the session of a login: the browser's own where it is this
// user's, else a new one in its place.
func sessionFor(t *state.Tenant, l *login, r *http.Request, from web.Origin, now time.Time) *state.Session {
	s := t.SessionByCookie(authapi.Cookie(r, authapi.SessionCookie), now)
	if s != nil && s.UserID != l.user.ID {
		t.EndSession(s, "rp-logout")
		s = nil
	}
	if s == nil {
		s = t.NewSession(l.user.ID, l.connection, l.req.issuer, from, now)
	}
	if l.fresh {
		s.AuthenticatedAt, s.Methods = now, nil
	}
	for _, m := range l.methods {
		if !slices.Contains(s.Methods, m) {
			s.Methods = append(s.Methods, m)
		}
	}
	return s
}

func loginCookies(t *state.Tenant, l *login, s *state.Session, now time.Time) []*http.Cookie {
	secure := l.req.issuer[:8] == "https://"
	base := http.Cookie{Path: "/", HttpOnly: true, Secure: secure}
	if secure {
		base.SameSite = http.SameSiteNoneMode
	}
	sessionOnes := base
	sessionOnes.Name, sessionOnes.Value, sessionOnes.MaxAge = authapi.SessionCookie, s.Cookie, authapi.Seconds(s.IdleExpires.Sub(now))
	if mode, _ := t.TenantSetting("session_cookie").(map[string]any); mode["mode"] == "non-persistent" {
		sessionOnes.MaxAge = 0 // Until the browser is closed.
	}
	out := []*http.Cookie{&sessionOnes}
	if l.mfa && l.remember {
		browser := base
		browser.Name, browser.Value, browser.MaxAge = authapi.BrowserCookie, store.RandomID(43), authapi.Seconds(authapi.RememberFor)
		t.Auth.Factors.Browsers[browser.Value] = state.RememberedBrowser{UserID: l.user.ID, Expires: now.Add(authapi.RememberFor)}
		out = append(out, &browser)
	}
	return out
}
