package auth0test

import (
	"slices"
	"strings"
)

// linkIdentity moves another user's identity into this one; the other user is
// gone then.
func linkIdentity(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	id, bad := c.secondaryID()
	if bad != nil {
		return bad
	}
	if hasIdentity(u, id) && id != u.id {
		return conflict("Specified identity already exists.", "")
	}
	other := c.t.users.get(id)
	switch {
	case id == u.id:
		return badRequest("Main identity and the new one are the same.", "invalid_body")
	case other == nil && !strings.HasPrefix(id, "auth0|"):
		return badRequest("Linking to an inexistent identity is not allowed.", "invalid_body")
	case other == nil:
		return badRequest("Provided secondary account not found.", "invalid_body")
	}
	if u.identities[0].profile == nil {
		u.identities[0].profile = u.profileData()
	}
	for i, identity := range other.identities {
		if i == 0 {
			identity.profile = other.profileData()
		}
		u.identities = append(u.identities, identity)
	}
	c.t.removeUser(other)
	c.t.touch(u, c.now)
	return created(u.identityViews())
}

// secondaryID is the full id of the account to link, of the body or of a token.
func (c *call) secondaryID() (string, *reply) {
	if token := c.str("link_with"); token != "" {
		claims, err := c.t.verify(token)
		if err != nil || claims["iss"] != c.issuer() && claims["iss"] != c.t.Issuer() {
			return "", badRequest("Invalid token (link_with).", "invalid_body")
		}
		sub, _ := claims["sub"].(string)
		if sub == "" {
			return "", badRequest("JWT (link_with) must contains sub claim.", "invalid_body")
		}
		return sub, nil
	}
	provider := c.str("provider")
	id := plain(c.body["user_id"])
	if !strings.HasPrefix(id, provider+"|") {
		id = provider + "|" + id
	}
	return id, nil
}

func hasIdentity(u *user, id string) bool {
	return slices.ContainsFunc(u.identities, func(i identity) bool { return i.provider+"|"+i.userID == id })
}

// unlinkIdentity takes an identity away, which becomes a user again.
func unlinkIdentity(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	provider, raw := c.path("provider"), strings.TrimPrefix(c.path("user_id"), c.path("provider")+"|")
	at := slices.IndexFunc(u.identities, func(i identity) bool { return i.provider == provider && i.userID == raw })
	switch at {
	case -1:
		return ok(u.identityViews())
	case 0:
		return badRequest("Main identity cannot be removed.", "invalid_body")
	}
	gone := u.identities[at]
	u.identities = slices.Delete(slices.Clone(u.identities), at, at+1)
	c.t.users.add(restored(gone, c))
	c.t.searchable(c.t.users.get(provider + "|" + raw))
	c.t.touch(u, c.now)
	return ok(u.identityViews())
}

// restored is the user that an unlinked identity becomes. Metadata was lost in
// linking, as Auth0 documents; the password too.
func restored(i identity, c *call) *user {
	text := func(key string) string { s, _ := i.profile[key].(string); return s }
	u := &user{
		id: i.provider + "|" + i.userID, email: text("email"), username: text("username"), phone: text("phone_number"),
		name: text("name"), nickname: text("nickname"), given: text("given_name"), family: text("family_name"), picture: text("picture"),
		createdAt: c.now, updatedAt: c.now,
	}
	u.emailVerified, _ = i.profile["email_verified"].(bool)
	u.phoneVerified, _ = i.profile["phone_verified"].(bool)
	i.profile = nil
	u.identities = []identity{i}
	return u
}
