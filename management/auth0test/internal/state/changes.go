package state

import (
	"slices"
	"time"
)

// UserChanged is told of a change by PATCH, under the mutex; body is what the
// request said.
func (t *Tenant) UserChanged(u *User, body map[string]any) {
	if _, has := body["password"]; has {
		t.PasswordChanged(u.ID)
	}
	if _, has := body["email"]; has {
		t.DeleteUserSessions(u.ID, "email-identifier-changed")
	}
}

// Touch marks a change by the tenant itself, as a login.
func (t *Tenant) Touch(u *User, now time.Time) {
	u.UpdatedAt = now
	t.Searchable(u)
}

// RemoveUser deletes a user with what belongs to it.
func (t *Tenant) RemoveUser(u *User) {
	t.Users.remove(u)
	t.Searchable(u)
	for _, id := range slices.Clone(u.Orgs) {
		t.Leave(t.Orgs.Get(id), u.ID)
	}
	for _, id := range u.Roles {
		t.Roles.Get(id).Users.Delete(u.ID)
	}
	t.userDeleted(u.ID)
}
