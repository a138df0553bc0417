package state

import (
	"slices"
	"time"
)

// GiveRole assigns a role of the tenant.
func (t *Tenant) GiveRole(u *User, r *Role, now time.Time) {
	if slices.Contains(u.Roles, r.ID) {
		return
	}
	u.Roles = append(slices.Clone(u.Roles), r.ID)
	r.Users.Put(u.ID, &RoleUser{u.ID, now})
}

func (t *Tenant) TakeRole(u *User, r *Role) {
	u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(id string) bool { return id == r.ID })
	r.Users.Delete(u.ID)
}
