package auth0test

// maxOrgConnections is how many connections an organization may have.
const maxOrgConnections = 10

func orgConnectionRoutes() []route {
	const path = "/organizations/{id}/enabled_connections"
	return []route{
		{method: "GET", pattern: path, bucket: "read organization connections", handle: listOrgConnections},
		{method: "POST", pattern: path, bucket: "write organization connections", handle: addOrgConnection},
		{method: "GET", pattern: path + "/{connectionId}", bucket: "read organization connections", handle: readOrgConnection},
		{method: "PATCH", pattern: path + "/{connectionId}", bucket: "write organization connections", handle: updateOrgConnection},
		{method: "DELETE", pattern: path + "/{connectionId}", bucket: "write organization connections", handle: removeOrgConnection},
	}
}

func (t *Tenant) orgConnectionView(oc *orgConnection) map[string]any {
	m := map[string]any{
		"connection_id": oc.id, "assign_membership_on_login": oc.assignMembership, "show_as_button": oc.showAsButton,
	}
	if con := t.connections.get(oc.id); con != nil {
		m["connection"] = map[string]any{"name": con.name, "strategy": con.strategy}
		if con.database() && oc.signupSaid {
			m["is_signup_enabled"] = oc.enableSignup
		}
	}
	return m
}

// enable adds a connection to an organization, as a request describes it.
func (c *call) enable(o *organization, m map[string]any) *reply {
	id, _ := m["connection_id"].(string)
	con := c.t.connections.get(id)
	switch {
	case con == nil:
		return notFound("No connection found by that id", "")
	case o.connections.get(id) != nil:
		return conflict("The connection has already been added to this organization.", "")
	case o.connections.len() >= maxOrgConnections:
		return conflict("No more connections can be enabled for this organization.", "")
	}
	oc := &orgConnection{id: id, showAsButton: true}
	if bad := oc.set(con, m); bad != nil {
		return bad
	}
	o.connections.put(id, oc)
	return nil
}

// set applies the settings of a request; what is wrong changes nothing.
func (oc *orgConnection) set(con *connection, m map[string]any) *reply {
	next := *oc
	for key, to := range map[string]*bool{
		"assign_membership_on_login": &next.assignMembership, "show_as_button": &next.showAsButton, "is_signup_enabled": &next.enableSignup,
	} {
		if b, is := m[key].(bool); is {
			*to = b
		}
	}
	_, said := m["is_signup_enabled"]
	next.signupSaid = next.signupSaid || said
	if next.enableSignup && (!con.database() || !next.assignMembership) {
		return badRequest("Only database connections with assign_membership_on_login = true support is_signup_enabled = true.", "invalid_body")
	}
	*oc = next
	return nil
}

// listOrgConnections answers as recorded: limit is the number of rows.
func listOrgConnections(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	page, bad := c.offset(50, "")
	if bad != nil {
		return bad
	}
	rows := cut(page, o.connections.all())
	page.limit = len(rows)
	return page.answer("enabled_connections", render(rows, func(oc *orgConnection) any { return c.t.orgConnectionView(oc) }), o.connections.len())
}

func addOrgConnection(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	if bad := c.enable(o, c.body); bad != nil {
		return bad
	}
	return created(c.t.orgConnectionView(o.connections.get(c.str("connection_id"))))
}

func (c *call) orgConnection() (*organization, *orgConnection, *reply) {
	o, bad := c.organization("id")
	if bad != nil {
		return nil, nil, bad
	}
	oc := o.connections.get(c.path("connectionId"))
	if oc == nil {
		return o, nil, notFound("No connection found by that id", "")
	}
	return o, oc, nil
}

func readOrgConnection(c *call) *reply {
	_, oc, bad := c.orgConnection()
	if bad != nil {
		return bad
	}
	return ok(c.t.orgConnectionView(oc))
}

func updateOrgConnection(c *call) *reply {
	_, oc, bad := c.orgConnection()
	if bad != nil {
		return bad
	}
	con := c.t.connections.get(oc.id)
	if bad := oc.set(con, c.body); bad != nil {
		return bad
	}
	return ok(c.t.orgConnectionView(oc))
}

func removeOrgConnection(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	o.connections.delete(c.path("connectionId"))
	return noContent()
}
