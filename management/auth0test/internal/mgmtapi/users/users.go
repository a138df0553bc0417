package users

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
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
