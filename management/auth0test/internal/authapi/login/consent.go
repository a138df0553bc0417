package login

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// consentDue reports whether the user has to let the application do what it asks:
// a third party always, a first party where the API does not spare it that, and
// whatever has its callback on the user's own machine, where everybody may listen.
func consentDue(t *state.Tenant, l *login) bool {
	if l.consented {
		return false
	}
	if slices.Contains(l.req.prompt, "consent") {
		return true
	}
	api := t.APIView(l.req.audience, l.req.issuer)
	if !l.req.app.ThirdParty && (l.req.app.Spared || !onThisMachine(l.req.redirect)) && (api == nil || api.SkipConsent) {
		return false
	}
	c := t.Consented(l.user.ID, l.req.app.ID, l.req.audience)
	return c == nil || len(store.Minus(l.asks(t), c.Scopes)) > 0
}

// asks are the scopes that the login would give.
func (l *login) asks(t *state.Tenant) []string {
	return authapi.Granted(t, &authapi.Issuance{App: l.req.app, User: l.user, Org: l.org, Scopes: l.req.scopes,
		Add: l.verdict.Claims, API: t.APIView(l.req.audience, l.req.issuer)})
}

func onThisMachine(callback string) bool {
	u, err := url.Parse(callback)
	return err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
}

func getConsent(t *state.Tenant, l *login, now time.Time) pages.Page {
	p := pages.Page{Title: "Authorize App", Text: "Hi " + l.user.Name + ", " + l.req.app.Name + " is requesting access to your account.",
		Buttons: []pages.Button{{Name: "action", Value: "accept", Label: "Accept"}, {Name: "action", Value: "deny", Label: "Decline"}}}
	described := map[string]string{}
	if a := t.APIOf(l.req.issuer, l.req.audience); a != nil && t.TenantFlag("use_scope_descriptions_for_consent") {
		for _, s := range a.Scopes {
			described[s.Value] = s.Description
		}
	}
	for _, s := range l.asks(t) {
		if described[s] != "" {
			s = described[s]
		}
		p.Items = append(p.Items, s)
	}
	return p
}

func postConsent(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	t.Lock()
	defer t.Unlock()
	switch r.PostFormValue("action") {
	case "accept":
		t.Consent(l.user.ID, l.req.app.ID, l.req.audience, l.asks(t))
		l.consented = true
		return "", nil
	case "deny":
		return "", authapi.AccessDenied("User did not authorize the request")
	}
	return "Accept or decline", nil
}

// invitesStranger reports whether the login accepts an invitation of somebody
// who is no user yet.
func invitesStranger(t *state.Tenant, l *login, now time.Time) bool {
	if l.req.invitation == "" {
		return false
	}
	i := invitation(t, l, now)
	return i != nil && authapi.UserOf(t, invitedConnection(t, i), email(i)) == nil
}

// email is whom an invitation is for.
func email(i *state.Invitation) string {
	return strings.ToLower(store.Document(i.Doc).Sub("invitee").Text("email"))
}

// invitedConnection is where the invited person logs in.
func invitedConnection(t *state.Tenant, i *state.Invitation) string {
	if con := t.Connections.Get(store.Document(i.Doc).Text("connection_id")); con != nil {
		return con.Name
	}
	return state.DefaultConnection
}

// acceptInvitation makes the user a member with the roles and the metadata of
// the invitation, which is then used up; it also verifies the address to which
// the invitation went.
func acceptInvitation(t *state.Tenant, l *login, now time.Time) *authapi.OAuthError {
	f := (&authapi.Issuance{App: l.req.app, User: l.user, Org: l.org}).LogFields(web.Origin{})
	i := invitation(t, l, now)
	if i == nil {
		t.Log("fi", f)
		return authapi.Logged(authapi.InvalidRequest("invitation not found or already used"))
	}
	u := t.Users.Get(l.user.ID)
	if !strings.EqualFold(u.Email, email(i)) {
		t.Log("fi", f)
		return authapi.Logged(authapi.AccessDenied("the invitation is for another email address"))
	}
	o := t.Orgs.Get(l.org.ID)
	i.Accepted = true
	o.Invitations.Delete(i.ID)
	t.Join(o, u.ID, now)
	o.SetRoles(u.ID, store.Union(o.RolesIn(u.ID), i.Roles))
	u.EmailVerified = true
	u.AppMetadata = store.MergedCopy(u.AppMetadata, store.Document(i.Doc).Sub("app_metadata"))
	u.UserMetadata = store.MergedCopy(u.UserMetadata, store.Document(i.Doc).Sub("user_metadata"))
	t.Touch(u, now)
	l.user = t.UserView(u.ID)
	t.Log("si", f)
	return nil
}
