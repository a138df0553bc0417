package auth0test

import (
	"maps"
	"strings"
	"time"
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
	table[customDomain]
	made      int
	byDefault string // The id of the default one; empty for the tenant's own domain.
}

func customDomainRoutes() []route {
	return []route{
		{method: "GET", pattern: "/custom-domains", handle: listCustomDomains},
		{method: "POST", pattern: "/custom-domains", handle: createCustomDomain},
		{method: "GET", pattern: "/custom-domains/default", handle: readDefaultDomain},
		{method: "PATCH", pattern: "/custom-domains/default", handle: setDefaultDomain},
		{method: "GET", pattern: "/custom-domains/{id}", handle: readCustomDomain},
		{method: "PATCH", pattern: "/custom-domains/{id}", handle: updateCustomDomain},
		{method: "DELETE", pattern: "/custom-domains/{id}", handle: deleteCustomDomain},
		{method: "POST", pattern: "/custom-domains/{id}/verify", handle: verifyCustomDomain},
		{method: "POST", pattern: "/custom-domains/{id}/test", handle: testCustomDomain},
	}
}

func (c *call) customDomain() (*customDomain, *reply) {
	d := c.t.domains.get(c.path("id"))
	if d == nil {
		return nil, notFound("The custom domain "+c.path("id")+" does not exist", "inexistent_custom_domain")
	}
	return d, nil
}

func (c *call) customDomainView(d *customDomain) map[string]any {
	m := clone(d.doc)
	method := map[string]any{"name": "CNAME", "domain": d.domain,
		"record": c.t.tenantName() + "-cd-" + strings.ToLower(strings.TrimPrefix(d.id, "cd_")) + ".edge.tenants.us.auth0.com"}
	if m["type"] == "self_managed_certs" {
		method = map[string]any{"name": "TXT", "domain": "_cf-custom-hostname." + d.domain, "record": "auth0-domain-verification=" + d.id}
	}
	maps.Copy(m, map[string]any{
		"custom_domain_id": d.id, "domain": d.domain, "primary": d.primary, "is_default": c.t.domains.byDefault == d.id,
		"status": "pending_verification", "verification": map[string]any{"methods": []any{method}}, "created_at": stamp(d.createdAt),
	})
	return m
}

func listCustomDomains(c *call) *reply {
	rows := c.t.domains.all()
	view := func(d *customDomain) any { return c.fields(c.customDomainView(d)) }
	if !c.byCheckpoint() {
		return ok(render(rows, view))
	}
	where := func(d *customDomain) mark { // In the order of creation, also within a millisecond.
		return mark{d.createdAt.Add(time.Duration(d.number%1000) * time.Microsecond), d.id}
	}
	return checkpoint(c, list[*customDomain]{key: "custom_domains", rows: rows, where: where, view: view})
}

func createCustomDomain(c *call) *reply {
	d := &customDomain{id: newID("cd"), domain: strings.ToLower(c.str("domain")), primary: c.t.domains.len() == 0, doc: c.body, createdAt: c.now}
	if c.t.domains.find(func(o *customDomain) bool { return o.domain == d.domain }) != nil {
		return conflict("Custom domain already exists.", "custom_domain_conflict")
	}
	delete(d.doc, "verification_method")
	defaults(d.doc, map[string]any{"tls_policy": "recommended"})
	c.t.domains.made++
	d.number = c.t.domains.made
	c.t.domains.put(d.id, d)
	return created(c.customDomainView(d))
}

func readCustomDomain(c *call) *reply {
	d, bad := c.customDomain()
	if bad != nil {
		return bad
	}
	return ok(c.customDomainView(d))
}

// updateCustomDomain merges the metadata, of which null deletes a key, and
// replaces the rest.
func updateCustomDomain(c *call) *reply {
	d, bad := c.customDomain()
	if bad != nil {
		return bad
	}
	next := mergedCopy(d.doc, c.body)
	old, _ := d.doc["domain_metadata"].(map[string]any)
	if more := c.obj("domain_metadata"); more != nil {
		metadata := mergedCopy(old, more)
		dropNulls(c, metadata)
		next["domain_metadata"] = metadata
	}
	dropNulls(c, next)
	d.doc = next
	return ok(c.customDomainView(d))
}

func deleteCustomDomain(c *call) *reply {
	if c.path("id") == c.t.domains.byDefault && c.t.domains.byDefault != "" {
		return conflict("Cannot delete the default custom domain. Please set another domain as default before deleting this one.", "")
	}
	c.t.domains.delete(c.path("id"))
	return noContent()
}

// verifyCustomDomain finds no record, so that the domain goes on waiting.
func verifyCustomDomain(c *call) *reply {
	d, bad := c.customDomain()
	if bad != nil {
		return bad
	}
	m := c.customDomainView(d)
	delete(m, "is_default")
	return ok(m)
}

func testCustomDomain(c *call) *reply {
	if _, bad := c.customDomain(); bad != nil {
		return bad
	}
	return conflict("The custom domain is not ready.", "custom_domain_not_ready")
}

func readDefaultDomain(c *call) *reply {
	if d := c.t.domains.get(c.t.domains.byDefault); d != nil {
		return ok(c.customDomainView(d))
	}
	return ok(map[string]any{"domain": c.t.opts.Domain})
}

func setDefaultDomain(c *call) *reply {
	name := strings.ToLower(c.str("domain"))
	d := c.t.domains.find(func(d *customDomain) bool { return d.domain == name })
	switch {
	case d != nil:
		c.t.domains.byDefault = d.id
	case name == strings.ToLower(c.t.opts.Domain) || name == c.r.Host:
		c.t.domains.byDefault = ""
	default:
		return badRequest("The domain "+name+" is not a domain of the tenant.", "invalid_body")
	}
	return readDefaultDomain(c)
}
