package login

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// loginPage is a page of the login: get fills it, post takes what was entered.
// A post returns what the page shall say, or "" when the login goes on.
type loginPage struct {
	get  func(t *state.Tenant, l *login, now time.Time) pages.Page
	post func(t *state.Tenant, l *login, r *http.Request) (problem string, bad *authapi.OAuthError)
}

// loginPages are the pages by the last part of their path. Those of a factor
// share the handlers of mfaFactorPage.
var loginPages = map[string]loginPage{
	pages.Login:        {getLogin, postLogin},
	pages.Signup:       {getSignup, postSignup},
	pages.Organization: {getOrganization, postOrganization},
	pages.Picker:       {getPicker, postOrganization},
	pages.Options:      {getOptions, postOptions},
	pages.Notice:       {getNotice, postNotice},
	pages.Consent:      {getConsent, postConsent},
}

var mfaFactorPage = loginPage{getFactor, postFactor}

// serveLoginPage serves /u/{page}. Whoever asks for a page that is not the next
// one is sent there; the signup page and the choice of a factor are open besides.
func serveLoginPage(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	now := t.Lock()
	l := state.Kept[*login](t)[r.FormValue("state")]
	if l == nil {
		t.Unlock()
		authapi.RenderError(w, &authapi.PageError{Status: http.StatusBadRequest, Code: "invalid_request", Description: "The login has expired or is unknown. Begin again in the application."})
		return
	}
	next, bad := nextPage(t, l, r, now)
	p, isPage := loginPages[name]
	if strings.HasPrefix(name, "mfa-") && !isPage {
		p, isPage = mfaFactorPage, true
	}
	open := next == pages.Login && name == pages.Signup || next == pages.Signup && name == pages.Login ||
		name == pages.Options && strings.HasPrefix(next, "mfa-") && next != pages.Notice
	t.Unlock()
	if bad != nil || !isPage || name != next && !open {
		proceed(t, w, r, l)
		return
	}
	if r.Method != http.MethodPost {
		showPage(t, w, l, name, p, "")
		return
	}
	problem, bad := p.post(t, l, r)
	switch {
	case bad != nil:
		abort(t, w, r, l, bad)
	case problem != "":
		showPage(t, w, l, name, p, problem)
	default:
		proceed(t, w, r, l)
	}
}

func showPage(t *state.Tenant, w http.ResponseWriter, l *login, name string, p loginPage, problem string) {
	now := t.Lock()
	filled := p.get(t, l, now)
	if problem != "" {
		filled.Problem = problem
	}
	t.Unlock()
	l.show(w, name, filled)
}

func getLogin(t *state.Tenant, l *login, now time.Time) pages.Page {
	id := pages.Field{Name: "username", Label: "Email address, username or phone", Type: "text", Value: l.req.hint, Autocomplete: "username"}
	p := pages.Page{Title: "Log in to " + l.req.app.Name}
	if l.org != nil {
		p.Text = "Continue to " + l.org.DisplayName
	}
	if con := connectionFor(t, l, ""); con != nil && !con.Database() {
		p.Text = "auth0test stands in for the identity provider of " + con.Name + ": who do you want to be?"
		p.Fields = []pages.Field{id}
		return p
	}
	p.Fields = []pages.Field{id, {Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password"}}
	if l.req.invitation == "" {
		p.Others = []pages.Anchor{{URL: l.url(pages.Signup), Label: "Sign up"}}
	}
	return p
}

// postLogin checks the password, or believes the name where another identity
// provider would have.
func postLogin(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	identifier := strings.TrimSpace(r.PostFormValue("username"))
	now := t.Lock()
	l.req.hint = identifier // What was typed stays.
	con := connectionFor(t, l, identifier)
	if con == nil {
		t.Unlock()
		return "", authapi.InvalidRequest("no connections enabled for the client")
	}
	if !con.Database() {
		u := t.UserView(providerUser(t, con, identifier, now).ID)
		l.passed(u, con.Name, "federated", now)
		t.Unlock()
		return "", nil
	}
	a := authapi.Attempt{Connection: con.Name, Identifier: identifier, Password: r.PostFormValue("password"), App: l.req.app, From: web.OriginOf(r)}
	t.Unlock()
	u, bad := authapi.CheckCredentials(t, a)
	switch {
	case bad == nil:
	case bad.Code == "unauthorized":
		return "", bad
	default:
		return strings.TrimSuffix(bad.Description, "."), nil
	}
	now = t.Lock()
	defer t.Unlock()
	l.passed(u, con.Name, "pwd", now)
	return "", nil
}

// passed notes who has logged in.
func (l *login) passed(u *state.User, connection, method string, now time.Time) {
	l.user, l.connection, l.fresh = u, connection, true
	l.methods = []state.AuthMethod{{Name: method, At: now}}
}

// connectionFor chooses one of the offered connections, nil without any: the
// database where the identifier is known, else the first database.
func connectionFor(t *state.Tenant, l *login, identifier string) *state.Connection {
	var first *state.Connection
	for _, con := range offered(t, l) {
		switch {
		case con.Database() && authapi.UserOf(t, con.Name, identifier) != nil:
			return con
		case first == nil || con.Database() && !first.Database():
			first = con
		}
	}
	return first
}

// providerUser finds the user of another identity provider, or makes one as the
// first login there does.
func providerUser(t *state.Tenant, con *state.Connection, identifier string, now time.Time) *state.User {
	if u := authapi.UserOf(t, con.Name, identifier); u != nil {
		return u
	}
	u := state.NewUser(con, map[string]any{"email": identifier, "email_verified": true}, "", now)
	t.Users.Add(u)
	t.Searchable(u)
	return u
}

func getSignup(t *state.Tenant, l *login, now time.Time) pages.Page {
	address := pages.Field{Name: "email", Label: "Email address", Type: "email", Value: l.req.hint, Autocomplete: "email"}
	if l.req.invitation != "" {
		if i := invitation(t, l, now); i != nil {
			address.Value, address.ReadOnly = email(i), true
		}
	}
	return pages.Page{Title: "Sign up for " + l.req.app.Name, Fields: []pages.Field{address,
		{Name: "username", Label: "Username", Type: "text", Autocomplete: "username", Optional: true},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password"}},
		Others: []pages.Anchor{{URL: l.url(pages.Login), Label: "Log in"}}}
}

// postSignup makes the user, who then is logged in.
func postSignup(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	secret := state.NewCredential(r.PostFormValue("password"))
	q := &authapi.Request{Origin: web.OriginOf(r), Issuer: l.req.issuer, Values: map[string]any{
		"client_id": l.req.app.ID, "email": r.PostFormValue("email"),
		"username": r.PostFormValue("username"), "password": r.PostFormValue("password"),
	}}
	now := t.Lock()
	defer t.Unlock()
	if con := connectionFor(t, l, ""); con != nil {
		q.Values["connection"] = con.Name
	}
	if l.req.invitation != "" {
		i := invitation(t, l, now)
		if i == nil {
			return "", authapi.InvalidRequest("invitation not found or already used")
		}
		q.Values["email"], q.Values["connection"] = email(i), invitedConnection(t, i)
	}
	u, refused := authapi.Signup(t, q, now)
	f := l.logFields(t)
	if refused != nil {
		f.Description = refused.Description
		t.Log("fs", f)
		return cmp.Or(refused.Friendly, refused.Description), nil
	}
	t.SetFirstPassword(u, secret)
	f.UserID, f.UserName = u.ID, u.Email
	t.Log("ss", f)
	if l.req.invitation == "" {
		t.SendVerification(u, l.req.issuer, now)
	}
	l.passed(t.UserView(u.ID), u.Connection(), "pwd", now)
	return "", nil
}

func getOrganization(t *state.Tenant, l *login, now time.Time) pages.Page {
	return pages.Page{Title: "Enter your organization", Fields: []pages.Field{
		{Name: "organizationName", Label: "Organization", Type: "text", Autocomplete: "organization"}}}
}

// postOrganization takes the name, or the id, of an organization.
func postOrganization(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	t.Lock()
	defer t.Unlock()
	name := strings.TrimSpace(r.PostFormValue("organizationName"))
	o := t.OrganizationNamed(strings.ToLower(name))
	if o == nil {
		o = t.Orgs.Get(name)
	}
	if o == nil {
		return "We could not find that organization", nil
	}
	l.org = t.OrgView(o.ID)
	return "", nil
}

func getPicker(t *state.Tenant, l *login, now time.Time) pages.Page {
	p := pages.Page{Title: "Select an organization"}
	for _, o := range t.Orgs.All() {
		if o.Members.Get(l.user.ID) != nil {
			p.Buttons = append(p.Buttons, pages.Button{Name: "organizationName", Value: o.Name, Label: t.OrgView(o.ID).DisplayName})
		}
	}
	if len(p.Buttons) == 0 {
		p.Problem = "You are not a member of any organization"
	}
	return p
}

func getNotice(t *state.Tenant, l *login, now time.Time) pages.Page {
	return pages.Page{Title: "Almost there!", Text: "Copy this recovery code and keep it somewhere safe. You will need it if you have to log in without your device.", Code: l.notice}
}

func postNotice(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	t.Lock()
	defer t.Unlock()
	l.notice = ""
	return "", nil
}

// Routes are the routes of the login pages.
func Routes() []authapi.Route {
	return []authapi.Route{
		{Method: "GET", Pattern: "/authorize", Serve: serveAuthorize},
		{Method: "POST", Pattern: "/authorize", Serve: serveAuthorize},
		{Method: "GET", Pattern: "/u/reset-password", Serve: serveResetPassword},
		{Method: "POST", Pattern: "/u/reset-password", Serve: serveResetPassword},
		{Method: "GET", Pattern: "/u/email-verification", Serve: link("email_verification", "Your email was verified. You can continue using the application.", verify)},
		{Method: "GET", Pattern: "/mfa/enrollment", Serve: serveEnrollment},
		{Method: "GET", Pattern: "/unblock", Serve: link("unblock", "Your account was unblocked.", unblock)},
		{Method: "GET", Pattern: "/u/{page}", Serve: serveLoginPage},
		{Method: "POST", Pattern: "/u/{page}", Serve: serveLoginPage},
		{Method: "POST", Pattern: "/oauth/par", Serve: authapi.Answering(http.StatusCreated, authapi.ForApp(pushAuthorization, "response_type", "redirect_uri"))},
	}
}
