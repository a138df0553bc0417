package auth0test

import "slices"

func organizationRoutes() []route {
	return slices.Concat([]route{
		{method: "GET", pattern: "/organizations", bucket: "list organizations", handle: listOrganizations},
		{method: "POST", pattern: "/organizations", bucket: "write organizations", handle: createOrganization, scopes: []string{"create:organizations"}},
		{method: "GET", pattern: "/organizations/name/{name}", bucket: "read organization by name", handle: readOrganizationByName},
		{method: "GET", pattern: "/organizations/{id}", bucket: "read organization", handle: readOrganization},
		{method: "PATCH", pattern: "/organizations/{id}", bucket: "write organizations", handle: updateOrganization},
		{method: "DELETE", pattern: "/organizations/{id}", bucket: "write organizations", handle: deleteOrganization},
	}, memberRoutes(), orgConnectionRoutes(), invitationRoutes(), domainRoutes(), orgGrantRoutes())
}

func noOrganization() *reply { return notFound("No organization found by that id or name", "") }

// organization returns the organization that a part of the path names.
func (c *call) organization(part string) (*organization, *reply) {
	o := c.t.orgs.get(c.path(part))
	if o == nil {
		return nil, noOrganization()
	}
	return o, nil
}

func (o *organization) view() map[string]any {
	m := clone(o.doc)
	m["id"], m["name"] = o.id, o.name
	return m
}

func (o *organization) mark() mark { return mark{o.createdAt, o.id} }

func listOrganizations(c *call) *reply {
	view := func(o *organization) any { return o.view() }
	rows := c.t.orgs.all()
	if c.byCheckpoint() {
		return checkpoint(c, list[*organization]{key: "organizations", rows: rows, where: (*organization).mark, view: view})
	}
	return pageOf(c, "organizations", beyondOther, rows, view)
}

const nameTaken = "An organization with this name already exists."

func createOrganization(c *call) *reply {
	if c.t.organizationNamed(c.str("name")) != nil {
		return conflict(nameTaken, "organization_conflict")
	}
	o := &organization{id: newID("org"), name: c.str("name"), doc: clone(c.body), createdAt: c.now}
	delete(o.doc, "name")
	delete(o.doc, "enabled_connections")
	items, _ := c.body["enabled_connections"].([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		if bad := c.enable(o, m); bad != nil {
			return bad
		}
	}
	c.t.orgs.put(o.id, o)
	view := o.view()
	if len(items) > 0 {
		view["enabled_connections"] = render(o.connections.all(), func(oc *orgConnection) any { return c.t.orgConnectionView(oc) })
	}
	return created(view)
}

func readOrganization(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	return ok(o.view())
}

func readOrganizationByName(c *call) *reply {
	o := c.t.organizationNamed(c.path("name"))
	if o == nil {
		return noOrganization()
	}
	return ok(o.view())
}

func updateOrganization(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	if c.has("name") {
		if other := c.t.organizationNamed(c.str("name")); other != nil && other != o {
			return conflict(nameTaken, "organization_conflict")
		}
		o.name = c.str("name")
	}
	for k, v := range c.body {
		switch {
		case k == "name":
		case v == nil:
			delete(o.doc, k)
		default:
			o.doc[k] = v
		}
	}
	return ok(o.view())
}

func deleteOrganization(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	for _, m := range o.members.all() {
		c.t.leave(o, m.userID)
	}
	c.t.orgs.delete(o.id)
	for _, r := range c.t.roles.all() {
		if r.owner == o.id {
			c.t.roles.delete(r.id)
		}
	}
	return noContent()
}
