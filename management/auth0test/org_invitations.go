package auth0test

import (
	"slices"
	"strings"
	"time"
)

func invitationRoutes() []route {
	const path = "/organizations/{id}/invitations"
	return []route{
		{method: "GET", pattern: path, bucket: "read invitations", handle: listInvitations},
		{method: "POST", pattern: path, bucket: "write invitations", handle: createInvitation},
		{method: "GET", pattern: path + "/{invitation_id}", bucket: "read invitations", handle: readInvitation},
		{method: "DELETE", pattern: path + "/{invitation_id}", bucket: "write invitations", handle: deleteInvitation},
	}
}

// invitationLife is how long an invitation lives that does not say.
const invitationLife = 7 * 24 * time.Hour

func (i *invitation) view(o *organization) map[string]any {
	m := clone(i.doc)
	m["id"], m["ticket_id"], m["organization_id"] = i.id, i.ticket, o.id
	m["created_at"], m["expires_at"] = stamp(i.createdAt), stamp(i.expiresAt)
	if len(i.roles) > 0 {
		m["roles"] = i.roles
	}
	return m
}

// listInvitations answers as recorded: limit is the number of rows, and there
// is no total.
func listInvitations(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	page, bad := c.offset(50, beyondOther)
	if bad != nil {
		return bad
	}
	all := slices.DeleteFunc(o.invitations.all(), func(i *invitation) bool { return i.accepted })
	if c.query.Get("sort") == "created_at:-1" {
		slices.Reverse(all)
	}
	items := render(cut(page, all), func(i *invitation) any { return c.fields(i.view(o)) })
	if !page.totals {
		return ok(items)
	}
	return ok(map[string]any{"invitations": items, "start": page.start, "limit": len(items)})
}

func createInvitation(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	if bad := c.invitable(o); bad != nil {
		return bad
	}
	life := time.Duration(c.num("ttl_sec")) * time.Second
	if life == 0 {
		life = invitationLife
	}
	i := &invitation{id: newID("uinv"), ticket: randomID(32), createdAt: c.now, expiresAt: c.now.Add(life), roles: c.strs("roles"), doc: map[string]any{}}
	for _, key := range []string{"client_id", "inviter", "invitee", "connection_id", "app_metadata", "user_metadata"} {
		if v, has := c.body[key]; has {
			i.doc[key] = v
		}
	}
	url := c.loginRoute() + "?invitation=" + i.ticket + "&organization=" + o.id + "&organization_name=" + o.name
	i.doc["invitation_url"] = url
	o.invitations.put(i.id, i)
	if send, said := c.body["send_invitation_email"].(bool); send || !said {
		to, _ := c.obj("invitee")["email"].(string)
		c.t.post(Message{Time: c.now, Channel: "email", To: to, Kind: "user_invitation", URL: url})
	}
	return created(i.view(o))
}

// loginRoute is the login page of the application.
func (c *call) loginRoute() string {
	if cl := c.t.clients.get(c.str("client_id")); cl != nil {
		if uri, _ := cl.doc["initiate_login_uri"].(string); uri != "" {
			return uri
		}
	}
	return "https://mycompany.org/login"
}

func (c *call) invitable(o *organization) *reply {
	cl := c.t.clients.get(c.str("client_id"))
	switch {
	case cl == nil:
		return badRequest("The specified client_id does not exist.", "invalid_body")
	case cl.doc["organization_usage"] == "deny":
		return badRequest("The specified client_id does not allow organizations.", "invalid_body")
	}
	var missing []string
	for _, id := range c.strs("roles") {
		if c.t.roles.get(id) == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return badRequest("One or more of the specified roles do not exist: "+strings.Join(missing, ", "), "invalid_body")
	}
	id := c.str("connection_id")
	if id == "" {
		return nil
	}
	con := c.t.connections.get(id)
	switch {
	case con == nil:
		return badRequest("The specified connection does not exist.", "invalid_body")
	case con.passwordless():
		return badRequest("Passwordless connections are not supported.", "invalid_body")
	case o.connections.get(id) == nil:
		return badRequest("The specified connection ("+id+") is not enabled for the organization", "invalid_body")
	}
	return nil
}

func readInvitation(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	i := o.invitations.get(c.path("invitation_id"))
	if i == nil {
		return notFound("The invitation does not exist.", "inexistent_invitation")
	}
	return ok(c.fields(i.view(o)))
}

func deleteInvitation(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	o.invitations.delete(c.path("invitation_id"))
	return noContent()
}
