package orgs

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var organizations = &mgmtapi.Resource[state.Organization]{
	Path: "/organizations", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.Organization] { return &t.Orgs }),
	Missing: mgmtapi.Text{Message: "No organization found by that id or name"}, Strict: true,
	Taken: mgmtapi.Text{Message: "An organization with this name already exists.", Code: "organization_conflict"},
	Same:  func(c *mgmtapi.Call, o *state.Organization) bool { return c.Has("name") && o.Name == c.Str("name") },
	New:   newOrganization, Set: changeOrganization, Remove: removeOrganization,
	View: mgmtapi.ViewOrganization,
	Told: func(c *mgmtapi.Call, o *state.Organization) map[string]any {
		view := mgmtapi.ViewOrganization(c, o)
		if o.Connections.Len() > 0 {
			view["enabled_connections"] = store.Render(o.Connections.All(), func(oc *state.OrgConnection) any { return enabledView(c, oc) })
		}
		return view
	},
	Page:    mgmtapi.Organizations,
	Buckets: [3]string{"list organizations", "read organization", "write organizations"},
}

var organization = organizations.By

func OrganizationRoutes() []mgmtapi.Route {
	return slices.Concat(organizations.Routes(mgmtapi.Route{
		Method: "GET", Pattern: "/organizations/name/{name}", Bucket: "read organization by name", Handle: readOrganizationByName,
	}), memberRoutes(), enabledConnections.Routes(), orgConnections.Routes(), invitations.Routes(), domainRoutes(), orgGrantRoutes())
}

func newOrganization(c *mgmtapi.Call) (string, *state.Organization, *mgmtapi.Reply) {
	o := &state.Organization{ID: store.NewID("org"), Name: c.Str("name"), Doc: store.Clone(c.Body), CreatedAt: c.Now}
	delete(o.Doc, "name")
	delete(o.Doc, "enabled_connections")
	for _, m := range store.Objects(c.Body["enabled_connections"]) {
		oc, bad := enabled(c, o, m)
		if bad != nil {
			return "", nil, bad
		}
		o.Connections.Put(oc.ID, oc)
	}
	return o.ID, o, nil
}

func readOrganizationByName(c *mgmtapi.Call) *mgmtapi.Reply {
	o := c.T.OrganizationNamed(c.Path("name"))
	if o == nil {
		return organizations.NotFound("")
	}
	return mgmtapi.OK(mgmtapi.ViewOrganization(c, o))
}

func changeOrganization(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	if c.Has("name") {
		o.Name = c.Str("name")
	}
	o.Doc = store.Patched(o.Doc, c.Body)
	delete(o.Doc, "name")
	return nil
}

func removeOrganization(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	for _, m := range o.Members.All() {
		c.T.Leave(o, m.UserID)
	}
	for _, r := range c.T.Roles.All() {
		if r.Owner == o.ID {
			c.T.Roles.Delete(r.ID)
		}
	}
	return nil
}
