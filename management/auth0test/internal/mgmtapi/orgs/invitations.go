package orgs

import (
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func invitationRoutes() []mgmtapi.Route {
	const path = "/organizations/{id}/invitations"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: path, Bucket: "read invitations", Handle: listInvitations},
		{Method: "POST", Pattern: path, Bucket: "write invitations", Handle: createInvitation},
		{Method: "GET", Pattern: path + "/{invitation_id}", Bucket: "read invitations", Handle: readInvitation},
		{Method: "DELETE", Pattern: path + "/{invitation_id}", Bucket: "write invitations", Handle: deleteInvitation},
	}
}

// invitationLife is how long an invitation lives that does not say.
const invitationLife = 7 * 24 * time.Hour

func viewInvitation(i *state.Invitation, o *state.Organization) map[string]any {
	m := store.Clone(i.Doc)
	m["id"], m["ticket_id"], m["organization_id"] = i.ID, i.Ticket, o.ID
	m["created_at"], m["expires_at"] = store.Stamp(i.CreatedAt), store.Stamp(i.ExpiresAt)
	if len(i.Roles) > 0 {
		m["roles"] = i.Roles
	}
	return m
}

// listInvitations answers as recorded: limit is the number of rows, and there
// is no total.
func listInvitations(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	page, bad := c.Offset(50, mgmtapi.BeyondOther)
	if bad != nil {
		return bad
	}
	all := slices.DeleteFunc(o.Invitations.All(), func(i *state.Invitation) bool { return i.Accepted })
	if c.Query.Get("sort") == "created_at:-1" {
		slices.Reverse(all)
	}
	items := store.Render(mgmtapi.Cut(page, all), func(i *state.Invitation) any { return c.Fields(viewInvitation(i, o)) })
	if !page.Totals {
		return mgmtapi.OK(items)
	}
	return mgmtapi.OK(map[string]any{"invitations": items, "start": page.Start, "limit": len(items)})
}

func createInvitation(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	if bad := invitable(c, o); bad != nil {
		return bad
	}
	life := time.Duration(c.Num("ttl_sec")) * time.Second
	if life == 0 {
		life = invitationLife
	}
	i := &state.Invitation{ID: store.NewID("uinv"), Ticket: store.RandomID(32), CreatedAt: c.Now, ExpiresAt: c.Now.Add(life), Roles: c.Strs("roles"), Doc: map[string]any{}}
	for _, key := range []string{"client_id", "inviter", "invitee", "connection_id", "app_metadata", "user_metadata"} {
		if v, has := c.Body[key]; has {
			i.Doc[key] = v
		}
	}
	url := loginRoute(c) + "?invitation=" + i.Ticket + "&organization=" + o.ID + "&organization_name=" + o.Name
	i.Doc["invitation_url"] = url
	o.Invitations.Put(i.ID, i)
	if send, said := c.Body["send_invitation_email"].(bool); send || !said {
		to, _ := c.Obj("invitee")["email"].(string)
		c.T.Post(state.Message{Time: c.Now, Channel: "email", To: to, Kind: "user_invitation", URL: url})
	}
	return mgmtapi.Created(viewInvitation(i, o))
}

// loginRoute is the login page of the application.
func loginRoute(c *mgmtapi.Call) string {
	if cl := c.T.Clients.Get(c.Str("client_id")); cl != nil {
		if uri, _ := cl.Doc["initiate_login_uri"].(string); uri != "" {
			return uri
		}
	}
	return "https://mycompany.org/login"
}

func invitable(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	cl := c.T.Clients.Get(c.Str("client_id"))
	switch {
	case cl == nil:
		return mgmtapi.BadRequest("The specified client_id does not exist.", "invalid_body")
	case cl.Doc["organization_usage"] == "deny":
		return mgmtapi.BadRequest("The specified client_id does not allow organizations.", "invalid_body")
	}
	var missing []string
	for _, id := range c.Strs("roles") {
		if c.T.Roles.Get(id) == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return mgmtapi.BadRequest("One or more of the specified roles do not exist: "+strings.Join(missing, ", "), "invalid_body")
	}
	id := c.Str("connection_id")
	if id == "" {
		return nil
	}
	con := c.T.Connections.Get(id)
	switch {
	case con == nil:
		return mgmtapi.BadRequest("The specified connection does not exist.", "invalid_body")
	case con.Passwordless():
		return mgmtapi.BadRequest("Passwordless connections are not supported.", "invalid_body")
	case o.Connections.Get(id) == nil:
		return mgmtapi.BadRequest("The specified connection ("+id+") is not enabled for the organization", "invalid_body")
	}
	return nil
}

func readInvitation(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	i := o.Invitations.Get(c.Path("invitation_id"))
	if i == nil {
		return mgmtapi.NotFound("The invitation does not exist.", "inexistent_invitation")
	}
	return mgmtapi.OK(c.Fields(viewInvitation(i, o)))
}

func deleteInvitation(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	o.Invitations.Delete(c.Path("invitation_id"))
	return mgmtapi.NoContent()
}
