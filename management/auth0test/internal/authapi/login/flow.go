package login

import (
	"net/http"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// login is one transaction: from /authorize over the pages that are needed to a
// code. The tenant's mutex guards it.
type login struct {
	state string // Names it in the URLs of its pages.
	req   *authorizeRequest

	user       *state.User // Nil before the first factor.
	connection string
	methods    []state.AuthMethod
	fresh      bool // The first factor was passed here, not in a session before.
	sid        string
	org        *state.OrgView
	accepted   bool // The membership was checked, or the invitation accepted.
	consented  bool // The user accepted what the application asks for.
	verdict    *effects.Verdict

	mfa      bool // The second factor was passed here.
	factor   *state.Enrollment
	sent     *authapi.OOBChallenge
	remember bool
	notice   string        // A recovery code to show before going on.
	ticket   *state.Ticket // Of an enrollment, which ends without a code; nil at a login.
}

// serveAuthorize begins a login, or ends it at once when a session allows that.
func serveAuthorize(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	q, page, bad := readAuthorize(t, r)
	if page != nil {
		authapi.RenderError(w, page)
		return
	}
	if bad != nil {
		refuse(t, w, r, q, bad, nil)
		return
	}
	now := t.Lock()
	l := &login{state: store.RandomID(32), req: q}
	bad = beginLogin(t, l, r, now)
	t.Unlock()
	if bad != nil {
		refuse(t, w, r, q, bad, nil)
		return
	}
	proceed(t, w, r, l)
}

// beginLogin resolves what the request names and picks up the browser's session.
func beginLogin(t *state.Tenant, l *login, r *http.Request, now time.Time) *authapi.OAuthError {
	q := l.req
	if q.audience == "" {
		q.audience = t.Auth.DefaultAudience
	}
	if bad := requestedAPI(t, q); bad != nil {
		return bad
	}
	if bad := requestedOrganization(t, l, now); bad != nil {
		return bad
	}
	if bad := requestedConnection(t, l); bad != nil {
		return bad
	}
	state.Keep(t, l.state, l, now.Add(authapi.LoginLifetime))
	s := t.SessionByCookie(authapi.Cookie(r, authapi.SessionCookie), now)
	usable := s != nil && !slices.Contains(q.prompt, "login") && q.invitation == "" &&
		(q.maxAge < 0 || now.Sub(s.AuthenticatedAt) <= q.maxAge)
	if usable && mayContinue(t, l, s.Connection) {
		if u := t.UserView(s.UserID); u != nil {
			l.user, l.connection, l.sid, l.methods = u, s.Connection, s.ID, slices.Clone(s.Methods)
		}
	}
	return nil
}

// requestedAPI checks the audience; a token that comes back through the browser
// cannot be bound to a key.
func requestedAPI(t *state.Tenant, q *authorizeRequest) *authapi.OAuthError {
	i := authapi.Issuance{App: q.app}
	if q.audience == q.issuer+"userinfo" {
		q.audience = "" // What every login gets.
	}
	if q.audience != "" {
		if i.API = t.APIView(q.audience, q.issuer); i.API == nil {
			return authapi.AccessDenied("Service not found: " + q.audience)
		}
		if bad := authapi.MayUse(t, q.app, i.API); bad != nil {
			return bad
		}
	}
	if q.gives("token") {
		return i.NeedsProof()
	}
	return nil
}

// requestedConnection checks that the application may use the connection that is
// asked for, or any.
func requestedConnection(t *state.Tenant, l *login) *authapi.OAuthError {
	switch con := t.ConnectionNamed(l.req.connection); {
	case l.req.connection != "" && con == nil:
		return authapi.InvalidRequest("the connection was not found")
	case con != nil && !t.MayUse(l.req.app.ID, con):
		return authapi.InvalidRequest(authapi.ConnectionDisabled)
	case len(offered(t, l)) == 0:
		return authapi.InvalidRequest("no connections enabled for the client")
	}
	return nil
}

// mayContinue reports whether a session of a connection is enough: the connection
// must be enabled for the application that asks now, and at its organization.
func mayContinue(t *state.Tenant, l *login, connection string) bool {
	con := t.ConnectionNamed(connection)
	return con != nil && t.MayUse(l.req.app.ID, con) && (l.org == nil || t.Orgs.Get(l.org.ID).Offers(con.ID))
}

// offered are the connections that a login may use: those of the application
// and, at an organization, of the organization.
func offered(t *state.Tenant, l *login) []*state.Connection {
	return slices.DeleteFunc(t.Connections.All(), func(con *state.Connection) bool {
		return l.req.connection != "" && con.Name != l.req.connection ||
			!t.MayUse(l.req.app.ID, con) || l.org != nil && !t.Orgs.Get(l.org.ID).Offers(con.ID)
	})
}

// requestedOrganization checks organization and invitation.
func requestedOrganization(t *state.Tenant, l *login, now time.Time) *authapi.OAuthError {
	q := l.req
	if q.organization == "" {
		if q.invitation != "" {
			return authapi.InvalidRequest("parameter organization is required with invitation")
		}
		if q.app.OrgUsage == "require" && q.app.OrgPrompt == "no_prompt" {
			return authapi.InvalidRequest("parameter organization is required for this client")
		}
		return nil
	}
	if q.app.OrgUsage == "deny" {
		return authapi.InvalidRequest("parameter organization is not allowed for this client")
	}
	if l.org = t.OrgNamed(q.organization); l.org == nil {
		return authapi.InvalidRequest("authorization request parameter organization must be an organization id")
	}
	if q.invitation != "" && invitation(t, l, now) == nil {
		return authapi.InvalidRequest("invitation not found or already used")
	}
	return nil
}

// invitation returns the open invitation that the request names.
func invitation(t *state.Tenant, l *login, now time.Time) *state.Invitation {
	return t.Orgs.Get(l.org.ID).Invitations.Find(func(i *state.Invitation) bool {
		return i.Ticket == l.req.invitation && !i.Accepted && now.Before(i.ExpiresAt)
	})
}

// proceed shows the next page of a login or, when none is left, sends the code.
func proceed(t *state.Tenant, w http.ResponseWriter, r *http.Request, l *login) {
	for {
		now := t.Lock()
		page, bad := nextPage(t, l, r, now)
		if bad == nil && page == "" && l.verdict == nil {
			e := l.event(web.OriginOf(r))
			resolveAPI(t, e)
			t.Unlock()
			v, bad := authapi.RunPostLogin(t, e)
			if bad != nil {
				abort(t, w, r, l, bad)
				return
			}
			t.Lock()
			l.verdict, l.user = v, t.UserView(l.user.ID) // Actions may have changed it.
			t.Unlock()
			continue
		}
		if bad == nil && page != "" && l.req.silent() {
			bad = silentError(page)
		}
		if bad != nil || page != "" {
			t.Unlock()
			if bad != nil {
				abort(t, w, r, l, bad)
				return
			}
			http.Redirect(w, r, l.url(page), http.StatusFound)
			return
		}
		if l.ticket != nil {
			finishEnrollment(t, l)
			t.Unlock()
			ticketDone(t, w, r, l.ticket, "You have been enrolled.")
			return
		}
		end := finishLogin(t, l, r, now)
		t.Unlock()
		for _, c := range end.cookies {
			http.SetCookie(w, c)
		}
		l.req.respond(w, r, end.result(t, l.req))
		return
	}
}

// abort ends a login with an error.
func abort(t *state.Tenant, w http.ResponseWriter, r *http.Request, l *login, bad *authapi.OAuthError) {
	t.Lock()
	delete(state.Kept[*login](t), l.state)
	user := l.user
	t.Unlock()
	if l.ticket != nil {
		authapi.RenderError(w, &authapi.PageError{Status: http.StatusBadRequest, Code: bad.Code, Description: bad.Description})
		return
	}
	refuse(t, w, r, l.req, bad, user)
}

func (l *login) url(page string) string { return "/u/" + page + "?state=" + l.state }

// silentError is what prompt=none gets in place of a page.
func silentError(page string) *authapi.OAuthError {
	switch page {
	case pages.Login, pages.Signup:
		return authapi.OAuthFail(0, "login_required", "Login required")
	case pages.Organization, pages.Picker:
		return authapi.OAuthFail(0, "interaction_required", "Organization selection required")
	case pages.Consent:
		return authapi.OAuthFail(0, "consent_required", "Consent required")
	}
	return authapi.OAuthFail(0, "login_required", "Multifactor authentication required")
}

// nextPage says what a login still needs: a page, an error, or nothing. Without
// a verdict of the Actions "" means that they are next.
func nextPage(t *state.Tenant, l *login, r *http.Request, now time.Time) (page string, bad *authapi.OAuthError) {
	if l.ticket != nil {
		return nextEnrollmentPage(t, l, now)
	}
	if l.user == nil {
		switch {
		case l.org == nil && l.req.app.OrgUsage == "require" && l.req.app.OrgPrompt == "pre_login_prompt":
			return pages.Organization, nil
		case l.req.screen == "signup" || slices.Contains(l.req.prompt, "create") || invitesStranger(t, l, now):
			return pages.Signup, nil
		}
		return pages.Login, nil
	}
	if l.user.Blocked {
		return "", authapi.OAuthFail(0, "unauthorized", "user is blocked")
	}
	if l.org == nil && l.req.app.OrgUsage == "require" {
		return pages.Picker, nil
	}
	if l.org != nil && !l.accepted {
		if bad := joinOrganization(t, l, now); bad != nil {
			return "", bad
		}
		l.accepted = true
	}
	if l.verdict == nil {
		return "", nil
	}
	if l.notice != "" {
		return pages.Notice, nil
	}
	if !l.mfa && authapi.NeedsMFA(t, l.user.ID, mfaReasonsOf(t, l, r, now)) && !remembered(t, l, r, now) {
		return mfaPage(t, l, now)
	}
	if consentDue(t, l) {
		return pages.Consent, nil
	}
	return "", nil
}

func mfaReasonsOf(t *state.Tenant, l *login, r *http.Request, now time.Time) authapi.MFAReasons {
	why := authapi.MFAReasons{Action: l.verdict.MFA, Acr: l.req.wantsMFA()}
	if s := t.Auth.Sessions.Get(l.sid); s != nil {
		why.Passed = s.MFA() && !l.fresh
	}
	return why
}

// remembered reports whether the browser passes the second factor; a request
// that asks for one by acr_values wants it again.
func remembered(t *state.Tenant, l *login, r *http.Request, now time.Time) bool {
	b, known := t.Auth.Factors.Browsers[authapi.Cookie(r, authapi.BrowserCookie)]
	return known && b.UserID == l.user.ID && now.Before(b.Expires) && !l.req.wantsMFA()
}

// joinOrganization checks the membership, after it accepted an invitation or
// gave what the organization gives to everybody of a connection.
func joinOrganization(t *state.Tenant, l *login, now time.Time) *authapi.OAuthError {
	if l.req.invitation != "" {
		return acceptInvitation(t, l, now)
	}
	if t.IsMember(l.org.ID, l.user.ID) {
		return nil
	}
	o := t.Orgs.Get(l.org.ID)
	if con := t.ConnectionNamed(l.connection); con != nil {
		if c := o.Connections.Get(con.ID); c != nil && c.Doc.Flag("assign_membership_on_login") {
			t.Join(o, l.user.ID, now)
			return nil
		}
	}
	return authapi.AccessDenied(authapi.NotMember(l.user.ID, l.org.ID))
}

// event is what Actions see of a login.
func (l *login) event(from web.Origin) *authapi.LoginEvent {
	e := &authapi.LoginEvent{From: from, Connection: l.connection, Protocol: "oidc-basic-profile",
		Prompt: l.req.prompt, AcrValues: l.req.acr, State: l.req.state, Redirect: l.req.redirect, Methods: l.methods}
	e.App, e.User, e.Org, e.Scopes, e.Issuer, e.Sid = l.req.app, l.user, l.org, l.req.scopes, l.req.issuer, l.sid
	e.Audience = l.req.audience
	return e
}

// resolveAPI finds the API of an event. The caller holds the mutex.
func resolveAPI(t *state.Tenant, e *authapi.LoginEvent) { e.API = t.APIView(e.Audience, e.Issuer) }

// show renders a page of a login; one with a problem answers 400.
func (l *login) show(w http.ResponseWriter, name string, p pages.Page) {
	p.Action, p.State = l.url(name), l.state
	if len(p.Buttons) == 0 {
		p.Buttons = []pages.Button{{Name: "action", Value: "default", Label: "Continue"}}
	}
	status := http.StatusOK
	if p.Problem != "" {
		status = http.StatusBadRequest
	}
	pages.RenderStatus(w, status, pages.Template, p)
}
