package apps

import (
	"cmp"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var grants = &mgmtapi.Resource[state.ClientGrant]{
	Path: "/client-grants", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.ClientGrant] { return &t.Grants }),
	Missing: mgmtapi.Text{Message: mgmtapi.NoGrant, Code: "inexistent_client_grant"},
	New:     newGrant,
	Set:     func(c *mgmtapi.Call, g *state.ClientGrant) *mgmtapi.Reply { setGrant(g, c.Body); return nil },
	Remove: func(c *mgmtapi.Call, g *state.ClientGrant) *mgmtapi.Reply {
		for _, o := range c.T.Orgs.All() {
			o.Grants = store.Minus(o.Grants, []string{g.ID})
		}
		return nil
	},
	View: mgmtapi.ViewGrant,
	Where: func(c *mgmtapi.Call, g *state.ClientGrant) bool {
		subject, _ := g.Doc["subject_type"].(string)
		return c.Asks("client_id", g.ClientID) && c.Asks("audience", state.AudienceUnder(c.Issuer(), g.Audience)) && c.Asks("subject_type", subject)
	},
	Page: mgmtapi.Envelope[*state.ClientGrant]{Key: "client_grants", Beyond: mgmtapi.BeyondOther, Mark: func(g *state.ClientGrant) store.Mark {
		return store.Mark{At: g.CreatedAt, ID: g.ID}
	}},
}

func ClientGrantRoutes() []mgmtapi.Route {
	return grants.Routes(mgmtapi.Route{Method: "GET", Pattern: "/client-grants/{id}/organizations", Handle: mgmtapi.Listing(grants.Find, mgmtapi.Organizations, organizationsOf, mgmtapi.ViewOrganization)})
}

func newGrant(c *mgmtapi.Call) (string, *state.ClientGrant, *mgmtapi.Reply) {
	cl := c.T.Clients.Get(c.Str("client_id"))
	a := c.T.APIOf(c.Issuer(), c.Str("audience"))
	switch {
	case cl == nil && c.Str("client_id") != "":
		return "", nil, clients.NotFound("")
	case a == nil:
		return "", nil, apis.NotFound("")
	case cl != nil && cl.Doc["app_type"] == "express_configuration" && a.Identifier != "urn:auth0:express-configure":
		return "", nil, mgmtapi.BadRequest("Client of type express_configuration cannot be used", "validation_error")
	}
	for _, s := range c.Strs("scope") {
		if mgmtapi.Scope(a, s) == nil {
			return "", nil, mgmtapi.BadRequest("The scope "+s+" does not exist in the resource server.", "invalid_body")
		}
	}
	subject := cmp.Or(c.Str("subject_type"), "client")
	if c.T.Grants.Find(func(g *state.ClientGrant) bool {
		return g.ClientID == c.Str("client_id") && g.Audience == a.Identifier && g.Doc["subject_type"] == subject
	}) != nil {
		return "", nil, mgmtapi.Conflict("A client grant for the client and the resource server already exists.", "")
	}
	g := c.T.AddGrant(c.Str("client_id"), a.Identifier, c.Strs("scope"), c.Now)
	setGrant(g, c.Body)
	g.Doc["subject_type"] = subject
	return g.ID, g, nil
}

func setGrant(g *state.ClientGrant, body map[string]any) {
	if scopes, said := body["scope"]; said {
		g.Scopes = store.StringsOf(scopes)
	}
	g.Doc = store.Patched(g.Doc, body)
	for _, k := range []string{"client_id", "audience", "scope"} {
		delete(g.Doc, k)
	}
}

func organizationsOf(c *mgmtapi.Call, g *state.ClientGrant) []*state.Organization {
	return slices.DeleteFunc(c.T.Orgs.All(), func(o *state.Organization) bool { return !slices.Contains(o.Grants, g.ID) })
}
