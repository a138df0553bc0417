package orgs

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxOrgGrants is how many client grants an organization may have.
const maxOrgGrants = 100

func orgGrantRoutes() []mgmtapi.Route {
	const path = "/organizations/{id}/client-grants"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: path, Handle: listOrgGrants},
		{Method: "POST", Pattern: path, Handle: addOrgGrant},
		{Method: "DELETE", Pattern: path + "/{grant_id}", Handle: removeOrgGrant},
	}
}

func listOrgGrants(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	wanted := slices.Concat(c.Query["grant_ids"], c.Query["grant_ids[]"])
	var rows []*state.ClientGrant
	for _, id := range o.Grants {
		g := c.T.Grants.Get(id)
		if g == nil || len(wanted) > 0 && !slices.Contains(wanted, id) {
			continue
		}
		if a := c.Query.Get("audience"); a != "" && a != state.AudienceUnder(c.Issuer(), g.Audience) {
			continue
		}
		if cl := c.Query.Get("client_id"); cl != "" && cl != g.ClientID {
			continue
		}
		rows = append(rows, g)
	}
	return mgmtapi.PageOf(c, "client_grants", mgmtapi.BeyondOther, rows, func(g *state.ClientGrant) any { return mgmtapi.ViewGrant(g, c.Issuer()) })
}

func addOrgGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	g := c.T.Grants.Get(c.Str("grant_id"))
	switch {
	case g == nil:
		return mgmtapi.NotFound("The grant does not exist.", "inexistent_client_grant")
	case slices.Contains(o.Grants, g.ID):
		return mgmtapi.Conflict("The client grant has already been added to this organization.", "")
	case len(o.Grants) >= maxOrgGrants:
		return mgmtapi.Conflict("Quota exceeded; cannot add more than 100 client grants to a single organization", "")
	}
	o.Grants = append(o.Grants, g.ID)
	view := map[string]any{
		"grant_id": g.ID, "client_id": g.ClientID, "audience": state.AudienceUnder(c.Issuer(), g.Audience),
		"scope": store.Render(g.Scopes, func(s string) any { return s }),
	}
	for _, key := range []string{"organization_usage", "allow_any_organization"} {
		if v, has := g.Doc[key]; has {
			view[key] = v
		}
	}
	return mgmtapi.Created(view)
}

func removeOrgGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := organization(c, "id")
	if bad != nil {
		return bad
	}
	o.Grants = store.Minus(o.Grants, []string{c.Path("grant_id")})
	return mgmtapi.NoContent()
}
