package auth0test

import "slices"

// maxOrgGrants is how many client grants an organization may have.
const maxOrgGrants = 100

func orgGrantRoutes() []route {
	const path = "/organizations/{id}/client-grants"
	return []route{
		{method: "GET", pattern: path, handle: listOrgGrants},
		{method: "POST", pattern: path, handle: addOrgGrant},
		{method: "DELETE", pattern: path + "/{grant_id}", handle: removeOrgGrant},
	}
}

func (g *clientGrant) view(issuer string) map[string]any {
	m := clone(g.doc)
	m["id"], m["client_id"], m["audience"] = g.id, g.clientID, audienceUnder(issuer, g.audience)
	m["scope"] = render(g.scopes, func(s string) any { return s })
	return m
}

func listOrgGrants(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	wanted := slices.Concat(c.query["grant_ids"], c.query["grant_ids[]"])
	var rows []*clientGrant
	for _, id := range o.grants {
		g := c.t.grants.get(id)
		if g == nil || len(wanted) > 0 && !slices.Contains(wanted, id) {
			continue
		}
		if a := c.query.Get("audience"); a != "" && a != audienceUnder(c.issuer(), g.audience) {
			continue
		}
		if cl := c.query.Get("client_id"); cl != "" && cl != g.clientID {
			continue
		}
		rows = append(rows, g)
	}
	return pageOf(c, "client_grants", beyondOther, rows, func(g *clientGrant) any { return g.view(c.issuer()) })
}

func addOrgGrant(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	g := c.t.grants.get(c.str("grant_id"))
	switch {
	case g == nil:
		return notFound("The grant does not exist.", "inexistent_client_grant")
	case slices.Contains(o.grants, g.id):
		return conflict("The client grant has already been added to this organization.", "")
	case len(o.grants) >= maxOrgGrants:
		return conflict("Quota exceeded; cannot add more than 100 client grants to a single organization", "")
	}
	o.grants = append(o.grants, g.id)
	view := map[string]any{
		"grant_id": g.id, "client_id": g.clientID, "audience": audienceUnder(c.issuer(), g.audience),
		"scope": render(g.scopes, func(s string) any { return s }),
	}
	for _, key := range []string{"organization_usage", "allow_any_organization"} {
		if v, has := g.doc[key]; has {
			view[key] = v
		}
	}
	return created(view)
}

func removeOrgGrant(c *call) *reply {
	o, bad := c.organization("id")
	if bad != nil {
		return bad
	}
	o.grants = minus(o.grants, []string{c.path("grant_id")})
	return noContent()
}
