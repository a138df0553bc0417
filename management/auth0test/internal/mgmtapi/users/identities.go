package users

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// linkIdentity moves another user's identity into this one; the other user is
// gone then.
func linkIdentity(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	id, bad := secondaryID(c)
	if bad != nil {
		return bad
	}
	if hasIdentity(u, id) && id != u.ID {
		return mgmtapi.Conflict("Specified identity already exists.", "")
	}
	other := c.T.Users.Get(id)
	switch {
	case id == u.ID:
		return mgmtapi.BadRequest("Main identity and the new one are the same.", "invalid_body")
	case other == nil && !strings.HasPrefix(id, "auth0|"):
		return mgmtapi.BadRequest("Linking to an inexistent identity is not allowed.", "invalid_body")
	case other == nil:
		return mgmtapi.BadRequest("Provided secondary account not found.", "invalid_body")
	}
	if u.Identities[0].Profile == nil {
		u.Identities[0].Profile = u.Said()
	}
	for i, identity := range other.Identities {
		if i == 0 {
			identity.Profile = other.Said()
		}
		u.Identities = append(u.Identities, identity)
	}
	c.T.RemoveUser(other)
	c.T.Touch(u, c.Now)
	return mgmtapi.Created(identityViews(u))
}

// secondaryID is the full id of the account to link, of the body or of a token.
func secondaryID(c *mgmtapi.Call) (string, *mgmtapi.Reply) {
	if token := c.Str("link_with"); token != "" {
		claims, err := c.T.Verify(token)
		if err != nil || claims["iss"] != c.Issuer() && claims["iss"] != c.T.Issuer() {
			return "", mgmtapi.BadRequest("Invalid token (link_with).", "invalid_body")
		}
		sub, _ := claims["sub"].(string)
		if sub == "" {
			return "", mgmtapi.BadRequest("JWT (link_with) must contains sub claim.", "invalid_body")
		}
		return sub, nil
	}
	provider := c.Str("provider")
	id := schema.Plain(c.Body["user_id"])
	if !strings.HasPrefix(id, provider+"|") {
		id = provider + "|" + id
	}
	return id, nil
}

func hasIdentity(u *state.User, id string) bool {
	return slices.ContainsFunc(u.Identities, func(i state.Identity) bool { return i.Provider+"|"+i.UserID == id })
}

// unlinkIdentity takes an identity away, which becomes a user again.
func unlinkIdentity(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	provider, raw := c.Path("provider"), strings.TrimPrefix(c.Path("user_id"), c.Path("provider")+"|")
	at := slices.IndexFunc(u.Identities, func(i state.Identity) bool { return i.Provider == provider && i.UserID == raw })
	switch at {
	case -1:
		return mgmtapi.OK(identityViews(u))
	case 0:
		return mgmtapi.BadRequest("Main identity cannot be removed.", "invalid_body")
	}
	gone := u.Identities[at]
	u.Identities = slices.Delete(slices.Clone(u.Identities), at, at+1)
	c.T.Users.Add(restored(gone, c))
	c.T.Searchable(c.T.Users.Get(provider + "|" + raw))
	c.T.Touch(u, c.Now)
	return mgmtapi.OK(identityViews(u))
}

// restored is the user that an unlinked identity becomes. Metadata was lost in
// linking, as Auth0 documents; the password too.
func restored(i state.Identity, c *mgmtapi.Call) *state.User {
	u := &state.User{ID: i.Provider + "|" + i.UserID, CreatedAt: c.Now, UpdatedAt: c.Now}
	u.Read(i.Profile)
	u.Email, _ = i.Profile["email"].(string) // As the provider spells it.
	i.Profile = nil
	u.Identities = []state.Identity{i}
	return u
}
