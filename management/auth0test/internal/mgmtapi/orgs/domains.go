package orgs

import (
	"encoding/base64"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxOrgDomains is how many discovery domains an organization may have.
const maxOrgDomains = 100

func domainRoutes() []mgmtapi.Route {
	const path = "/organizations/{id}/discovery-domains"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: path, Handle: listDomains},
		{Method: "POST", Pattern: path, Handle: createDomain},
		{Method: "GET", Pattern: path + "/name/{discovery_domain}", Handle: readDomain},
		{Method: "GET", Pattern: path + "/{discovery_domain_id}", Handle: readDomain},
		{Method: "PATCH", Pattern: path + "/{discovery_domain_id}", Handle: updateDomain},
		{Method: "DELETE", Pattern: path + "/{discovery_domain_id}", Handle: deleteDomain},
	}
}

func viewDomain(d *state.DiscoveryDomain) any {
	m := store.Clone(d.Doc)
	m["id"], m["domain"], m["status"] = d.ID, d.Domain, d.Status
	return m
}

// listDomains pages with the id of the next row as its cursor, as recorded.
func listDomains(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	rows := o.Domains.All()
	if from := c.Query.Get("from"); from != "" {
		id, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(from, "="))
		at, known := o.Domains.Index[string(id)]
		if err != nil || !known {
			return mgmtapi.BadRequest(mgmtapi.BadCursor, "")
		}
		rows = nil
		for _, d := range o.Domains.Rows[at:] {
			if d != nil {
				rows = append(rows, d)
			}
		}
	}
	body := map[string]any{}
	if take := c.Number("take", 50); len(rows) > take {
		body["next"] = base64.RawURLEncoding.EncodeToString([]byte(rows[take].ID))
		rows = rows[:take]
	}
	body["domains"] = store.Render(rows, viewDomain)
	return mgmtapi.OK(body)
}

func createDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	name := strings.ToLower(c.Str("domain"))
	if o.Domains.Find(func(d *state.DiscoveryDomain) bool { return d.Domain == name }) != nil {
		return mgmtapi.Conflict("An organization discovery domain with this domain is already registered to this organization.", "")
	}
	if o.Domains.Len() >= maxOrgDomains {
		return mgmtapi.Conflict("No more discovery domains can be added to this organization.", "")
	}
	d := &state.DiscoveryDomain{ID: "ord_" + store.RandomID(22), Domain: name, Status: "pending", CreatedAt: c.Now, Doc: map[string]any{
		"verification_host": "_ss-verification." + o.ID + "." + name, "verification_txt": store.RandomHex(32),
		"use_for_organization_discovery": true,
	}}
	setDomain(d, c.Body)
	o.Domains.Put(d.ID, d)
	return mgmtapi.Created(viewDomain(d))
}

func setDomain(d *state.DiscoveryDomain, body map[string]any) {
	if s, _ := body["status"].(string); s != "" {
		d.Status = s
	}
	if v, has := body["use_for_organization_discovery"]; has {
		d.Doc["use_for_organization_discovery"] = v
	}
}

func domain(c *mgmtapi.Call) (*state.Organization, *state.DiscoveryDomain, *mgmtapi.Reply) {
	o, bad := organization(c, "id")
	if bad != nil {
		return nil, nil, bad
	}
	d := o.Domains.Get(c.Path("discovery_domain_id"))
	if name := c.Path("discovery_domain"); name != "" {
		d = o.Domains.Find(func(d *state.DiscoveryDomain) bool { return d.Domain == strings.ToLower(name) })
	}
	if d == nil {
		return nil, nil, mgmtapi.NotFound("No organization domain found by that id", "")
	}
	return o, d, nil
}

func readDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	_, d, bad := domain(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(viewDomain(d))
}

func updateDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	_, d, bad := domain(c)
	if bad != nil {
		return bad
	}
	setDomain(d, c.Body)
	return mgmtapi.OK(viewDomain(d))
}

func deleteDomain(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	o.Domains.Delete(c.Path("discovery_domain_id"))
	return mgmtapi.NoContent()
}
