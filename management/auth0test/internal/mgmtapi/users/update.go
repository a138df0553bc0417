package users

import (
	"cmp"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// updateUser changes what the request names.
func updateUser(c *mgmtapi.Call) *mgmtapi.Reply {
	secret := state.NewCredential(c.Str("password"))
	c.Now = c.T.Lock()
	defer c.T.Unlock()
	u, bad := c.User()
	if bad != nil {
		return bad
	}
	if bad := updatable(c, u); bad != nil {
		return bad
	}
	next := patched(c, u)
	if con := c.T.ConnectionNamed(u.Connection()); con != nil && c.Str("password") != "" {
		if bad := mgmtapi.Refusal(con.CheckNewPassword(next, c.Str("password"))); bad != nil {
			return bad
		}
	}
	if c.T.Taken(next, u, u.Connection()) {
		return mgmtapi.Conflict(userExists, "auth0_idp_error")
	}
	newEmail := next.Email != u.Email
	if bad := changeThere(c, u, next, secret, newEmail); bad != nil {
		return bad
	}
	c.T.Users.Change(u, func() { *u = *next })
	c.T.Searchable(u)
	if c.Yes("verify_email") || newEmail && c.Body["verify_email"] == nil && !u.EmailVerified && c.Body["email_verified"] == nil {
		verificationMail(c, u)
	}
	c.T.UserChanged(u, c.Body)
	return mgmtapi.OK(viewUser(u))
}

// changeThere changes the password where it is kept, into next, and what the
// customer's own database has of an address, unless another user there has that.
// It gives up the mutex for the time of a script.
func changeThere(c *mgmtapi.Call, u, next *state.User, secret state.Credential, newEmail bool) *mgmtapi.Reply {
	con := c.T.ConnectionNamed(u.Connection())
	if c.Str("password") != "" {
		if failed := c.T.ChangePassword(next, con, c.Str("password"), secret, "", c.Now); failed != nil {
			return mgmtapi.SandboxError(failed)
		}
	}
	db := c.T.CustomDB(con, "")
	if db == nil || next.Email == "" || !newEmail && next.EmailVerified == u.EmailVerified {
		return nil
	}
	if newEmail {
		c.T.Unlock()
		other, failed := db.Find(next.Email)
		c.T.Lock()
		switch {
		case failed != nil:
			return mgmtapi.SandboxError(failed)
		case other != nil && other.ID != u.ID:
			return mgmtapi.Conflict(userExists, "auth0_idp_error")
		}
	}
	if failed := c.T.ChangeThere(con, "", "change_email", u.Email, next.Email, next.EmailVerified); failed != nil {
		return mgmtapi.SandboxError(failed)
	}
	return nil
}

// together are the fields that Auth0 does not change in one request.
var together = [][2]string{
	{"password", "email"}, {"password", "email_verified"},
	{"username", "email"}, {"username", "email_verified"}, {"username", "password"},
}

// updatable checks what does not depend on other users.
func updatable(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	if !c.Token.May("update:users") && !onlyMetadata(c) {
		return mgmtapi.Insufficient([]string{"update:users"})
	}
	for _, pair := range together {
		if c.Has(pair[0]) && c.Has(pair[1]) {
			return mgmtapi.BadRequest("Cannot update "+pair[0]+" and "+pair[1]+" simultaneously.", "")
		}
	}
	con := c.T.ConnectionNamed(cmp.Or(c.Str("connection"), u.Connection())) // The user's own unless it names another.
	switch {
	case con != nil:
		return allowedAt(c, con)
	case c.Str("connection") != "":
		return mgmtapi.BadRequest("Connection does not exist.", "")
	}
	return nil // It was deleted; its users are still there for a moment.
}

// onlyMetadata reports whether a request stays within what the scopes
// update:users_app_metadata and update:current_user_metadata allow.
func onlyMetadata(c *mgmtapi.Call) bool {
	for key := range c.Body {
		switch {
		case key == "user_metadata":
		case key == "app_metadata" && c.Token.May("update:users_app_metadata"):
		default:
			return false
		}
	}
	return true
}

func allowedAt(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	switch {
	case c.Has("email") && !con.Database() && con.Strategy != "email":
		return mgmtapi.BadRequest("Cannot update email for non-database user.", "")
	case c.Has("email_verified") && !con.TakesUsers() && !con.Social():
		return mgmtapi.BadRequest("Email verification is not supported for enterprise users.", "")
	case (c.Has("password") || c.Has("username")) && !con.Database():
		return mgmtapi.BadRequest("Connection is not supported for this operation.", "")
	case (c.Has("email") || c.Has("password")) && len(con.Clients) == 0:
		return mgmtapi.BadRequest("Cannot change email or password for users in a disabled connection.", "")
	}
	return mgmtapi.Refusal(con.CheckUsername(c.Str("username")))
}

// patched is the user after the change, a copy: what is wrong changes nothing.
func patched(c *mgmtapi.Call, u *state.User) *state.User {
	next := *u
	next.Read(c.Body)
	if next.Email != u.Email && !c.Has("email_verified") {
		next.EmailVerified = false
	}
	next.BlockedSaid = u.BlockedSaid || c.Has("blocked")
	next.AppMetadata = merged(u.AppMetadata, c.Body, "app_metadata")
	next.UserMetadata = merged(u.UserMetadata, c.Body, "user_metadata")
	next.UpdatedAt = c.Now
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
	return store.Patched(old, changes)
}
