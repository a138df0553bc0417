package platform

import (
	"maps"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// customDomain is a domain under which the tenant shall be reached. It never
// gets verified here: there is no DNS to ask.
type customDomain struct {
	id, domain string
	number     int  // In the order of creation.
	primary    bool // The tenant's first one.
	doc        map[string]any
	createdAt  time.Time
}

// domainState holds the custom domains. The tenant's mutex guards it.
type domainState struct {
	store.Table[customDomain]
	made      int
	byDefault string // The id of the default one; empty for the tenant's own domain.
}

func domainsOf(t *state.Tenant) *domainState { return state.Part(t, state.Zero[domainState]) }

func CustomDomainRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/custom-domains", Handle: listCustomDomains},
		{Method: "POST", Pattern: "/custom-domains", Handle: createCustomDomain},
		{Method: "GET", Pattern: "/custom-domains/default", Handle: readDefaultDomain},
		{Method: "PATCH", Pattern: "/custom-domains/default", Handle: setDefaultDomain},
		{Method: "GET", Pattern: "/custom-domains/{id}", Handle: readCustomDomain},
		{Method: "PATCH", Pattern: "/custom-domains/{id}", Handle: updateCustomDomain},
		{Method: "DELETE", Pattern: "/custom-domains/{id}", Handle: deleteCustomDomain},
		{Method: "POST", Pattern: "/custom-domains/{id}/verify", Handle: verifyCustomDomain},
		{Method: "POST", Pattern: "/custom-domains/{id}/test", Handle: testCustomDomain},
	}
}

func findDomain(c *mgmtapi.Call) (*customDomain, *mgmtapi.Reply) {
	d := domainsOf(c.T).Get(c.Path("id"))
	if d == nil {
		return nil, mgmtapi.NotFound("The custom domain "+c.Path("id")+" does not exist", "inexistent_custom_domain")
	}
	return d, nil
}

func customDomainView(c *mgmtapi.Call, d *customDomain) map[string]any {
	m := store.Clone(d.doc)
	method := map[string]any{"name": "CNAME", "domain": d.domain,
		"record": tenantName(c.T) + "-cd-" + strings.ToLower(strings.TrimPrefix(d.id, "cd_")) + ".edge.tenants.us.auth0.com"}
	if m["type"] == "self_managed_certs" {
		method = map[string]any{"name": "TXT", "domain": "_cf-custom-hostname." + d.domain, "record": "auth0-domain-verification=" + d.id}
	}
	maps.Copy(m, map[string]any{
		"custom_domain_id": d.id, "domain": d.domain, "primary": d.primary, "is_default": domainsOf(c.T).byDefault == d.id,
		"status": "pending_verification", "verification": map[string]any{"methods": []any{method}}, "created_at": store.Stamp(d.createdAt),
	})
	return m
}

func listCustomDomains(c *mgmtapi.Call) *mgmtapi.Reply {
	rows := domainsOf(c.T).All()
	view := func(d *customDomain) any { return c.Fields(customDomainView(c, d)) }
	if !c.ByCheckpoint() {
		return mgmtapi.OK(store.Render(rows, view))
	}
	where := func(d *customDomain) store.Mark { // In the order of creation, also within a millisecond.
		return store.Mark{At: d.createdAt.Add(time.Duration(d.number%1000) * time.Microsecond), ID: d.id}
	}
	return mgmtapi.Checkpoint(c, mgmtapi.List[*customDomain]{Key: "custom_domains", Rows: rows, Where: where, View: view})
}

func createCustomDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	d := &customDomain{id: store.NewID("cd"), domain: strings.ToLower(c.Str("domain")), primary: domainsOf(c.T).Len() == 0, doc: c.Body, createdAt: c.Now}
	if domainsOf(c.T).Find(func(o *customDomain) bool { return o.domain == d.domain }) != nil {
		return mgmtapi.Conflict("Custom domain already exists.", "custom_domain_conflict")
	}
	delete(d.doc, "verification_method")
	store.Defaults(d.doc, map[string]any{"tls_policy": "recommended"})
	domainsOf(c.T).made++
	d.number = domainsOf(c.T).made
	domainsOf(c.T).Put(d.id, d)
	return mgmtapi.Created(customDomainView(c, d))
}

func readCustomDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := findDomain(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(customDomainView(c, d))
}

// updateCustomDomain merges the metadata, of which null deletes a key, and
// replaces the rest.
func updateCustomDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := findDomain(c)
	if bad != nil {
		return bad
	}
	next := store.MergedCopy(d.doc, c.Body)
	old, _ := d.doc["domain_metadata"].(map[string]any)
	if more := c.Obj("domain_metadata"); more != nil {
		metadata := store.MergedCopy(old, more)
		dropNulls(c, metadata)
		next["domain_metadata"] = metadata
	}
	dropNulls(c, next)
	d.doc = next
	return mgmtapi.OK(customDomainView(c, d))
}

func deleteCustomDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	if c.Path("id") == domainsOf(c.T).byDefault && domainsOf(c.T).byDefault != "" {
		return mgmtapi.Conflict("Cannot delete the default custom domain. Please set another domain as default before deleting this one.", "")
	}
	domainsOf(c.T).Delete(c.Path("id"))
	return mgmtapi.NoContent()
}

// verifyCustomDomain finds no record, so that the domain goes on waiting.
func verifyCustomDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := findDomain(c)
	if bad != nil {
		return bad
	}
	m := customDomainView(c, d)
	delete(m, "is_default")
	return mgmtapi.OK(m)
}

func testCustomDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	if _, bad := findDomain(c); bad != nil {
		return bad
	}
	return mgmtapi.Conflict("The custom domain is not ready.", "custom_domain_not_ready")
}

func readDefaultDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	if d := domainsOf(c.T).Get(domainsOf(c.T).byDefault); d != nil {
		return mgmtapi.OK(customDomainView(c, d))
	}
	return mgmtapi.OK(map[string]any{"domain": c.T.Options.Domain})
}

func setDefaultDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	name := strings.ToLower(c.Str("domain"))
	d := domainsOf(c.T).Find(func(d *customDomain) bool { return d.domain == name })
	switch {
	case d != nil:
		domainsOf(c.T).byDefault = d.id
	case name == strings.ToLower(c.T.Options.Domain) || name == c.R.Host:
		domainsOf(c.T).byDefault = ""
	default:
		return mgmtapi.BadRequest("The domain "+name+" is not a domain of the tenant.", "invalid_body")
	}
	return readDefaultDomain(c)
}
