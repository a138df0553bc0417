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
		{Method: "GET", Pattern: path, Handle: mgmtapi.Listing(organization("id"), mgmtapi.Envelope[*state.ClientGrant]{Key: "client_grants", Beyond: mgmtapi.BeyondOther}, grantsOf, mgmtapi.ViewGrant)},
		{Method: "POST", Pattern: path, Handle: mgmtapi.On(organization("id"), addOrgGrant)},
		{Method: "DELETE", Pattern: path + "/{grant_id}", Handle: mgmtapi.Doing(organization("id"), func(c *mgmtapi.Call, o *state.Organization) {
			o.Grants = store.Minus(o.Grants, []string{c.Path("grant_id")})
		})},
	}
}

func grantsOf(c *mgmtapi.Call, o *state.Organization) []*state.ClientGrant {
	wanted := slices.Concat(c.Query["grant_ids"], c.Query["grant_ids[]"])
	return slices.DeleteFunc(c.T.Grants.All(), func(g *state.ClientGrant) bool {
		return !slices.Contains(o.Grants, g.ID) || len(wanted) > 0 && !slices.Contains(wanted, g.ID) ||
			!c.Asks("audience", state.AudienceUnder(c.Issuer(), g.Audience)) || !c.Asks("client_id", g.ClientID)
	})
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
