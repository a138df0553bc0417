package mgmtapi

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

func (c *Call) RevokeAll(tokens []*state.RefreshToken) {
	for _, r := range tokens {
		c.T.Auth.Refresh.Revoke(r)
	}
}

const noUser = "The user does not exist."

func NoSuchUser() *Reply { return NotFound(noUser, "inexistent_user") }

// SandboxError is the answer when a script failed.
func SandboxError(failed *state.ScriptError) *Reply {
	return BadRequest("Sandbox Error: "+failed.Message, "auth0_idp_error")
}

// User returns the user that the path names. A token of a user, which has only
// the current_user scopes, reaches its own subject.
func (c *Call) User() (*state.User, *Reply) {
	if c.OnlyOwn() && c.Token.Subject != c.Path("id") {
		return nil, Fail(403, "User to be acted on does not match subject in bearer token.", "")
	}
	u := c.T.Users.Get(c.Path("id"))
	if u == nil {
		return nil, NoSuchUser()
	}
	return u, nil
}

// Users reads users of a body, all of whom must exist.
func (c *Call) Users(name string) ([]*state.User, *Reply) {
	var out []*state.User
	for _, id := range c.Strs(name) {
		u := c.T.Users.Get(id)
		if u == nil {
			return nil, NotFound("One or more of the users do not exist.", "")
		}
		out = append(out, u)
	}
	return out, nil
}

// OnlyOwn reports whether all scopes that let the caller in are about itself.
func (c *Call) OnlyOwn() bool {
	for _, s := range c.op.Scopes {
		if c.Token.May(s) && !strings.Contains(s, ":current_user") {
			return false
		}
	}
	return true
}
