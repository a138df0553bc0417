package users

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// viewUser is a user as the Management API shows it.
func viewUser(u *state.User) map[string]any {
	m := map[string]any{
		"user_id": u.ID, "identities": identityViews(u),
		"created_at": store.Stamp(u.CreatedAt), "updated_at": store.Stamp(u.UpdatedAt),
		"name": u.ShownName(), "nickname": u.ShownNickname(), "picture": u.ShownPicture(),
	}
	set := func(key, v string) {
		if v != "" {
			m[key] = v
		}
	}
	set("email", u.Email)
	set("username", u.Username)
	set("phone_number", u.Phone)
	set("given_name", u.Given)
	set("family_name", u.Family)
	set("last_ip", u.LastIP)
	if u.Email != "" {
		m["email_verified"] = u.EmailVerified
	}
	if u.Phone != "" {
		m["phone_verified"] = u.PhoneVerified
	}
	if u.BlockedSaid {
		m["blocked"] = u.Blocked
	}
	if u.AppMetadata != nil {
		m["app_metadata"] = u.AppMetadata
	}
	if u.UserMetadata != nil {
		m["user_metadata"] = u.UserMetadata
	}
	if !u.LastPasswordReset.IsZero() {
		m["last_password_reset"] = store.Stamp(u.LastPasswordReset)
	}
	if !u.LastLogin.IsZero() {
		m["last_login"], m["logins_count"] = store.Stamp(u.LastLogin), u.LoginsCount
	}
	return m
}

func identityViews(u *state.User) []any {
	return store.Render(u.Identities, func(i state.Identity) any { return viewIdentity(i) })
}

func viewIdentity(i state.Identity) map[string]any {
	m := map[string]any{"connection": i.Connection, "user_id": i.UserID, "provider": i.Provider, "isSocial": i.Social}
	if i.Profile != nil {
		m["profileData"] = i.Profile
	}
	return m
}

// profileData is what a linked identity keeps of its user: what was said, not
// what Auth0 computed.
func profileData(u *state.User) map[string]any {
	m := map[string]any{}
	for key, v := range map[string]string{
		"email": u.Email, "username": u.Username, "phone_number": u.Phone, "given_name": u.Given,
		"family_name": u.Family, "name": u.Name, "nickname": u.Nickname, "picture": u.Picture,
	} {
		if v != "" {
			m[key] = v
		}
	}
	if u.Email != "" {
		m["email_verified"] = u.EmailVerified
	}
	if u.Phone != "" {
		m["phone_verified"] = u.PhoneVerified
	}
	return m
}
