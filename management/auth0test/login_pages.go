package auth0test

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// loginPage is a page of the login: get fills it, post takes what was entered.
// A post returns what the page shall say, or "" when the login goes on.
type loginPage struct {
	get  func(t *Tenant, l *login, now time.Time) page
	post func(t *Tenant, l *login, r *http.Request) (problem string, bad *oauthError)
}

// loginPages are the pages by the last part of their path. Those of a factor
// share the handlers of mfaFactorPage.
var loginPages = map[string]loginPage{
	pageLogin:        {(*Tenant).getLogin, (*Tenant).postLogin},
	pageSignup:       {(*Tenant).getSignup, (*Tenant).postSignup},
	pageOrganization: {(*Tenant).getOrganization, (*Tenant).postOrganization},
	pagePicker:       {(*Tenant).getPicker, (*Tenant).postOrganization},
	pageOptions:      {(*Tenant).getOptions, (*Tenant).postOptions},
	pageNotice:       {(*Tenant).getNotice, (*Tenant).postNotice},
}

var mfaFactorPage = loginPage{(*Tenant).getFactor, (*Tenant).postFactor}

// serveLoginPage serves /u/{page}. Whoever asks for a page that is not the next
// one is sent there; the signup page and the choice of a factor are open besides.
func (t *Tenant) serveLoginPage(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	now := t.lock()
	l := t.authState.logins[r.FormValue("state")]
	if l == nil {
		t.mu.Unlock()
		renderError(w, &pageError{http.StatusBadRequest, "invalid_request", "The login has expired or is unknown. Begin again in the application."})
		return
	}
	next, bad := t.nextPage(l, r, now)
	p, isPage := loginPages[name]
	if strings.HasPrefix(name, "mfa-") && !isPage {
		p, isPage = mfaFactorPage, true
	}
	open := next == pageLogin && name == pageSignup || next == pageSignup && name == pageLogin ||
		name == pageOptions && strings.HasPrefix(next, "mfa-") && next != pageNotice
	t.mu.Unlock()
	if bad != nil || !isPage || name != next && !open {
		t.proceed(w, r, l)
		return
	}
	if r.Method != http.MethodPost {
		t.showPage(w, l, name, p, "")
		return
	}
	problem, bad := p.post(t, l, r)
	switch {
	case bad != nil:
		t.abort(w, r, l, bad)
	case problem != "":
		t.showPage(w, l, name, p, problem)
	default:
		t.proceed(w, r, l)
	}
}

func (t *Tenant) showPage(w http.ResponseWriter, l *login, name string, p loginPage, problem string) {
	now := t.lock()
	filled := p.get(t, l, now)
	if problem != "" {
		filled.Problem = problem
	}
	t.mu.Unlock()
	l.show(w, name, filled)
}

func (t *Tenant) getLogin(l *login, now time.Time) page {
	id := field{Name: "username", Label: "Email address, username or phone", Type: "text", Value: l.req.hint, Autocomplete: "username"}
	p := page{Title: "Log in to " + l.req.app.name}
	if l.org != nil {
		p.Text = "Continue to " + l.org.displayName
	}
	if con := t.connectionNamed(l.req.connection); con != nil && !con.database() {
		p.Text = "auth0test stands in for the identity provider of " + con.name + ": who do you want to be?"
		p.Fields = []field{id}
		return p
	}
	p.Fields = []field{id, {Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password"}}
	if l.req.invitation == "" {
		p.Others = []anchor{{l.url(pageSignup), "Sign up"}}
	}
	return p
}

// postLogin checks the password, or believes the name where another identity
// provider would have.
func (t *Tenant) postLogin(l *login, r *http.Request) (string, *oauthError) {
	identifier := strings.TrimSpace(r.PostFormValue("username"))
	now := t.lock()
	con, federated := t.connectionFor(l, identifier)
	if federated {
		u := t.userView(t.providerUser(con, identifier, now).id)
		l.passed(u, con.name, "federated", now)
		t.mu.Unlock()
		return "", nil
	}
	a := attempt{connection: con.name, identifier: identifier, password: r.PostFormValue("password"), app: l.req.app, from: originOf(r)}
	t.mu.Unlock()
	u, bad := t.checkCredentials(a)
	switch {
	case bad == nil:
	case bad.code == "unauthorized":
		return "", bad
	default:
		return strings.TrimSuffix(bad.description, "."), nil
	}
	now = t.lock()
	defer t.mu.Unlock()
	l.passed(u, con.name, "pwd", now)
	return "", nil
}

// passed notes who has logged in.
func (l *login) passed(u *userView, connection, method string, now time.Time) {
	l.user, l.connection, l.fresh = u, connection, true
	l.methods = []authMethod{{Name: method, At: now}}
}

// connectionFor chooses the connection: the one that was asked for, else the
// database where the identifier is known.
func (t *Tenant) connectionFor(l *login, identifier string) (con *connection, federated bool) {
	if con := t.connectionNamed(l.req.connection); con != nil {
		return con, !con.database()
	}
	first := t.connectionNamed(DefaultConnection)
	for _, con := range t.connections.all() {
		allowed := con.database() && slices.Contains(con.clients, l.req.app.id)
		if l.org != nil {
			allowed = allowed && t.orgs.get(l.org.id).connections.get(con.id) != nil
		}
		if allowed && t.userOf(con.name, identifier) != nil {
			return con, false
		}
		if allowed && first == nil {
			first = con
		}
	}
	return first, false
}

// providerUser finds the user of another identity provider, or makes one as the
// first login there does.
func (t *Tenant) providerUser(con *connection, identifier string, now time.Time) *user {
	if u := t.userOf(con.name, identifier); u != nil {
		return u
	}
	raw := newUserID(now)
	u := &user{id: con.strategy + "|" + raw, email: strings.ToLower(identifier), emailVerified: true, createdAt: now, updatedAt: now,
		identities: []identity{{connection: con.name, provider: con.strategy, userID: raw, social: true}}}
	t.users.add(u)
	t.searchable(u)
	return u
}

func (t *Tenant) getSignup(l *login, now time.Time) page {
	email := field{Name: "email", Label: "Email address", Type: "email", Value: l.req.hint, Autocomplete: "email"}
	if l.req.invitation != "" {
		if i := t.invitation(l, now); i != nil {
			email.Value, email.ReadOnly = i.email(), true
		}
	}
	return page{Title: "Sign up for " + l.req.app.name, Fields: []field{email,
		{Name: "username", Label: "Username", Type: "text", Autocomplete: "username", Optional: true},
		{Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password"}},
		Others: []anchor{{l.url(pageLogin), "Log in"}}}
}

// postSignup makes the user, who then is logged in.
func (t *Tenant) postSignup(l *login, r *http.Request) (string, *oauthError) {
	secret := newCredential(r.PostFormValue("password"))
	q := &authRequest{origin: originOf(r), issuer: l.req.issuer, values: map[string]any{
		"client_id": l.req.app.id, "connection": DefaultConnection, "email": r.PostFormValue("email"),
		"username": r.PostFormValue("username"), "password": r.PostFormValue("password"),
	}}
	now := t.lock()
	defer t.mu.Unlock()
	if l.req.invitation != "" {
		i := t.invitation(l, now)
		if i == nil {
			return "", invalidRequest("invitation not found or already used")
		}
		q.values["email"], q.values["connection"] = i.email(), t.invitedConnection(i)
	}
	u, _, code, description := t.signup(q, now)
	f := l.logFields(t)
	if code != "" {
		f.Description = description
		t.log("fs", f)
		return description, nil
	}
	u.password = secret
	f.UserID, f.UserName = u.id, u.email
	t.log("ss", f)
	if l.req.invitation == "" {
		t.sendVerification(u, l.req.issuer, now)
	}
	l.passed(t.userView(u.id), u.connection(), "pwd", now)
	return "", nil
}

func (t *Tenant) getOrganization(l *login, now time.Time) page {
	return page{Title: "Enter your organization", Fields: []field{
		{Name: "organizationName", Label: "Organization", Type: "text", Autocomplete: "organization"}}}
}

// postOrganization takes the name, or the id, of an organization.
func (t *Tenant) postOrganization(l *login, r *http.Request) (string, *oauthError) {
	t.lock()
	defer t.mu.Unlock()
	name := strings.TrimSpace(r.PostFormValue("organizationName"))
	o := t.organizationNamed(strings.ToLower(name))
	if o == nil {
		o = t.orgs.get(name)
	}
	if o == nil {
		return "We could not find that organization", nil
	}
	l.org = t.orgView(o.id)
	return "", nil
}

func (t *Tenant) getPicker(l *login, now time.Time) page {
	p := page{Title: "Select an organization"}
	for _, o := range t.orgs.all() {
		if o.members.get(l.user.id) != nil {
			p.Buttons = append(p.Buttons, button{"organizationName", o.name, t.orgView(o.id).displayName})
		}
	}
	if len(p.Buttons) == 0 {
		p.Problem = "You are not a member of any organization"
	}
	return p
}

func (t *Tenant) getNotice(l *login, now time.Time) page {
	return page{Title: "Almost there!", Text: "Copy this recovery code and keep it somewhere safe. You will need it if you have to log in without your device.", Code: l.notice}
}

func (t *Tenant) postNotice(l *login, r *http.Request) (string, *oauthError) {
	t.lock()
	defer t.mu.Unlock()
	l.notice = ""
	return "", nil
}
