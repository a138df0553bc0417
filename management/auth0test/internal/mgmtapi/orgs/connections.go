package orgs

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxOrgConnections is how many connections an organization may have.
const maxOrgConnections = 10

func orgConnectionRoutes() []mgmtapi.Route {
	const path = "/organizations/{id}/enabled_connections"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: path, Bucket: "read organization connections", Handle: listOrgConnections},
		{Method: "POST", Pattern: path, Bucket: "write organization connections", Handle: addOrgConnection},
		{Method: "GET", Pattern: path + "/{connectionId}", Bucket: "read organization connections", Handle: readOrgConnection},
		{Method: "PATCH", Pattern: path + "/{connectionId}", Bucket: "write organization connections", Handle: updateOrgConnection},
		{Method: "DELETE", Pattern: path + "/{connectionId}", Bucket: "write organization connections", Handle: removeOrgConnection},
	}
}

func orgConnectionView(t *state.Tenant, oc *state.OrgConnection) map[string]any {
	m := map[string]any{
		"connection_id": oc.ID, "assign_membership_on_login": oc.AssignMembership, "show_as_button": oc.ShowAsButton,
	}
	if con := t.Connections.Get(oc.ID); con != nil {
		m["connection"] = map[string]any{"name": con.Name, "strategy": con.Strategy}
		if con.Database() && oc.SignupSaid {
			m["is_signup_enabled"] = oc.EnableSignup
		}
	}
	return m
}

// enable adds a connection to an organization, as a request describes it.
func enable(c *mgmtapi.Call, o *state.Organization, m map[string]any) *mgmtapi.Reply {
	id, _ := m["connection_id"].(string)
	con := c.T.Connections.Get(id)
	switch {
	case con == nil:
		return mgmtapi.NotFound("No connection found by that id", "")
	case o.Connections.Get(id) != nil:
		return mgmtapi.Conflict("The connection has already been added to this organization.", "")
	case o.Connections.Len() >= maxOrgConnections:
		return mgmtapi.Conflict("No more connections can be enabled for this organization.", "")
	}
	oc := &state.OrgConnection{ID: id, ShowAsButton: true}
	if bad := setConnection(oc, con, m); bad != nil {
		return bad
	}
	o.Connections.Put(id, oc)
	return nil
}

// setConnection applies the settings of a request; what is wrong changes nothing.
func setConnection(oc *state.OrgConnection, con *state.Connection, m map[string]any) *mgmtapi.Reply {
	next := *oc
	for key, to := range map[string]*bool{
		"assign_membership_on_login": &next.AssignMembership, "show_as_button": &next.ShowAsButton, "is_signup_enabled": &next.EnableSignup,
	} {
		if b, is := m[key].(bool); is {
			*to = b
		}
	}
	_, said := m["is_signup_enabled"]
	next.SignupSaid = next.SignupSaid || said
	if next.EnableSignup && (!con.Database() || !next.AssignMembership) {
		return mgmtapi.BadRequest("Only database connections with assign_membership_on_login = true support is_signup_enabled = true.", "invalid_body")
	}
	*oc = next
	return nil
}

// listOrgConnections answers as recorded: limit is the number of rows.
func listOrgConnections(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	page, bad := c.Offset(50, "")
	if bad != nil {
		return bad
	}
	rows := mgmtapi.Cut(page, o.Connections.All())
	page.Limit = len(rows)
	return page.Answer("enabled_connections", store.Render(rows, func(oc *state.OrgConnection) any { return orgConnectionView(c.T, oc) }), o.Connections.Len())
}

func addOrgConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	if bad := enable(c, o, c.Body); bad != nil {
		return bad
	}
	return mgmtapi.Created(orgConnectionView(c.T, o.Connections.Get(c.Str("connection_id"))))
}

func orgConnection(c *mgmtapi.Call) (*state.Organization, *state.OrgConnection, *mgmtapi.Reply) {
	o, bad := organization(c, "id")
	if bad != nil {
		return nil, nil, bad
	}
	oc := o.Connections.Get(c.Path("connectionId"))
	if oc == nil {
		return o, nil, mgmtapi.NotFound("No connection found by that id", "")
	}
	return o, oc, nil
}

func readOrgConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	_, oc, bad := orgConnection(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(orgConnectionView(c.T, oc))
}

func updateOrgConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	_, oc, bad := orgConnection(c)
	if bad != nil {
		return bad
	}
	con := c.T.Connections.Get(oc.ID)
	if bad := setConnection(oc, con, c.Body); bad != nil {
		return bad
	}
	return mgmtapi.OK(orgConnectionView(c.T, oc))
}

func removeOrgConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	o.Connections.Delete(c.Path("connectionId"))
	return mgmtapi.NoContent()
}
