package auth0test

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"net/url"
	"strings"
)

// view is a user as the Management API shows it.
func (u *user) view() map[string]any {
	m := map[string]any{
		"user_id": u.id, "identities": u.identityViews(),
		"created_at": stamp(u.createdAt), "updated_at": stamp(u.updatedAt),
		"name": u.shownName(), "nickname": u.shownNickname(), "picture": u.shownPicture(),
	}
	set := func(key, v string) {
		if v != "" {
			m[key] = v
		}
	}
	set("email", u.email)
	set("username", u.username)
	set("phone_number", u.phone)
	set("given_name", u.given)
	set("family_name", u.family)
	set("last_ip", u.lastIP)
	if u.email != "" {
		m["email_verified"] = u.emailVerified
	}
	if u.phone != "" {
		m["phone_verified"] = u.phoneVerified
	}
	if u.blockedSaid {
		m["blocked"] = u.blocked
	}
	if u.appMetadata != nil {
		m["app_metadata"] = u.appMetadata
	}
	if u.userMetadata != nil {
		m["user_metadata"] = u.userMetadata
	}
	if !u.lastPasswordReset.IsZero() {
		m["last_password_reset"] = stamp(u.lastPasswordReset)
	}
	if !u.lastLogin.IsZero() {
		m["last_login"], m["logins_count"] = stamp(u.lastLogin), u.loginsCount
	}
	return m
}

// shownName defaults to the first of the identifiers.
func (u *user) shownName() string { return cmp.Or(u.name, u.email, u.phone, u.username) }

func (u *user) shownNickname() string {
	local, _, _ := strings.Cut(u.email, "@")
	return cmp.Or(u.nickname, local, u.username, u.phone)
}

// shownPicture defaults to a Gravatar that falls back to the first two letters.
func (u *user) shownPicture() string {
	if u.picture != "" {
		return u.picture
	}
	of := strings.ToLower(cmp.Or(u.email, u.username, u.phone, u.id))
	sum := md5.Sum([]byte(of))
	initials := strings.TrimLeft(of, "+")
	fallback := url.QueryEscape("https://cdn.auth0.com/avatars/" + initials[:min(2, len(initials))] + ".png")
	return "https://s.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=480&r=pg&d=" + fallback
}

func (u *user) identityViews() []any {
	return render(u.identities, func(i identity) any { return i.view() })
}

func (i identity) view() map[string]any {
	m := map[string]any{"connection": i.connection, "user_id": i.userID, "provider": i.provider, "isSocial": i.social}
	if i.profile != nil {
		m["profileData"] = i.profile
	}
	return m
}

// profileData is what a linked identity keeps of its user: what was said, not
// what Auth0 computed.
func (u *user) profileData() map[string]any {
	m := map[string]any{}
	for key, v := range map[string]string{
		"email": u.email, "username": u.username, "phone_number": u.phone, "given_name": u.given,
		"family_name": u.family, "name": u.name, "nickname": u.nickname, "picture": u.picture,
	} {
		if v != "" {
			m[key] = v
		}
	}
	if u.email != "" {
		m["email_verified"] = u.emailVerified
	}
	if u.phone != "" {
		m["phone_verified"] = u.phoneVerified
	}
	return m
}
