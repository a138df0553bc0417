package apps

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func ClientGrantRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/client-grants", Handle: listGrants},
		{Method: "POST", Pattern: "/client-grants", Handle: createGrant},
		{Method: "GET", Pattern: "/client-grants/{id}", Handle: readGrant},
		{Method: "PATCH", Pattern: "/client-grants/{id}", Handle: updateGrant},
		{Method: "DELETE", Pattern: "/client-grants/{id}", Handle: deleteGrant},
		{Method: "GET", Pattern: "/client-grants/{id}/organizations", Handle: grantOrganizations},
	}
}

func grant(c *mgmtapi.Call) (*state.ClientGrant, *mgmtapi.Reply) {
	g := c.T.Grants.Get(c.Path("id"))
	if g == nil {
		return nil, mgmtapi.NotFound("The grant does not exist.", "inexistent_client_grant")
	}
	return g, nil
}

func listGrants(c *mgmtapi.Call) *mgmtapi.Reply {
	is := func(key, v string) bool { return c.Query.Get(key) == "" || c.Query.Get(key) == v }
	rows := slices.DeleteFunc(c.T.Grants.All(), func(g *state.ClientGrant) bool {
		subject, _ := g.Doc["subject_type"].(string)
		return !is("client_id", g.ClientID) || !is("audience", state.AudienceUnder(c.Issuer(), g.Audience)) || !is("subject_type", subject)
	})
	view := func(g *state.ClientGrant) any { return mgmtapi.ViewGrant(g, c.Issuer()) }
	if c.ByCheckpoint() {
		where := func(g *state.ClientGrant) store.Mark { return store.Mark{At: g.CreatedAt, ID: g.ID} }
		return mgmtapi.Checkpoint(c, mgmtapi.List[*state.ClientGrant]{Key: "client_grants", Rows: rows, Where: where, View: view})
	}
	return mgmtapi.PageOf(c, "client_grants", mgmtapi.BeyondOther, rows, view)
}

func createGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	cl := c.T.Clients.Get(c.Str("client_id"))
	a := c.T.APIOf(c.Issuer(), c.Str("audience"))
	switch {
	case cl == nil && c.Str("client_id") != "":
		return mgmtapi.NotFound("The client does not exist", "inexistent_client")
	case a == nil:
		return noAPI()
	case cl != nil && cl.Doc["app_type"] == "express_configuration" && a.Identifier != "urn:auth0:express-configure":
		return mgmtapi.BadRequest("Client of type express_configuration cannot be used", "validation_error")
	}
	for _, s := range c.Strs("scope") {
		if mgmtapi.Scope(a, s) == nil {
			return mgmtapi.BadRequest("The scope "+s+" does not exist in the resource server.", "invalid_body")
		}
	}
	subject := c.Str("subject_type")
	if subject == "" {
		subject = "client"
	}
	if c.T.Grants.Find(func(g *state.ClientGrant) bool {
		return g.ClientID == c.Str("client_id") && g.Audience == a.Identifier && g.Doc["subject_type"] == subject
	}) != nil {
		return mgmtapi.Conflict("A client grant for the client and the resource server already exists.", "")
	}
	g := c.T.AddGrant(c.Str("client_id"), a.Identifier, c.Strs("scope"), c.Now)
	setGrant(g, c.Body)
	g.Doc["subject_type"] = subject
	return mgmtapi.Created(mgmtapi.ViewGrant(g, c.Issuer()))
}

func setGrant(g *state.ClientGrant, body map[string]any) {
	for k, v := range body {
		switch {
		case k == "client_id" || k == "audience":
		case k == "scope":
			g.Scopes = store.StringsOf(v)
		case v == nil:
			delete(g.Doc, k)
		default:
			g.Doc[k] = v
		}
	}
}

func readGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := grant(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(mgmtapi.ViewGrant(g, c.Issuer()))
}

func updateGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := grant(c)
	if bad != nil {
		return bad
	}
	setGrant(g, c.Body)
	return mgmtapi.OK(mgmtapi.ViewGrant(g, c.Issuer()))
}

// deleteGrant is idempotent.
func deleteGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Grants.Delete(c.Path("id"))
	for _, o := range c.T.Orgs.All() {
		o.Grants = store.Minus(o.Grants, []string{c.Path("id")})
	}
	return mgmtapi.NoContent()
}

func grantOrganizations(c *mgmtapi.Call) *mgmtapi.Reply {
	g, bad := grant(c)
	if bad != nil {
		return bad
	}
	rows := slices.DeleteFunc(c.T.Orgs.All(), func(o *state.Organization) bool { return !slices.Contains(o.Grants, g.ID) })
	view := func(o *state.Organization) any { return mgmtapi.ViewOrganization(o) }
	if c.ByCheckpoint() {
		return mgmtapi.Checkpoint(c, mgmtapi.List[*state.Organization]{Key: "organizations", Rows: rows, Where: mgmtapi.MarkOrganization, View: view})
	}
	return mgmtapi.PageOf(c, "organizations", mgmtapi.BeyondOther, rows, view)
}
