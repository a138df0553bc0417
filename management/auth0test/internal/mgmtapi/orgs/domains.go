package orgs

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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
}.Resource(mgmtapi.Resource[mgmtapi.Doc]{
	Path: "/organizations/{id}/discovery-domains", Part: "discovery_domain_id",
	Table: func(c *mgmtapi.Call) (*store.Table[mgmtapi.Doc], *mgmtapi.Reply) {
		_, bad := organization("id")(c)
		return domainsOf(c), bad
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
func domainsOf(c *mgmtapi.Call) *store.Table[mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(c.T, "/organizations/"+c.Path("id")+"/discovery-domains")
}

func domainRoutes() []mgmtapi.Route {
	return domains.Routes(mgmtapi.Route{Method: "GET", Pattern: domains.Path + "/name/{discovery_domain}", Handle: mgmtapi.On(domains.By("discovery_domain"), domains.Show)})
}
