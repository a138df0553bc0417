package auth0test

import "slices"

func clientGrantRoutes() []route {
	return []route{
		{method: "GET", pattern: "/client-grants", handle: listGrants},
		{method: "POST", pattern: "/client-grants", handle: createGrant},
		{method: "GET", pattern: "/client-grants/{id}", handle: readGrant},
		{method: "PATCH", pattern: "/client-grants/{id}", handle: updateGrant},
		{method: "DELETE", pattern: "/client-grants/{id}", handle: deleteGrant},
		{method: "GET", pattern: "/client-grants/{id}/organizations", handle: grantOrganizations},
	}
}

func (c *call) grant() (*clientGrant, *reply) {
	g := c.t.grants.get(c.path("id"))
	if g == nil {
		return nil, notFound("The grant does not exist.", "inexistent_client_grant")
	}
	return g, nil
}

func listGrants(c *call) *reply {
	is := func(key, v string) bool { return c.query.Get(key) == "" || c.query.Get(key) == v }
	rows := slices.DeleteFunc(c.t.grants.all(), func(g *clientGrant) bool {
		subject, _ := g.doc["subject_type"].(string)
		return !is("client_id", g.clientID) || !is("audience", audienceUnder(c.issuer(), g.audience)) || !is("subject_type", subject)
	})
	view := func(g *clientGrant) any { return g.view(c.issuer()) }
	if c.byCheckpoint() {
		where := func(g *clientGrant) mark { return mark{g.createdAt, g.id} }
		return checkpoint(c, list[*clientGrant]{key: "client_grants", rows: rows, where: where, view: view})
	}
	return pageOf(c, "client_grants", beyondOther, rows, view)
}

func createGrant(c *call) *reply {
	cl := c.t.clients.get(c.str("client_id"))
	a := c.t.apiOf(c.issuer(), c.str("audience"))
	switch {
	case cl == nil && c.str("client_id") != "":
		return notFound("The client does not exist", "inexistent_client")
	case a == nil:
		return noAPI()
	case cl != nil && cl.doc["app_type"] == "express_configuration" && a.identifier != "urn:auth0:express-configure":
		return badRequest("Client of type express_configuration cannot be used", "validation_error")
	}
	for _, s := range c.strs("scope") {
		if a.scope(s) == nil {
			return badRequest("The scope "+s+" does not exist in the resource server.", "invalid_body")
		}
	}
	subject := c.str("subject_type")
	if subject == "" {
		subject = "client"
	}
	if c.t.grants.find(func(g *clientGrant) bool {
		return g.clientID == c.str("client_id") && g.audience == a.identifier && g.doc["subject_type"] == subject
	}) != nil {
		return conflict("A client grant for the client and the resource server already exists.", "")
	}
	g := c.t.addGrant(c.str("client_id"), a.identifier, c.strs("scope"), c.now)
	g.set(c.body)
	g.doc["subject_type"] = subject
	return created(g.view(c.issuer()))
}

func (g *clientGrant) set(body map[string]any) {
	for k, v := range body {
		switch {
		case k == "client_id" || k == "audience":
		case k == "scope":
			g.scopes = stringsOf(v)
		case v == nil:
			delete(g.doc, k)
		default:
			g.doc[k] = v
		}
	}
}

func readGrant(c *call) *reply {
	g, bad := c.grant()
	if bad != nil {
		return bad
	}
	return ok(g.view(c.issuer()))
}

func updateGrant(c *call) *reply {
	g, bad := c.grant()
	if bad != nil {
		return bad
	}
	g.set(c.body)
	return ok(g.view(c.issuer()))
}

// deleteGrant is idempotent.
func deleteGrant(c *call) *reply {
	c.t.grants.delete(c.path("id"))
	for _, o := range c.t.orgs.all() {
		o.grants = minus(o.grants, []string{c.path("id")})
	}
	return noContent()
}

func grantOrganizations(c *call) *reply {
	g, bad := c.grant()
	if bad != nil {
		return bad
	}
	rows := slices.DeleteFunc(c.t.orgs.all(), func(o *organization) bool { return !slices.Contains(o.grants, g.id) })
	view := func(o *organization) any { return o.view() }
	if c.byCheckpoint() {
		return checkpoint(c, list[*organization]{key: "organizations", rows: rows, where: (*organization).mark, view: view})
	}
	return pageOf(c, "organizations", beyondOther, rows, view)
}
