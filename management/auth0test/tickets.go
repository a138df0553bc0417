package auth0test

import "time"

// ticketLife is how long a ticket lives that does not say.
const ticketLife = 5 * 24 * time.Hour

func ticketRoutes() []route {
	return []route{
		{method: "POST", pattern: "/tickets/password-change", handle: passwordTicket},
		{method: "POST", pattern: "/tickets/email-verification", handle: verificationTicket},
	}
}

func passwordTicket(c *call) *reply {
	u, bad := c.ticketUser()
	if bad != nil {
		return bad
	}
	con := c.t.connectionNamed(u.connection())
	if con == nil || !con.database() {
		return badRequest("The user's main connection does not support this operation.", "")
	}
	if password := c.str("new_password"); password != "" {
		if bad := con.checkPolicy(password); bad != nil {
			return bad
		}
	}
	return c.ticket("password_change", u)
}

func verificationTicket(c *call) *reply {
	u, bad := c.ticketUser()
	if bad != nil {
		return bad
	}
	return c.ticket("email_verification", u)
}

// ticketUser finds the user by id, or by connection and email.
func (c *call) ticketUser() (*user, *reply) {
	if id := c.str("client_id"); id != "" && c.t.clients.get(id) == nil {
		return nil, badRequest("The client does not exist", "inexistent_client")
	}
	u := c.t.users.get(c.str("user_id"))
	if id := c.str("connection_id"); id != "" {
		con := c.t.connections.get(id)
		if con == nil {
			return nil, badRequest("The connection with id "+id+" does not exist.", "")
		}
		if u == nil {
			u = c.t.users.withEmail(con.name, c.str("email"))
		}
	}
	if u == nil {
		return nil, noSuchUser()
	}
	if u.email == "" {
		return nil, badRequest("The user does not have an email address.", "")
	}
	return u, c.ticketOrganization(u)
}

func (c *call) ticketOrganization(u *user) *reply {
	id := c.str("organization_id")
	if id == "" {
		return nil
	}
	o := c.t.orgs.get(id)
	if o == nil {
		return badRequest("The organization does not exist", "")
	}
	if o.members.get(u.id) == nil {
		return badRequest("The user with id "+u.id+" is not a member of organization with id "+id+".", "")
	}
	return nil
}

func (c *call) ticket(kind string, u *user) *reply {
	life := time.Duration(c.num("ttl_sec")) * time.Second
	if life <= 0 {
		life = ticketLife
	}
	k := c.t.newTicket(kind, u.id, c.now.Add(life))
	k.clientID, k.resultURL, k.set = c.str("client_id"), c.str("result_url"), c.body
	return created(map[string]any{"ticket": k.url(c.issuer())})
}
