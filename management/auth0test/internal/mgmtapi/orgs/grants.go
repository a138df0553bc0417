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
		{Method: "GET", Pattern: path, Handle: mgmtapi.On(organization("id"), listOrgGrants)},
		{Method: "POST", Pattern: path, Handle: mgmtapi.On(organization("id"), addOrgGrant)},
		{Method: "DELETE", Pattern: path + "/{grant_id}", Handle: mgmtapi.On(organization("id"), removeOrgGrant)},
	}
}

func listOrgGrants(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	wanted := slices.Concat(c.Query["grant_ids"], c.Query["grant_ids[]"])
	rows := slices.DeleteFunc(c.T.Grants.All(), func(g *state.ClientGrant) bool {
		return !slices.Contains(o.Grants, g.ID) || len(wanted) > 0 && !slices.Contains(wanted, g.ID) ||
			!c.Asks("audience", state.AudienceUnder(c.Issuer(), g.Audience)) || !c.Asks("client_id", g.ClientID)
	})
	page := mgmtapi.Envelope[*state.ClientGrant]{Key: "client_grants", Beyond: mgmtapi.BeyondOther}
	return mgmtapi.List(c, page, rows, func(g *state.ClientGrant) any { return mgmtapi.ViewGrant(c, g) })
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

func removeOrgGrant(c *mgmtapi.Call, o *state.Organization) *mgmtapi.Reply {
	o.Grants = store.Minus(o.Grants, []string{c.Path("grant_id")})
	return mgmtapi.NoContent()
}
