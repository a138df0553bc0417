package login

import (
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

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
