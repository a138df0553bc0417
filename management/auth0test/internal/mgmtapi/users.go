package mgmtapi

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func (c *Call) RevokeAll(tokens []*state.RefreshToken) {
	for _, r := range tokens {
		c.T.Auth.Refresh.Revoke(r)
	}
}

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
	return c.UserNamed(c.Path("id"))
}

// UserNamed returns a user by id.
func (c *Call) UserNamed(id string) (*state.User, *Reply) {
	if u := c.T.Users.Get(id); u != nil {
		return u, nil
	}
	return nil, NotFound("The user does not exist.", "inexistent_user")
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

func ViewOrganization(_ *Call, o *state.Organization) map[string]any {
	m := store.Clone(o.Doc)
	m["id"], m["name"] = o.ID, o.Name
	return m
}

const NoRole = "The role does not exist."

// BriefRole is a role in the lists of users and members.
func BriefRole(_ *Call, r *state.Role) map[string]any {
	return map[string]any{"id": r.ID, "name": r.Name, "description": r.Description}
}

const NoGrant = "The grant does not exist."

// ViewGrant shows a client grant.
func ViewGrant(c *Call, g *state.ClientGrant) map[string]any {
	m := store.Clone(g.Doc)
	m["id"], m["client_id"], m["audience"] = g.ID, g.ClientID, state.AudienceUnder(c.Issuer(), g.Audience)
	m["scope"] = store.AnyList(g.Scopes)
	return m
}

// Organizations is the envelope of lists of organizations.
var Organizations = Envelope[*state.Organization]{Key: "organizations", Beyond: BeyondOther, Mark: func(o *state.Organization) store.Mark {
	return store.Mark{At: o.CreatedAt, ID: o.ID}
}}
