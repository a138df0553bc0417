package auth0test

import (
	"maps"
	"strings"
	"time"
)

// invitesStranger reports whether the login accepts an invitation of somebody
// who is no user yet.
func (t *Tenant) invitesStranger(l *login, now time.Time) bool {
	if l.req.invitation == "" {
		return false
	}
	i := t.invitation(l, now)
	return i != nil && t.userOf(t.invitedConnection(i), i.email()) == nil
}

// email is whom an invitation is for.
func (i *invitation) email() string {
	return strings.ToLower(document(i.doc).sub("invitee").text("email"))
}

// invitedConnection is where the invited person logs in.
func (t *Tenant) invitedConnection(i *invitation) string {
	if con := t.connections.get(document(i.doc).text("connection_id")); con != nil {
		return con.name
	}
	return DefaultConnection
}

// acceptInvitation makes the user a member with the roles and the metadata of
// the invitation, which is then used up; it also verifies the address to which
// the invitation went.
func (t *Tenant) acceptInvitation(l *login, now time.Time) *oauthError {
	f := (&issuance{app: l.req.app, user: l.user, org: l.org}).logFields(origin{})
	i := t.invitation(l, now)
	if i == nil {
		t.log("fi", f)
		return logged(invalidRequest("invitation not found or already used"))
	}
	u := t.users.get(l.user.id)
	if !strings.EqualFold(u.email, i.email()) {
		t.log("fi", f)
		return logged(accessDenied("the invitation is for another email address"))
	}
	o := t.orgs.get(l.org.id)
	i.accepted = true
	o.invitations.delete(i.id)
	t.join(o, u.id, now)
	o.setRoles(u.id, union(o.rolesIn(u.id), i.roles))
	u.emailVerified = true
	u.appMetadata = mergedCopy(u.appMetadata, document(i.doc).sub("app_metadata"))
	u.userMetadata = mergedCopy(u.userMetadata, document(i.doc).sub("user_metadata"))
	t.touch(u, now)
	l.user = t.userView(u.id)
	t.log("si", f)
	return nil
}

// mergedCopy returns old with more on top; readers may go on with old.
func mergedCopy(old, more map[string]any) map[string]any {
	if len(more) == 0 {
		return old
	}
	m := orEmpty(clone(old))
	maps.Copy(m, more)
	return m
}
