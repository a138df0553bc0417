package users

import (
	"maps"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// viewUser is a user as the Management API shows it.
func viewUser(u *state.User) map[string]any {
	m := u.Said()
	store.Put(m, "last_ip", u.LastIP)
	maps.Copy(m, map[string]any{
		"user_id": u.ID, "identities": identityViews(u),
		"created_at": store.Stamp(u.CreatedAt), "updated_at": store.Stamp(u.UpdatedAt),
		"name": u.ShownName(), "nickname": u.ShownNickname(), "picture": u.ShownPicture(),
	})
	if u.BlockedSaid {
		m["blocked"] = u.Blocked
	}
	if u.AppMetadata != nil {
		m["app_metadata"] = u.AppMetadata
	}
	if u.UserMetadata != nil {
		m["user_metadata"] = u.UserMetadata
	}
	store.PutTime(m, "last_password_reset", u.LastPasswordReset)
	if !u.LastLogin.IsZero() {
		m["last_login"], m["logins_count"] = store.Stamp(u.LastLogin), u.LoginsCount
	}
	return m
}

func identityViews(u *state.User) []any {
	return store.Render(u.Identities, func(i state.Identity) any {
		m := map[string]any{"connection": i.Connection, "user_id": i.UserID, "provider": i.Provider, "isSocial": i.Social}
		if i.Profile != nil {
			m["profileData"] = i.Profile
		}
		return m
	})
}
