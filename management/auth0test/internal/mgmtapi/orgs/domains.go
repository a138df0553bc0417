package orgs

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxOrgDomains is how many discovery domains an organization may have.
const maxOrgDomains = 100

var domains = &mgmtapi.Resource[state.DiscoveryDomain]{
	Path: "/organizations/{id}/discovery-domains", Part: "discovery_domain_id",
	Table: mgmtapi.Under(organization("id"), func(o *state.Organization) *store.Table[state.DiscoveryDomain] { return &o.Domains }),
	Also: func(c *mgmtapi.Call, name string) *state.DiscoveryDomain {
		return c.T.Orgs.Get(c.Path("id")).Domains.Find(func(d *state.DiscoveryDomain) bool { return d.Domain == strings.ToLower(name) })
	},
	Missing: mgmtapi.Text{Message: "No organization domain found by that id"},
	Taken:   mgmtapi.Text{Message: "An organization discovery domain with this domain is already registered to this organization."},
	Same: func(c *mgmtapi.Call, d *state.DiscoveryDomain) bool {
		return d.Domain == strings.ToLower(c.Str("domain"))
	},
	New: newDomain,
	Set: func(c *mgmtapi.Call, d *state.DiscoveryDomain) *mgmtapi.Reply { return setDomain(d, c.Body) },
	View: func(_ *mgmtapi.Call, d *state.DiscoveryDomain) map[string]any {
		m := store.Clone(d.Doc)
		m["id"], m["domain"], m["status"] = d.ID, d.Domain, d.Status
		return m
	},
	Page: mgmtapi.Envelope[*state.DiscoveryDomain]{Key: "domains", Form: mgmtapi.Cursor, Next: true, ID: func(d *state.DiscoveryDomain) string { return d.ID }},
}

func domainRoutes() []mgmtapi.Route {
	return domains.Routes(mgmtapi.Route{Method: "GET", Pattern: domains.Path + "/name/{discovery_domain}", Handle: mgmtapi.On(domains.By("discovery_domain"), domains.Show)})
}

func newDomain(c *mgmtapi.Call) (string, *state.DiscoveryDomain, *mgmtapi.Reply) {
	o, name := c.T.Orgs.Get(c.Path("id")), strings.ToLower(c.Str("domain"))
	if o.Domains.Len() >= maxOrgDomains {
		return "", nil, mgmtapi.Conflict("No more discovery domains can be added to this organization.", "")
	}
	d := &state.DiscoveryDomain{ID: "ord_" + store.RandomID(22), Domain: name, Status: "pending", CreatedAt: c.Now, Doc: map[string]any{
		"verification_host": "_ss-verification." + o.ID + "." + name, "verification_txt": store.RandomHex(32),
		"use_for_organization_discovery": true,
	}}
	return d.ID, d, setDomain(d, c.Body)
}

func setDomain(d *state.DiscoveryDomain, body map[string]any) *mgmtapi.Reply {
	if s, _ := body["status"].(string); s != "" {
		d.Status = s
	}
	if v, has := body["use_for_organization_discovery"]; has {
		d.Doc["use_for_organization_discovery"] = v
	}
	return nil
}
