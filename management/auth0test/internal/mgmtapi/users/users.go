package users

import (
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

func UserRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/users", Bucket: "read users", Handle: listUsers},
		{Method: "POST", Pattern: "/users", Bucket: "write users", Handle: createUser, Free: true},
		{Method: "GET", Pattern: "/users/{id}", Bucket: "read users", Handle: mgmtapi.Telling((*mgmtapi.Call).User, shownUser)},
		{Method: "PATCH", Pattern: "/users/{id}", Bucket: "write users", Handle: updateUser, Free: true},
		{Method: "DELETE", Pattern: "/users/{id}", Bucket: "delete users", Handle: deleteUser},
		{Method: "GET", Pattern: "/users-by-email", Bucket: "read users", Handle: usersByEmail},
		{Method: "POST", Pattern: "/users/{id}/identities", Bucket: "write users", Handle: mgmtapi.On((*mgmtapi.Call).User, linkIdentity)},
		{Method: "DELETE", Pattern: "/users/{id}/identities/{provider}/{user_id}", Bucket: "write users", Handle: mgmtapi.On((*mgmtapi.Call).User, unlinkIdentity)},
	}
}

func shownUser(c *mgmtapi.Call, u *state.User) map[string]any { return c.Fields(viewUser(u)) }

// usersByEmail is immediate, unlike search. Letters must have the case in which
// the address is kept, which is lower case in databases.
func usersByEmail(c *mgmtapi.Call) *mgmtapi.Reply {
	out := []any{}
	email := c.Query.Get("email")
	for _, u := range c.T.Users.ByEmail.All(strings.ToLower(email)) {
		if u.Email == email {
			out = append(out, c.Fields(viewUser(u)))
		}
	}
	return mgmtapi.OK(out)
}

// deleteUser is idempotent.
func deleteUser(c *mgmtapi.Call) *mgmtapi.Reply {
	if c.OnlyOwn() && c.Token.Subject != c.Path("id") {
		return mgmtapi.Fail(403, "User to be acted on does not match subject in bearer token.", "")
	}
	if u := c.T.Users.Get(c.Path("id")); u != nil {
		if failed := c.T.DeleteUser(u); failed != nil {
			return mgmtapi.SandboxError(failed)
		}
	}
	return mgmtapi.NoContent()
}

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

func TicketRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "POST", Pattern: "/tickets/password-change", Handle: mgmtapi.On(ticketUser, passwordTicket)},
		{Method: "POST", Pattern: "/tickets/email-verification", Handle: mgmtapi.On(ticketUser, func(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply { return ticket(c, "email_verification", u) })},
	}
}

func passwordTicket(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	con := c.T.ConnectionNamed(u.Connection())
	if con == nil || !con.Database() {
		return mgmtapi.BadRequest("The user's main connection does not support this operation.", "")
	}
	if bad := mgmtapi.Refusal(con.CheckNewPassword(u, c.Str("new_password"))); bad != nil && c.Str("new_password") != "" {
		return bad
	}
	return ticket(c, "password_change", u)
}

// ticketUser finds the user by id, or by connection and email.
func ticketUser(c *mgmtapi.Call) (*state.User, *mgmtapi.Reply) {
	if id := c.Str("client_id"); id != "" && c.T.Clients.Get(id) == nil {
		return nil, mgmtapi.BadRequest("The client does not exist", "inexistent_client")
	}
	if !c.Has("user_id") && !(c.Has("connection_id") && c.Has("email")) {
		return nil, mgmtapi.Lacks("user_id")
	}
	u := c.T.Users.Get(c.Str("user_id"))
	if id := c.Str("connection_id"); id != "" {
		con := c.T.Connections.Get(id)
		if con == nil {
			return nil, mgmtapi.BadRequest("The connection with id "+id+" does not exist.", "")
		}
		if u == nil {
			u = c.T.Users.WithEmail(con.Name, c.Str("email"))
		}
	}
	if u == nil {
		return c.UserNamed("")
	}
	if u.Email == "" {
		return nil, mgmtapi.BadRequest("The user does not have an email address.", "")
	}
	return u, ticketOrganization(c, u)
}

func ticketOrganization(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	id := c.Str("organization_id")
	if id == "" {
		return nil
	}
	o := c.T.Orgs.Get(id)
	if o == nil {
		return mgmtapi.BadRequest("The organization does not exist", "")
	}
	if o.Members.Get(u.ID) == nil {
		return mgmtapi.BadRequest("The user with id "+u.ID+" is not a member of organization with id "+id+".", "")
	}
	return nil
}

func ticket(c *mgmtapi.Call, kind string, u *state.User) *mgmtapi.Reply {
	life := time.Duration(c.Num("ttl_sec")) * time.Second
	if life <= 0 {
		life = state.TicketLife
	}
	k := c.T.NewTicket(kind, u.ID, c.Now.Add(life))
	k.ClientID, k.ResultURL, k.Set = c.Str("client_id"), c.Str("result_url"), c.Body
	return mgmtapi.Created(map[string]any{"ticket": k.URL(c.Issuer())})
}
