package orgs

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func OrganizationRoutes() []mgmtapi.Route {
	return slices.Concat([]mgmtapi.Route{
		{Method: "GET", Pattern: "/organizations", Bucket: "list organizations", Handle: listOrganizations},
		{Method: "POST", Pattern: "/organizations", Bucket: "write organizations", Handle: createOrganization, Scopes: []string{"create:organizations"}},
		{Method: "GET", Pattern: "/organizations/name/{name}", Bucket: "read organization by name", Handle: readOrganizationByName},
		{Method: "GET", Pattern: "/organizations/{id}", Bucket: "read organization", Handle: readOrganization},
		{Method: "PATCH", Pattern: "/organizations/{id}", Bucket: "write organizations", Handle: updateOrganization},
		{Method: "DELETE", Pattern: "/organizations/{id}", Bucket: "write organizations", Handle: deleteOrganization},
	}, memberRoutes(), orgConnectionRoutes(), invitationRoutes(), domainRoutes(), orgGrantRoutes())
}

func noOrganization() *mgmtapi.Reply {
	return mgmtapi.NotFound("No organization found by that id or name", "")
}

// organization returns the organization that a part of the path names.
func organization(c *mgmtapi.Call, part string) (*state.Organization, *mgmtapi.Reply) {
	o := c.T.Orgs.Get(c.Path(part))
	if o == nil {
		return nil, noOrganization()
	}
	return o, nil
}

func listOrganizations(c *mgmtapi.Call) *mgmtapi.Reply {
	view := func(o *state.Organization) any { return mgmtapi.ViewOrganization(o) }
	rows := c.T.Orgs.All()
	if c.ByCheckpoint() {
		return mgmtapi.Checkpoint(c, mgmtapi.List[*state.Organization]{Key: "organizations", Rows: rows, Where: mgmtapi.MarkOrganization, View: view})
	}
	return mgmtapi.PageOf(c, "organizations", mgmtapi.BeyondOther, rows, view)
}

const nameTaken = "An organization with this name already exists."

func createOrganization(c *mgmtapi.Call) *mgmtapi.Reply {
	if c.T.OrganizationNamed(c.Str("name")) != nil {
		return mgmtapi.Conflict(nameTaken, "organization_conflict")
	}
	o := &state.Organization{ID: store.NewID("org"), Name: c.Str("name"), Doc: store.Clone(c.Body), CreatedAt: c.Now}
	delete(o.Doc, "name")
	delete(o.Doc, "enabled_connections")
	items, _ := c.Body["enabled_connections"].([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		if bad := enable(c, o, m); bad != nil {
			return bad
		}
	}
	c.T.Orgs.Put(o.ID, o)
	view := mgmtapi.ViewOrganization(o)
	if len(items) > 0 {
		view["enabled_connections"] = store.Render(o.Connections.All(), func(oc *state.OrgConnection) any { return orgConnectionView(c.T, oc) })
	}
	return mgmtapi.Created(view)
}

func readOrganization(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(mgmtapi.ViewOrganization(o))
}

func readOrganizationByName(c *mgmtapi.Call) *mgmtapi.Reply {
	o := c.T.OrganizationNamed(c.Path("name"))
	if o == nil {
		return noOrganization()
	}
	return mgmtapi.OK(mgmtapi.ViewOrganization(o))
}

func updateOrganization(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	if c.Has("name") {
		if other := c.T.OrganizationNamed(c.Str("name")); other != nil && other != o {
			return mgmtapi.Conflict(nameTaken, "organization_conflict")
		}
		o.Name = c.Str("name")
	}
	for k, v := range c.Body {
		switch {
		case k == "name":
		case v == nil:
			delete(o.Doc, k)
		default:
			o.Doc[k] = v
		}
	}
	return mgmtapi.OK(mgmtapi.ViewOrganization(o))
}

func deleteOrganization(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	for _, m := range o.Members.All() {
		c.T.Leave(o, m.UserID)
	}
	c.T.Orgs.Delete(o.ID)
	for _, r := range c.T.Roles.All() {
		if r.Owner == o.ID {
			c.T.Roles.Delete(r.ID)
		}
	}
	return mgmtapi.NoContent()
}
