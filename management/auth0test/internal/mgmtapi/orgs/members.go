package orgs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func memberRoutes() []mgmtapi.Route {
	return append(mgmtapi.RoleLinks[member]{
		Path: "/organizations/{id}/members/{user_id}/roles", Find: memberOf, Page: mgmtapi.Envelope[*state.Role]{Key: "roles", Beyond: mgmtapi.BeyondOther},
		Get:     func(m member) []string { return m.in.RolesIn(m.id) },
		Set:     func(_ *mgmtapi.Call, m member, ids []string) { m.in.SetRoles(m.id, ids) },
		Full:    mgmtapi.Conflict("No more roles can be assigned to this organization member.", ""),
		Buckets: [2]string{"read member roles", "write member roles"},
	}.Routes(),
		mgmtapi.Route{Method: "GET", Pattern: "/organizations/{id}/members", Bucket: "read members", Handle: mgmtapi.On(organization("id"), listMembers)},
		mgmtapi.Route{Method: "POST", Pattern: "/organizations/{id}/members", Bucket: "write members", Handle: mgmtapi.On(organization("id"), addMembers)},
		mgmtapi.Route{Method: "DELETE", Pattern: "/organizations/{id}/members", Bucket: "write members", Handle: mgmtapi.Doing(organization("id"), removeMembers)},
		mgmtapi.Route{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/effective-roles", Bucket: "read member roles", Handle: mgmtapi.Listing(memberOf, mgmtapi.Effectives, effectiveRoles, mgmtapi.ViewEffective)},
		mgmtapi.Route{Method: "GET", Pattern: "/organizations/{id}/members/{user_id}/effective-roles/sources/groups", Bucket: "read member roles", Handle: mgmtapi.On(memberOf, listRoleSources)})
}

// listMembers shows roles only to who asks for them by name and may read them.
func listMembers(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	withRoles := slices.Contains(strings.Split(c.Query.Get("fields"), ","), "roles") && c.Query.Get("include_fields") != "false"
	if withRoles && !c.Token.May("read:organization_member_roles") {
		return mgmtapi.Insufficient([]string{"read:organization_member_roles"})
	}
	view := func(m *state.Member) any {
		v := briefUser(c.T, m.UserID)
		if withRoles {
			v["roles"] = store.Render(c.T.RolesByID(m.Roles), func(r *state.Role) any { return map[string]any{"id": r.ID, "name": r.Name} })
		}
		return c.Fields(v)
	}
	rows := c.T.Shown(o)
	page := mgmtapi.Envelope[*state.Member]{Key: "members", Beyond: mgmtapi.BeyondOther, Always: true, Turned: true, Mark: func(m *state.Member) store.Mark {
		return store.Mark{At: m.At, ID: m.UserID}
	}}
	return mgmtapi.List(c, page, rows, view)
}

func addMembers(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	users, bad := c.Users("members")
	if bad != nil {
		return bad
	}
	for _, u := range users {
		c.T.Join(o, u.ID, c.Now)
	}
	return mgmtapi.NoContent()
}

func removeMembers(c *mgmtapi.Call, o *state.Organization) {
	for _, id := range c.Strs("members") {
		c.T.Leave(o, id)
	}
}

// member is a user in an organization. It need not be one: Auth0 keeps roles given
// beforehand.
type member struct {
	in *state.Organization
	id string
}

func memberOf(c *mgmtapi.Call) (member, *mgmtapi.Reply) {
	o, bad := organization("id")(c)
	m := member{o, c.Path("user_id")}
	if bad == nil {
		_, bad = c.UserNamed(m.id)
	}
	return m, bad
}

func effectiveRoles(c *mgmtapi.Call, m member) []mgmtapi.Effective {
	return mgmtapi.Combine(c.T, m.in.RolesIn(m.id), c.T.InheritedRoles(m.in, m.id))
}

func listRoleSources(c *mgmtapi.Call, m member) *mgmtapi.Reply {
	role := c.Query.Get("role_id")
	if c.T.Roles.Get(role) == nil {
		return mgmtapi.NotFound(mgmtapi.NoRole, "")
	}
	rows := slices.DeleteFunc(c.T.GroupsOf(m.id), func(g *state.Group) bool { return !slices.Contains(m.in.GroupRoles[g.ID], role) })
	return mgmtapi.List(c, groupPage, rows, func(g *state.Group) any { return viewGroup(c, g) })
}

var invitations = &mgmtapi.Resource[*state.Invitation]{
	Path: "/organizations/{id}/invitations", Part: "invitation_id",
	Table:   mgmtapi.Under(organization("id"), func(o *state.Organization) *store.Table[*state.Invitation] { return &o.Invitations }),
	Missing: mgmtapi.Text{Message: "The invitation does not exist.", Code: "inexistent_invitation"},
	New:     newInvitation, View: viewInvitation,
	Where:   func(_ *mgmtapi.Call, i *state.Invitation) bool { return !i.Accepted },
	Last:    func(c *mgmtapi.Call) bool { return c.Query.Get("sort") == "created_at:-1" },
	Page:    mgmtapi.Envelope[*state.Invitation]{Key: "invitations", Beyond: mgmtapi.BeyondOther, Filled: true, NoTotal: true}, // As recorded.
	Buckets: [3]string{"read invitations", "read invitations", "write invitations"},
}

func viewInvitation(c *mgmtapi.Call, i *state.Invitation) map[string]any {
	m := store.Clone(i.Doc)
	m["id"], m["ticket_id"], m["organization_id"] = i.ID, i.Ticket, c.Path("id")
	m["created_at"], m["expires_at"] = store.Stamp(i.CreatedAt), store.Stamp(i.ExpiresAt)
	if len(i.Roles) > 0 {
		m["roles"] = i.Roles
	}
	return m
}

func newInvitation(c *mgmtapi.Call) (string, *state.Invitation, *mgmtapi.Reply) {
	o := c.T.Orgs.Get(c.Path("id"))
	if bad := invitable(c, o); bad != nil {
		return "", nil, bad
	}
	life := cmp.Or(time.Duration(c.Num("ttl_sec"))*time.Second, invitationLife)
	i := &state.Invitation{ID: store.NewID("uinv"), Ticket: store.RandomID(32), CreatedAt: c.Now, ExpiresAt: c.Now.Add(life), Roles: c.Strs("roles")}
	i.Doc = store.Pick(c.Body, "client_id", "inviter", "invitee", "connection_id", "app_metadata", "user_metadata")
	url := c.T.LoginRoute(c.T.App(c.Str("client_id"))) + "?invitation=" + i.Ticket + "&organization=" + o.ID + "&organization_name=" + o.Name
	i.Doc["invitation_url"] = url
	if send, said := c.Body["send_invitation_email"].(bool); send || !said {
		to, _ := c.Obj("invitee")["email"].(string)
		c.T.Post(state.Message{Time: c.Now, Channel: "email", To: to, Kind: "user_invitation", URL: url})
	}
	return i.ID, i, nil
}

// invitationLife is how long an invitation lives that does not say.
const invitationLife = 7 * 24 * time.Hour

func invitable(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	cl := c.T.Clients.Get(c.Str("client_id"))
	switch {
	case cl == nil:
		return mgmtapi.BadRequest("The specified client_id does not exist.", "invalid_body")
	case cl.Doc["organization_usage"] == "deny": // As recorded, not where it is absent.
		return mgmtapi.BadRequest("The specified client_id does not allow organizations.", "invalid_body")
	case c.T.LoginRoute(c.T.App(cl.ID)) == "":
		return mgmtapi.BadRequest("A default login route is required to generate the invitation url. For more information, see https://auth0.com/docs/universal-login/configure-default-login-routes", "invalid_body")
	}
	missing := slices.DeleteFunc(c.Strs("roles"), func(id string) bool { return c.T.Roles.Get(id) != nil })
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
