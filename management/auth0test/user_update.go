package auth0test

import (
	"maps"
	"strings"
	"time"
)

// updateUser changes what the request names.
func updateUser(c *call) *reply {
	secret := newCredential(c.str("password"))
	c.now = c.t.lock()
	defer c.t.mu.Unlock()
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	if bad := c.updatable(u); bad != nil {
		return bad
	}
	next := c.patched(u)
	if c.t.taken(next, u.connection()) && c.takenByOther(u, next) {
		return conflict(userExists, "auth0_idp_error")
	}
	newEmail := next.email != u.email
	c.t.users.change(u, func() { *u = *next })
	if c.str("password") != "" {
		u.password, u.lastPasswordReset = secret, c.now
	}
	c.t.searchable(u)
	if c.yes("verify_email") || newEmail && c.body["verify_email"] == nil && !u.emailVerified && c.body["email_verified"] == nil {
		c.verificationMail(u)
	}
	c.t.userChanged(u, c.body)
	return ok(u.view())
}

// together are the fields that Auth0 does not change in one request.
var together = [][2]string{
	{"password", "email"}, {"password", "email_verified"},
	{"username", "email"}, {"username", "email_verified"}, {"username", "password"},
}

// updatable checks what does not depend on other users.
func (c *call) updatable(u *user) *reply {
	if !c.token.may("update:users") && !c.onlyMetadata() {
		return insufficient([]string{"update:users"})
	}
	for _, pair := range together {
		if c.has(pair[0]) && c.has(pair[1]) {
			return badRequest("Cannot update "+pair[0]+" and "+pair[1]+" simultaneously.", "")
		}
	}
	con, bad := c.targetConnection(u)
	if bad != nil {
		return bad
	}
	return c.allowedAt(con)
}

// onlyMetadata reports whether a request stays within what the scopes
// update:users_app_metadata and update:current_user_metadata allow.
func (c *call) onlyMetadata() bool {
	for key := range c.body {
		switch {
		case key == "user_metadata":
		case key == "app_metadata" && c.token.may("update:users_app_metadata"):
		default:
			return false
		}
	}
	return true
}

// targetConnection is the connection that a request changes: the user's own
// unless it names another.
func (c *call) targetConnection(u *user) (*connection, *reply) {
	name := u.connection()
	if c.str("connection") != "" {
		name = c.str("connection")
	}
	con := c.t.connectionNamed(name)
	if con == nil && c.str("connection") != "" {
		return nil, badRequest("Connection does not exist.", "")
	}
	return con, nil
}

func (c *call) allowedAt(con *connection) *reply {
	if con == nil { // It was deleted; its users are still there for a moment.
		return nil
	}
	switch {
	case c.has("email") && !con.database() && con.strategy != "email":
		return badRequest("Cannot update email for non-database user.", "")
	case c.has("email_verified") && !con.takesUsers() && !con.social():
		return badRequest("Email verification is not supported for enterprise users.", "")
	case (c.has("password") || c.has("username")) && !con.database():
		return badRequest("Connection is not supported for this operation.", "")
	case (c.has("email") || c.has("password")) && len(con.clients) == 0:
		return badRequest("Cannot change email or password for users in a disabled connection.", "")
	}
	if c.str("username") != "" {
		if bad := con.checkUsername(c.str("username")); bad != nil {
			return bad
		}
	}
	if c.str("password") != "" {
		return con.checkPolicy(c.str("password"))
	}
	return nil
}

// patched is the user after the change, a copy: what is wrong changes nothing.
func (c *call) patched(u *user) *user {
	next := *u
	text := func(key string, to *string) {
		if v, has := c.body[key]; has {
			*to, _ = v.(string) // null takes it away.
		}
	}
	text("email", &next.email)
	text("username", &next.username)
	next.email, next.username = strings.ToLower(next.email), strings.ToLower(next.username)
	text("phone_number", &next.phone)
	text("name", &next.name)
	text("nickname", &next.nickname)
	text("given_name", &next.given)
	text("family_name", &next.family)
	text("picture", &next.picture)
	if next.email != u.email {
		next.emailVerified = false
	}
	if c.has("email_verified") {
		next.emailVerified = c.yes("email_verified")
	}
	if c.has("phone_verified") {
		next.phoneVerified = c.yes("phone_verified")
	}
	if c.has("blocked") {
		next.blocked, next.blockedSaid = c.yes("blocked"), true
	}
	next.appMetadata = merged(u.appMetadata, c.body, "app_metadata")
	next.userMetadata = merged(u.userMetadata, c.body, "user_metadata")
	next.updatedAt = c.now
	return &next
}

// merged merges metadata at the first level: null deletes a key, {} deletes all.
// It never writes into the old map, which search may still show.
func merged(old, body map[string]any, key string) map[string]any {
	patch, has := body[key]
	if !has {
		return old
	}
	changes, _ := patch.(map[string]any)
	if len(changes) == 0 {
		return map[string]any{}
	}
	m := maps.Clone(old)
	if m == nil {
		m = make(map[string]any, len(changes))
	}
	for k, v := range changes {
		if v == nil {
			delete(m, k)
			continue
		}
		m[k] = v
	}
	return m
}

// takenByOther compares the identifiers that changed with those of others.
func (c *call) takenByOther(u, next *user) bool {
	other := func(o *user) bool { return o != nil && o != u }
	name := u.connection()
	return next.email != "" && other(c.t.users.withEmail(name, next.email)) ||
		next.username != "" && other(c.t.users.withUsername(name, next.username)) ||
		next.phone != "" && other(c.t.users.withPhone(name, next.phone))
}

// touch marks a change by the tenant itself, as a login.
func (t *Tenant) touch(u *user, now time.Time) {
	u.updatedAt = now
	t.searchable(u)
}
