package auth0test

import (
	"net/http"
	"slices"
	"time"
)

const (
	loginLifetime = time.Hour        // Of the pages of a login.
	codeLifetime  = 10 * time.Minute // Of an authorization code.
	rememberFor   = 30 * 24 * time.Hour

	sessionCookie = "auth0"
	browserCookie = "auth0-mf" // Of a browser that passes the second factor.
)

// login is one transaction: from /authorize over the pages that are needed to a
// code. The tenant's mutex guards it.
type login struct {
	state string // Names it in the URLs of its pages.
	req   *authorizeRequest

	user       *userView // Nil before the first factor.
	connection string
	methods    []authMethod
	fresh      bool // The first factor was passed here, not in a session before.
	sid        string
	org        *orgView
	accepted   bool // The membership was checked, or the invitation accepted.
	verdict    *verdict

	mfa      bool // The second factor was passed here.
	factor   *enrolment
	sent     *oobChallenge
	remember bool
	notice   string  // A recovery code to show before going on.
	ticket   *ticket // Of an enrolment, which ends without a code; nil at a login.
}

// serveAuthorize begins a login, or ends it at once when a session allows that.
func (t *Tenant) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q, page, bad := t.readAuthorize(r)
	if page != nil {
		renderError(w, page)
		return
	}
	if bad != nil {
		t.refuse(w, r, q, bad, nil)
		return
	}
	now := t.lock()
	l := &login{state: randomID(32), req: q}
	bad = t.beginLogin(l, r, now)
	t.mu.Unlock()
	if bad != nil {
		t.refuse(w, r, q, bad, nil)
		return
	}
	t.proceed(w, r, l)
}

// beginLogin resolves what the request names and picks up the browser's session.
func (t *Tenant) beginLogin(l *login, r *http.Request, now time.Time) *oauthError {
	q := l.req
	if q.audience == "" {
		q.audience = t.authState.defaultAudience
	}
	if q.audience != "" && q.audience != q.issuer+"userinfo" && t.apiView(q.audience, q.issuer) == nil {
		return accessDenied("Service not found: " + q.audience)
	}
	if bad := t.requestedOrganization(l, now); bad != nil {
		return bad
	}
	t.authState.logins[l.state] = l
	t.timeline.at(now.Add(loginLifetime), func(time.Time) { delete(t.authState.logins, l.state) })
	s := t.sessionByCookie(cookie(r, sessionCookie), now)
	usable := s != nil && !slices.Contains(q.prompt, "login") && q.invitation == "" &&
		(q.maxAge < 0 || now.Sub(s.authenticatedAt) <= q.maxAge)
	if usable {
		if u := t.userView(s.userID); u != nil {
			l.user, l.connection, l.sid, l.methods = u, s.connection, s.id, slices.Clone(s.methods)
		}
	}
	return nil
}

// requestedOrganization checks organization and invitation.
func (t *Tenant) requestedOrganization(l *login, now time.Time) *oauthError {
	q := l.req
	if q.organization == "" {
		if q.invitation != "" {
			return invalidRequest("parameter organization is required with invitation")
		}
		if q.app.orgUsage == "require" && q.app.orgPrompt == "no_prompt" {
			return invalidRequest("parameter organization is required for this client")
		}
		return nil
	}
	if q.app.orgUsage == "deny" {
		return invalidRequest("parameter organization is not allowed for this client")
	}
	if l.org = t.orgNamed(q.organization); l.org == nil {
		return invalidRequest("authorization request parameter organization must be an organization id")
	}
	if q.invitation != "" && t.invitation(l, now) == nil {
		return invalidRequest("invitation not found or already used")
	}
	return nil
}

// invitation returns the open invitation that the request names.
func (t *Tenant) invitation(l *login, now time.Time) *invitation {
	return t.orgs.get(l.org.id).invitations.find(func(i *invitation) bool {
		return i.ticket == l.req.invitation && !i.accepted && now.Before(i.expiresAt)
	})
}

// proceed shows the next page of a login or, when none is left, sends the code.
func (t *Tenant) proceed(w http.ResponseWriter, r *http.Request, l *login) {
	for {
		now := t.lock()
		page, bad := t.nextPage(l, r, now)
		if bad == nil && page == "" && l.verdict == nil {
			e := l.event(originOf(r))
			t.resolveAPI(e)
			t.mu.Unlock()
			v, bad := t.runPostLogin(e)
			if bad != nil {
				t.abort(w, r, l, bad)
				return
			}
			t.lock()
			l.verdict, l.user = v, t.userView(l.user.id) // Actions may have changed it.
			t.mu.Unlock()
			continue
		}
		if bad == nil && page != "" && l.req.silent() {
			bad = silentError(page)
		}
		if bad != nil || page != "" {
			t.mu.Unlock()
			if bad != nil {
				t.abort(w, r, l, bad)
				return
			}
			http.Redirect(w, r, l.url(page), http.StatusFound)
			return
		}
		if l.ticket != nil {
			t.finishEnrolment(l)
			t.mu.Unlock()
			t.ticketDone(w, r, l.ticket, "You have been enrolled.")
			return
		}
		end := t.finishLogin(l, r, now)
		t.mu.Unlock()
		for _, c := range end.cookies {
			http.SetCookie(w, c)
		}
		l.req.respond(w, r, end.result(t, l.req))
		return
	}
}

// abort ends a login with an error.
func (t *Tenant) abort(w http.ResponseWriter, r *http.Request, l *login, bad *oauthError) {
	t.lock()
	delete(t.authState.logins, l.state)
	user := l.user
	t.mu.Unlock()
	if l.ticket != nil {
		renderError(w, &pageError{http.StatusBadRequest, bad.code, bad.description})
		return
	}
	t.refuse(w, r, l.req, bad, user)
}

func (l *login) url(page string) string { return "/u/" + page + "?state=" + l.state }

// silentError is what prompt=none gets in place of a page.
func silentError(page string) *oauthError {
	switch page {
	case pageLogin, pageSignup:
		return oauthFail(0, "login_required", "Login required")
	case pageOrganization, pagePicker:
		return oauthFail(0, "interaction_required", "Organization selection required")
	}
	return oauthFail(0, "login_required", "Multifactor authentication required")
}

// nextPage says what a login still needs: a page, an error, or nothing. Without
// a verdict of the Actions "" means that they are next.
func (t *Tenant) nextPage(l *login, r *http.Request, now time.Time) (page string, bad *oauthError) {
	if l.ticket != nil {
		return t.nextEnrolmentPage(l, now)
	}
	if l.user == nil {
		switch {
		case l.org == nil && l.req.app.orgUsage == "require" && l.req.app.orgPrompt == "pre_login_prompt":
			return pageOrganization, nil
		case l.req.screen == "signup" || slices.Contains(l.req.prompt, "create") || t.invitesStranger(l, now):
			return pageSignup, nil
		}
		return pageLogin, nil
	}
	if l.user.blocked {
		return "", oauthFail(0, "unauthorized", "user is blocked")
	}
	if l.org == nil && l.req.app.orgUsage == "require" {
		return pagePicker, nil
	}
	if l.org != nil && !l.accepted {
		if bad := t.joinOrganization(l, now); bad != nil {
			return "", bad
		}
		l.accepted = true
	}
	if l.verdict == nil {
		return "", nil
	}
	if l.notice != "" {
		return pageNotice, nil
	}
	if !l.mfa && t.needsMFA(l.user.id, t.mfaReasonsOf(l, r, now)) && !t.remembered(l, r, now) {
		return t.mfaPage(l, now)
	}
	return "", nil
}

func (t *Tenant) mfaReasonsOf(l *login, r *http.Request, now time.Time) mfaReasons {
	why := mfaReasons{action: l.verdict.mfa, acr: l.req.wantsMFA()}
	if s := t.authState.sessions.get(l.sid); s != nil {
		why.passed = s.mfa() && !l.fresh
	}
	return why
}

// remembered reports whether the browser passes the second factor; a request
// that asks for one by acr_values wants it anew.
func (t *Tenant) remembered(l *login, r *http.Request, now time.Time) bool {
	b, known := t.authState.factors.browsers[cookie(r, browserCookie)]
	return known && b.userID == l.user.id && now.Before(b.expires) && !l.req.wantsMFA()
}

// joinOrganization checks the membership, after it accepted an invitation or
// gave what the organization gives to everybody of a connection.
func (t *Tenant) joinOrganization(l *login, now time.Time) *oauthError {
	if l.req.invitation != "" {
		return t.acceptInvitation(l, now)
	}
	if t.isMember(l.org.id, l.user.id) {
		return nil
	}
	o := t.orgs.get(l.org.id)
	if con := t.connectionNamed(l.connection); con != nil {
		if c := o.connections.get(con.id); c != nil && c.assignMembership {
			t.join(o, l.user.id, now)
			return nil
		}
	}
	return accessDenied(notMember(l.user.id, l.org.id))
}

// event is what Actions see of a login.
func (l *login) event(from origin) *loginEvent {
	e := &loginEvent{from: from, connection: l.connection, protocol: "oidc-basic-profile",
		prompt: l.req.prompt, acrValues: l.req.acr, state: l.req.state, redirect: l.req.redirect, methods: l.methods}
	e.app, e.user, e.org, e.scopes, e.issuer, e.sid = l.req.app, l.user, l.org, l.req.scopes, l.req.issuer, l.sid
	e.audience = l.req.audience
	return e
}

// resolveAPI finds the API of an event. The caller holds the mutex.
func (t *Tenant) resolveAPI(e *loginEvent) { e.api = t.apiView(e.audience, e.issuer) }

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
