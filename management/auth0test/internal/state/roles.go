package state

import (
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// GiveRole assigns a role of the tenant.
func (t *Tenant) GiveRole(u *User, r *Role, now time.Time) {
	t.SetRoles(u, store.Union(u.Roles, []string{r.ID}), now)
}

// SetRoles gives a user these roles of the tenant, and no others.
func (t *Tenant) SetRoles(u *User, ids []string, now time.Time) {
	for _, id := range store.Minus(u.Roles, ids) {
		t.Roles.Get(id).Users.Delete(u.ID)
	}
	for _, id := range store.Minus(ids, u.Roles) {
		t.Roles.Get(id).Users.Put(u.ID, &RoleUser{u.ID, now})
	}
	u.Roles = ids
}
