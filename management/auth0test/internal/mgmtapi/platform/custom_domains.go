package platform

import (
	"maps"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// customDomains are domains under which the tenant shall be reached. They never
// get verified here: there is no DNS to ask.
var customDomains = mgmtapi.Document{
	ID: "custom_domain_id", Plain: true, Initial: map[string]any{"tls_policy": "recommended"}, Merged: []string{"domain_metadata"},
	NewID: func(c *mgmtapi.Call) string {
		c.Body["domain"], c.Body["primary"] = strings.ToLower(c.Str("domain")), customDomainsOf(c.T).Len() == 0
		delete(c.Body, "verification_method")
		return store.NewID("cd")
	},
	Complete: func(c *mgmtapi.Call, doc map[string]any) {
		metadata, _ := doc["domain_metadata"].(map[string]any)
		dropNulls(c, metadata) // Null deletes a key.
		dropNulls(c, doc)
	},
	Show: showCustomDomain,
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path:    "/custom-domains",
	Missing: mgmtapi.Text{Message: "The custom domain {id} does not exist", Code: "inexistent_custom_domain"},
	Taken:   mgmtapi.Text{Message: "Custom domain already exists.", Code: "custom_domain_conflict"},
	Same:    func(c *mgmtapi.Call, d *mgmtapi.Doc) bool { return d.Doc["domain"] == strings.ToLower(c.Str("domain")) },
	Remove: func(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
		if d == byDefault(c.T) {
			return mgmtapi.Conflict("Cannot delete the default custom domain. Please set another domain as default before deleting this one.", "")
		}
		return nil
	},
	Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: "custom_domains", Form: mgmtapi.Whole, ID: func(d *mgmtapi.Doc) string { return d.ID }},
})

func customDomainsOf(t *state.Tenant) *store.Table[*mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(t, "/custom-domains")
}

// defaultDomain is the path of the setting that names the default one.
const defaultDomain = "/custom-domains/default"

// byDefault is the default one, nil for the tenant's own domain.
func byDefault(t *state.Tenant) *mgmtapi.Doc {
	return customDomainsOf(t).Get(store.Document(t.Settings[defaultDomain]).Text("id"))
}

func CustomDomainRoutes() []mgmtapi.Route {
	return customDomains.Routes([]mgmtapi.Route{
		{Method: "GET", Pattern: defaultDomain, Handle: readDefaultDomain},
		{Method: "PATCH", Pattern: defaultDomain, Handle: setDefaultDomain},
		{Method: "POST", Pattern: "/custom-domains/{id}/verify", Handle: mgmtapi.Telling(customDomains.Find, verifyCustomDomain)},
		{Method: "POST", Pattern: "/custom-domains/{id}/test", Handle: mgmtapi.On(customDomains.Find, testCustomDomain)},
	}...)
}

func showCustomDomain(c *mgmtapi.Call, d *mgmtapi.Doc, m map[string]any) {
	domain, _ := d.Doc["domain"].(string)
	method := map[string]any{"name": "CNAME", "domain": domain,
		"record": tenantName(c.T) + "-cd-" + strings.ToLower(strings.TrimPrefix(d.ID, "cd_")) + ".edge.tenants.us.auth0.com"}
	if m["type"] == "self_managed_certs" {
		method = map[string]any{"name": "TXT", "domain": "_cf-custom-hostname." + domain, "record": "auth0-domain-verification=" + d.ID}
	}
	maps.Copy(m, map[string]any{
		"is_default": d == byDefault(c.T), "status": "pending_verification",
		"verification": map[string]any{"methods": []any{method}}, "created_at": store.Stamp(d.CreatedAt),
	})
}

func testCustomDomain(*mgmtapi.Call, *mgmtapi.Doc) *mgmtapi.Reply {
	return mgmtapi.Conflict("The custom domain is not ready.", "custom_domain_not_ready")
}

// verifyCustomDomain finds no record, so that the domain goes on waiting.
func verifyCustomDomain(c *mgmtapi.Call, d *mgmtapi.Doc) any {
	m := customDomains.View(c, d)
	delete(m, "is_default")
	return m
}

func readDefaultDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	if d := byDefault(c.T); d != nil {
		return mgmtapi.OK(customDomains.View(c, d))
	}
	return mgmtapi.OK(map[string]any{"domain": c.T.Options.Domain})
}

func setDefaultDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	name := strings.ToLower(c.Str("domain"))
	d := customDomainsOf(c.T).Find(func(d *mgmtapi.Doc) bool { return d.Doc["domain"] == name })
	switch {
	case d != nil:
		c.T.Settings[defaultDomain] = map[string]any{"id": d.ID}
	case name == strings.ToLower(c.T.Options.Domain) || name == c.R.Host:
		delete(c.T.Settings, defaultDomain)
	default:
		return mgmtapi.BadRequest("The domain "+name+" is not a domain of the tenant.", "invalid_body")
	}
	return readDefaultDomain(c)
}
