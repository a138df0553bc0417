package users

import (
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

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
		return nil, mgmtapi.NoSuchUser()
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
