package orgs

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var organizations = &mgmtapi.Resource[*state.Organization]{
	Path: "/organizations", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.Organization] { return &t.Orgs }),
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

// maxOrgDomains is how many discovery domains an organization may have.
const maxOrgDomains = 100

var domains = mgmtapi.Document{
	Prefix: "ord", Plain: true,
	Check: func(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
		if d == nil && domainsOf(c).Len() >= maxOrgDomains {
			return mgmtapi.Conflict("No more discovery domains can be added to this organization.", "")
		}
		return nil
	},
	Complete: func(c *mgmtapi.Call, doc map[string]any) {
		name := strings.ToLower(store.Document(doc).Text("domain"))
		doc["domain"] = name
		store.Defaults(doc, map[string]any{
			"status": "pending", "use_for_organization_discovery": true,
			"verification_host": "_ss-verification." + c.Path("id") + "." + name, "verification_txt": store.RandomHex(32),
		})
	},
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: "/organizations/{id}/discovery-domains", Part: "discovery_domain_id",
	Table: func(c *mgmtapi.Call) (*store.Table[*mgmtapi.Doc], *mgmtapi.Reply) {
		if _, bad := organization("id")(c); bad != nil {
			return nil, bad
		}
		return domainsOf(c), nil
	},
	Also: func(c *mgmtapi.Call, name string) *mgmtapi.Doc {
		return domainsOf(c).Find(func(d *mgmtapi.Doc) bool { return d.Doc["domain"] == strings.ToLower(name) })
	},
	Missing: mgmtapi.Text{Message: "No organization domain found by that id"},
	Taken:   mgmtapi.Text{Message: "An organization discovery domain with this domain is already registered to this organization."},
	Same:    func(c *mgmtapi.Call, d *mgmtapi.Doc) bool { return d.Doc["domain"] == strings.ToLower(c.Str("domain")) },
	Page:    mgmtapi.Envelope[*mgmtapi.Doc]{Key: "domains", Form: mgmtapi.Cursor, Next: true, ID: func(d *mgmtapi.Doc) string { return d.ID }},
})

// domainsOf are the discovery domains of the organization of the path.
func domainsOf(c *mgmtapi.Call) *store.Table[*mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(c.T, "/organizations/"+c.Path("id")+"/discovery-domains")
}

func domainRoutes() []mgmtapi.Route {
	return domains.Routes(mgmtapi.Route{Method: "GET", Pattern: domains.Path + "/name/{discovery_domain}", Handle: mgmtapi.On(domains.By("discovery_domain"), domains.Show)})
}

// maxOrgGrants is how many client grants an organization may have.
const maxOrgGrants = 100

func orgGrantRoutes() []mgmtapi.Route {
	const path = "/organizations/{id}/client-grants"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: path, Handle: mgmtapi.Listing(organization("id"), mgmtapi.Envelope[*state.ClientGrant]{Key: "client_grants", Beyond: mgmtapi.BeyondOther}, grantsOf, mgmtapi.ViewGrant)},
		{Method: "POST", Pattern: path, Handle: mgmtapi.On(organization("id"), addOrgGrant)},
		{Method: "DELETE", Pattern: path + "/{grant_id}", Handle: mgmtapi.Doing(organization("id"), func(c *mgmtapi.Call, o *state.Organization) {
			o.Grants = store.Minus(o.Grants, []string{c.Path("grant_id")})
		})},
	}
}

func grantsOf(c *mgmtapi.Call, o *state.Organization) []*state.ClientGrant {
	wanted := slices.Concat(c.Query["grant_ids"], c.Query["grant_ids[]"])
	return slices.DeleteFunc(c.T.Grants.All(), func(g *state.ClientGrant) bool {
		return !slices.Contains(o.Grants, g.ID) || len(wanted) > 0 && !slices.Contains(wanted, g.ID) ||
			!c.Asks("audience", state.AudienceUnder(c.Issuer(), g.Audience)) || !c.Asks("client_id", g.ClientID)
	})
}

func addOrgGrant(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	g := c.T.Grants.Get(c.Str("grant_id"))
	switch {
	case g == nil:
		return mgmtapi.NotFound(mgmtapi.NoGrant, "inexistent_client_grant")
	case slices.Contains(o.Grants, g.ID):
		return mgmtapi.Conflict("The client grant has already been added to this organization.", "")
	case len(o.Grants) >= maxOrgGrants:
		return mgmtapi.Conflict("Quota exceeded; cannot add more than 100 client grants to a single organization", "")
	}
	o.Grants = append(o.Grants, g.ID)
	view := store.Pick(g.Doc, "organization_usage", "allow_any_organization")
	view["grant_id"], view["client_id"], view["audience"] = g.ID, g.ClientID, state.AudienceUnder(c.Issuer(), g.Audience)
	view["scope"] = store.AnyList(g.Scopes)
	return mgmtapi.Created(view)
}
