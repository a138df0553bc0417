package auth0test

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// authCode is an authorization code with what it was given for.
type authCode struct {
	code     string
	req      *authorizeRequest
	issuance issuance
	from     origin
	expires  time.Time
	used     bool
	refresh  *refreshToken // That the exchange gave.
}

// ending is what a login ends with.
type ending struct {
	code    string    // Empty where none was asked for.
	tokens  *tokenSet // Nil, too.
	cookies []*http.Cookie
}

// finishLogin begins or goes on with the session and makes the code. The caller
// holds the mutex.
func (t *Tenant) finishLogin(l *login, r *http.Request, now time.Time) (end ending) {
	from := originOf(r)
	s := t.sessionFor(l, r, from, now)
	s.touch(from, t.authState.sessions.idle, now)
	if !slices.Contains(s.clients, l.req.app.id) {
		s.clients = append(s.clients, l.req.app.id)
	}
	t.loggedIn(l.user.id, from, now)
	i := l.issuance(t, s)
	if l.req.gives("code") {
		c := &authCode{code: randomID(43), req: l.req, issuance: i, from: from, expires: now.Add(codeLifetime)}
		t.authState.codes[c.code] = c
		t.timeline.at(c.expires.Add(time.Hour), func(time.Time) { delete(t.authState.codes, c.code) })
		end.code = c.code
	}
	if l.req.gives("token") || l.req.gives("id_token") {
		end.tokens, _ = t.issue(&i, now)
	}
	delete(t.authState.logins, l.state)
	f := i.logFields(from)
	f.Connection, f.Strategy = l.connection, "auth0"
	logCode := "s"
	if l.req.silent() {
		logCode = "ssa"
	}
	t.log(logCode, f)
	end.cookies = t.loginCookies(l, s, now)
	return end
}

// issuance is what the tokens of the login are made from.
func (l *login) issuance(t *Tenant, s *session) issuance {
	i := issuance{
		app: l.req.app, user: l.user, org: l.org, scopes: l.req.scopes, issuer: l.req.issuer,
		sid: s.id, nonce: l.req.nonce, authTime: s.authenticatedAt, add: l.verdict.claims,
		api: t.apiView(l.req.audience, l.req.issuer),
	}
	if l.mfa {
		i.amr = []string{"mfa"}
		if l.req.wantsMFA() {
			i.acr = acrMFA
		}
	}
	return i
}

// result is what the application is told. Tokens that come with others are tied
// to them by hashes (OpenID Connect Core 1.0, sections 3.2.2.10 and 3.3.2.11).
func (e ending) result(t *Tenant, q *authorizeRequest) url.Values {
	v := url.Values{}
	if e.code != "" {
		v.Set("code", e.code)
	}
	if e.tokens == nil {
		return v
	}
	id := e.tokens.id
	e.tokens.id = nil
	e.tokens.sign(t)
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
		v.Set("id_token", t.Sign(nil, id))
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
func (t *Tenant) sessionFor(l *login, r *http.Request, from origin, now time.Time) *session {
	s := t.sessionByCookie(cookie(r, sessionCookie), now)
	if s != nil && s.userID != l.user.id {
		t.endSession(s, "rp-logout")
		s = nil
	}
	if s == nil {
		s = t.newSession(l.user.id, l.connection, l.req.issuer, from, now)
	}
	if l.fresh {
		s.authenticatedAt, s.methods = now, nil
	}
	for _, m := range l.methods {
		if !slices.Contains(s.methods, m) {
			s.methods = append(s.methods, m)
		}
	}
	return s
}

func (t *Tenant) loginCookies(l *login, s *session, now time.Time) []*http.Cookie {
	secure := l.req.issuer[:8] == "https://"
	base := http.Cookie{Path: "/", HttpOnly: true, Secure: secure}
	if secure {
		base.SameSite = http.SameSiteNoneMode
	}
	sessionOnes := base
	sessionOnes.Name, sessionOnes.Value, sessionOnes.MaxAge = sessionCookie, s.cookie, seconds(s.idleExpires.Sub(now))
	out := []*http.Cookie{&sessionOnes}
	if l.mfa && l.remember {
		browser := base
		browser.Name, browser.Value, browser.MaxAge = browserCookie, randomID(43), seconds(rememberFor)
		t.authState.factors.browsers[browser.Value] = rememberedBrowser{l.user.id, now.Add(rememberFor)}
		out = append(out, &browser)
	}
	return out
}

// exchangeCode exchanges an authorization code, once. A second exchange also ends
// the refresh token of the first (RFC 6749, section 4.1.2).
func (t *Tenant) exchangeCode(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("code"); bad != nil {
		return nil, bad
	}
	now := t.lock()
	defer t.mu.Unlock()
	c := t.authState.codes[q.get("code")]
	if c == nil || c.issuance.app.id != q.app.id || !now.Before(c.expires) {
		return nil, invalidGrant("Invalid authorization code")
	}
	if c.used {
		if c.refresh != nil {
			t.authState.refresh.revoke(c.refresh)
		}
		return nil, invalidGrant("Invalid authorization code")
	}
	if bad := c.check(q); bad != nil {
		return nil, bad
	}
	i := c.issuance
	i.issuer = q.issuer
	if i.user = t.userView(i.user.id); i.user == nil {
		return nil, invalidGrant("Invalid authorization code")
	}
	c.used = true
	set := t.issueWithRefresh(&i, q.origin, now)
	c.refresh, _ = t.authState.refresh.byPresented(set.Refresh)
	f := i.logFields(q.origin)
	f.Connection, f.Strategy, f.Scope = i.user.connection, "auth0", set.Scope
	t.log("seacft", f)
	return set, nil
}

// check compares what the exchange says with what /authorize was told. A code
// whose verifier is wrong is spent.
func (c *authCode) check(q *tokenRequest) *oauthError {
	sent := q.get("redirect_uri")
	if (c.req.redirectSent || sent != "") && sent != c.req.redirect {
		if sent == "" {
			sent = "null"
		}
		return oauthFail(http.StatusForbidden, "unauthorized_client", "The redirect URI is wrong. You sent "+sent+", and we expected "+c.req.redirect)
	}
	verifier := q.get("code_verifier")
	if c.req.challenge == "" {
		if q.app.authMethod == "none" {
			return unauthorizedClient()
		}
		return nil
	}
	if c.req.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(verifier), []byte(c.req.challenge)) != 1 {
		c.used = true
		return invalidGrant("Failed to verify code verifier")
	}
	return nil
}
