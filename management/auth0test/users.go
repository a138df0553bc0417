package auth0test

import (
	"slices"
	"strings"
)

func userRoutes() []route {
	return []route{
		{method: "GET", pattern: "/users", bucket: "read users", handle: listUsers},
		{method: "POST", pattern: "/users", bucket: "write users", handle: createUser, free: true},
		{method: "GET", pattern: "/users/{id}", bucket: "read users", handle: readUser},
		{method: "PATCH", pattern: "/users/{id}", bucket: "write users", handle: updateUser, free: true},
		{method: "DELETE", pattern: "/users/{id}", bucket: "delete users", handle: deleteUser},
		{method: "GET", pattern: "/users-by-email", bucket: "read users", handle: usersByEmail},
		{method: "POST", pattern: "/users/{id}/identities", bucket: "write users", handle: linkIdentity},
		{method: "DELETE", pattern: "/users/{id}/identities/{provider}/{user_id}", bucket: "write users", handle: unlinkIdentity},
	}
}

const noUser = "The user does not exist."

func noSuchUser() *reply { return notFound(noUser, "inexistent_user") }

// user returns the user that the path names. A token of a user, which has only
// the current_user scopes, reaches its own subject.
func (c *call) user() (*user, *reply) {
	if c.onlyOwn() && c.token.subject != c.path("id") {
		return nil, fail(403, "User to be acted on does not match subject in bearer token.", "")
	}
	u := c.t.users.get(c.path("id"))
	if u == nil {
		return nil, noSuchUser()
	}
	return u, nil
}

// onlyOwn reports whether all scopes that let the caller in are about itself.
func (c *call) onlyOwn() bool {
	for _, s := range c.op.Scopes {
		if c.token.may(s) && !strings.Contains(s, ":current_user") {
			return false
		}
	}
	return true
}

func readUser(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	return ok(c.fields(u.view()))
}

// usersByEmail is immediate, unlike search. Letters must have the case in which
// the address is kept, which is lower case in databases.
func usersByEmail(c *call) *reply {
	out := []any{}
	email := c.query.Get("email")
	for _, u := range c.t.users.byEmail.all(strings.ToLower(email)) {
		if u.email == email {
			out = append(out, c.fields(u.view()))
		}
	}
	return ok(out)
}

// deleteUser is idempotent.
func deleteUser(c *call) *reply {
	if c.onlyOwn() && c.token.subject != c.path("id") {
		return fail(403, "User to be acted on does not match subject in bearer token.", "")
	}
	if u := c.t.users.get(c.path("id")); u != nil {
		c.t.removeUser(u)
	}
	return noContent()
}

// removeUser deletes a user with what belongs to it.
func (t *Tenant) removeUser(u *user) {
	t.users.remove(u)
	t.searchable(u)
	for _, id := range slices.Clone(u.orgs) {
		t.leave(t.orgs.get(id), u.id)
	}
	for _, id := range u.roles {
		t.roles.get(id).users.delete(u.id)
	}
	t.userRemoved(u)
}
