package auth0test

import (
	"encoding/base64"
	"strings"
)

// maxOrgDomains is how many discovery domains an organization may have.
const maxOrgDomains = 100

func domainRoutes() []route {
	const path = "/organizations/{id}/discovery-domains"
	return []route{
		{method: "GET", pattern: path, handle: listDomains},
		{method: "POST", pattern: path, handle: createDomain},
		{method: "GET", pattern: path + "/name/{discovery_domain}", handle: readDomain},
		{method: "GET", pattern: path + "/{discovery_domain_id}", handle: readDomain},
		{method: "PATCH", pattern: path + "/{discovery_domain_id}", handle: updateDomain},
		{method: "DELETE", pattern: path + "/{discovery_domain_id}", handle: deleteDomain},
	}
}

func (d *discoveryDomain) view() any {
	m := clone(d.doc)
	m["id"], m["domain"], m["status"] = d.id, d.domain, d.status
	return m
}

// listDomains pages with the id of the next row as its cursor, as recorded.
func listDomains(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	rows := o.domains.all()
	if from := c.query.Get("from"); from != "" {
		id, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(from, "="))
		at, known := o.domains.index[string(id)]
		if err != nil || !known {
			return badRequest(badCursor, "")
		}
		rows = nil
		for _, d := range o.domains.rows[at:] {
			if d != nil {
				rows = append(rows, d)
			}
		}
	}
	body := map[string]any{}
	if take := c.number("take", 50); len(rows) > take {
		body["next"] = base64.RawURLEncoding.EncodeToString([]byte(rows[take].id))
		rows = rows[:take]
	}
	body["domains"] = render(rows, (*discoveryDomain).view)
	return ok(body)
}

func createDomain(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	name := strings.ToLower(c.str("domain"))
	if o.domains.find(func(d *discoveryDomain) bool { return d.domain == name }) != nil {
		return conflict("An organization discovery domain with this domain is already registered to this organization.", "")
	}
	if o.domains.len() >= maxOrgDomains {
		return conflict("No more discovery domains can be added to this organization.", "")
	}
	d := &discoveryDomain{id: "ord_" + randomID(22), domain: name, status: "pending", createdAt: c.now, doc: map[string]any{
		"verification_host": "_ss-verification." + o.id + "." + name, "verification_txt": randomHex(32),
		"use_for_organization_discovery": true,
	}}
	d.set(c.body)
	o.domains.put(d.id, d)
	return created(d.view())
}

func (d *discoveryDomain) set(body map[string]any) {
	if s, _ := body["status"].(string); s != "" {
		d.status = s
	}
	if v, has := body["use_for_organization_discovery"]; has {
		d.doc["use_for_organization_discovery"] = v
	}
}

func (c *call) domain() (*organization, *discoveryDomain, *reply) {
	o, bad := c.organization("id")
	if bad != nil {
		return nil, nil, bad
	}
	d := o.domains.get(c.path("discovery_domain_id"))
	if name := c.path("discovery_domain"); name != "" {
		d = o.domains.find(func(d *discoveryDomain) bool { return d.domain == strings.ToLower(name) })
	}
	if d == nil {
		return nil, nil, notFound("No organization domain found by that id", "")
	}
	return o, d, nil
}

func readDomain(c *call) *reply {
	_, d, bad := c.domain()
	if bad != nil {
		return bad
	}
	return ok(d.view())
}

func updateDomain(c *call) *reply {
	_, d, bad := c.domain()
	if bad != nil {
		return bad
	}
	d.set(c.body)
	return ok(d.view())
}

func deleteDomain(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	o.domains.delete(c.path("discovery_domain_id"))
	return noContent()
}
