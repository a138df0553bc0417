package apps

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var clients = &mgmtapi.Resource[*state.Client]{
	Path: "/clients", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.Client] { return &t.Clients }),
	Missing: mgmtapi.Text{Message: "The client does not exist", Code: "inexistent_client"},
	New:     newClient, Told: newClientView, Set: changeClient, Remove: removeClient, View: clientView,
	Where: func(c *mgmtapi.Call, cl *state.Client) bool {
		field, value, _ := strings.Cut(c.Query.Get("q"), ":")
		appType, _ := cl.Doc["app_type"].(string)
		return (field == "" || clientHas(c.T, cl, field, value)) && c.Asks("app_type", appType) && c.Flag("is_global") == cl.Global &&
			(!c.Query.Has("is_first_party") || (cl.Doc["is_first_party"] == true) == c.Flag("is_first_party"))
	},
	Page: mgmtapi.Envelope[*state.Client]{Key: "clients", Beyond: mgmtapi.BeyondOther, Mark: func(cl *state.Client) store.Mark {
		return store.Mark{At: cl.CreatedAt, ID: cl.ID}
	}},
	Buckets: [3]string{"read clients", "read clients"},
}

func ClientRoutes() []mgmtapi.Route {
	return clients.Routes(append(credentials.Routes(),
		mgmtapi.Route{Method: "POST", Pattern: "/clients/{id}/rotate-secret", Handle: mgmtapi.On(clients.Find, rotateSecret)},
		mgmtapi.Route{Method: "GET", Pattern: "/clients/{id}/connections", Handle: mgmtapi.On(clients.Find, clientConnections)})...)
}

// clientView shows a client; its keys only to who may read them.
func clientView(c *mgmtapi.Call, cl *state.Client) map[string]any {
	m := store.Clone(cl.Doc)
	m["client_id"] = cl.ID
	if c.Token.May("read:client_keys") || c.R.Method == "POST" {
		m["client_secret"] = cl.Secret
		m["signing_keys"] = []any{map[string]any{"cert": c.T.Keys.Signer().PEM()}}
	}
	return m
}

// clientHas evaluates the two queries of which lists of clients know.
func clientHas(t *state.Tenant, cl *state.Client, field, value string) bool {
	return t.Grants.Find(func(g *state.ClientGrant) bool {
		if g.ClientID != cl.ID {
			return false
		}
		switch field {
		case "client_grant.organization_id":
			o := t.Orgs.Get(value)
			return o != nil && slices.Contains(o.Grants, g.ID)
		case "client_grant.allow_any_organization":
			return schema.Plain(g.Doc["allow_any_organization"]) == value
		}
		return false
	}) != nil
}

// completeClient adds what Auth0 sets by itself.
func completeClient(doc map[string]any) {
	d := store.Document(doc)
	kind := d.Text("app_type")
	store.Defaults(doc, schema.Doc("client "+kind))
	store.Defaults(doc, schema.Doc("client"))
	grants := schema.Data[[]any]("grant types")
	if kind != "spa" && kind != "native" { // Those have no secret.
		grants = append(grants, "client_credentials")
	}
	store.Defaults(doc, map[string]any{"grant_types": grants})
	doc["jwt_configuration"] = store.MergedCopy(map[string]any{"secret_encoded": false}, d.Sub("jwt_configuration"))
	lifetime, idle := 2_592_000, 1_296_000
	if kind == "regular_web" || kind == "non_interactive" {
		lifetime, idle = 31_557_600, 2_592_000
	}
	endless := d.Sub("refresh_token").Text("expiration_type") != "expiring"
	refresh := store.OrEmpty(store.Clone(d.Sub("refresh_token")))
	store.Defaults(refresh, map[string]any{
		"token_lifetime": lifetime, "idle_token_lifetime": idle, "infinite_token_lifetime": endless, "infinite_idle_token_lifetime": endless,
	})
	store.Defaults(refresh, schema.Doc("refresh token"))
	doc["refresh_token"] = refresh
	if urls := d.Sub("oidc_logout")["backchannel_logout_urls"]; urls != nil {
		doc["oidc_backchannel_logout"] = map[string]any{"backchannel_logout_urls": urls}
	}
}

// otherGrants are grant types of Auth0 that the tenant does not serve.
var otherGrants = []string{
	"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer",
	"urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
}

// checkGrants refuses grant types that there are not, and refresh tokens that
// rotate and live for ever.
func checkGrants(c *mgmtapi.Call) *mgmtapi.Reply {
	unknown := store.Minus(store.Minus(store.StringsOf(c.Body["grant_types"]), state.GrantTypes), otherGrants)
	if len(unknown) > 0 {
		return mgmtapi.BadRequest("Invalid grant types: "+strings.Join(unknown, ", "), "")
	}
	r := store.Document(c.Obj("refresh_token"))
	switch lifetime := r.Number("token_lifetime"); {
	case r.Text("rotation_type") == "rotating" && r.Text("expiration_type") == "non-expiring":
		return mgmtapi.BadRequest("refresh_token.expiration_type must be expiring when rotation_type is rotating", "")
	case lifetime > 0 && r.Number("idle_token_lifetime") > lifetime:
		return mgmtapi.BadRequest("refresh_token.idle_token_lifetime must not be greater than token_lifetime", "")
	}
	return nil
}

// checkProfile refuses a client of a user attribute profile that there is not.
func checkProfile(c *mgmtapi.Call) *mgmtapi.Reply {
	id, _ := c.Obj("my_organization_configuration")["user_attribute_profile_id"].(string)
	if id != "" && mgmtapi.DocumentsAt(c.T, "/user-attribute-profiles").Get(id) == nil {
		return mgmtapi.BadRequest(mgmtapi.NoAttributeProfile, "")
	}
	return nil
}

func newClient(c *mgmtapi.Call) (string, *state.Client, *mgmtapi.Reply) {
	if bad := cmp.Or(checkVault(c), checkProfile(c), checkGrants(c)); bad != nil {
		return "", nil, bad
	}
	cl := &state.Client{ID: store.RandomID(32), Secret: cmp.Or(c.Str("client_secret"), store.RandomID(64)), Doc: store.Clone(c.Body), CreatedAt: c.Now}
	delete(cl.Doc, "client_secret")
	completeClient(cl.Doc)
	if bad := takeCredentials(cl, c.Now); bad != nil {
		return "", nil, bad
	}
	if cl.Doc["app_type"] == "resource_server" {
		a := c.T.APIOf(c.Issuer(), c.Str("resource_server_identifier"))
		if a == nil {
			return "", nil, apis.NotFound("")
		}
		a.Doc["client_id"] = cl.ID
	}
	if cl.Doc["app_type"] == "express_configuration" { // With the grant that Auth0 makes for it.
		g := c.T.AddGrant(cl.ID, state.ManagementAudience, schema.Data[[]string]("express scopes"), c.Now)
		g.Doc["is_system"], g.Doc["subject_type"] = true, "client"
	}
	return cl.ID, cl, nil
}

// newClientView is the one answer that shows credentials.
func newClientView(c *mgmtapi.Call, cl *state.Client) map[string]any {
	view := clientView(c, cl)
	hideCredentials(cl)
	return view
}

func changeClient(c *mgmtapi.Call, cl *state.Client) *mgmtapi.Reply {
	if bad := cmp.Or(checkVault(c), checkGrants(c)); bad != nil {
		return bad
	}
	cl.Secret = cmp.Or(c.Str("client_secret"), cl.Secret)
	cl.Doc = store.Patched(cl.Doc, c.Body, "jwt_configuration")
	delete(cl.Doc, "client_secret")
	completeClient(cl.Doc)
	return nil
}

// removeClient lets the client's grants go with it.
func removeClient(c *mgmtapi.Call, cl *state.Client) *mgmtapi.Reply {
	for _, con := range c.T.Connections.All() {
		con.Clients = store.Minus(con.Clients, []string{cl.ID})
	}
	for _, g := range c.T.Grants.All() {
		if g.ClientID == cl.ID {
			c.T.Grants.Delete(g.ID)
		}
	}
	return nil
}

func rotateSecret(c *mgmtapi.Call, cl *state.Client) *mgmtapi.Reply {
	cl.Secret = store.RandomID(64)
	return mgmtapi.OK(clientView(c, cl))
}

func clientConnections(c *mgmtapi.Call, cl *state.Client) *mgmtapi.Reply {
	rows := slices.DeleteFunc(c.T.Connections.All(), func(con *state.Connection) bool {
		strategies := c.Query["strategy"]
		return !slices.Contains(con.Clients, cl.ID) || len(strategies) > 0 && !slices.Contains(strategies, con.Strategy)
	})
	page := connections.Page
	page.Form = mgmtapi.Cursor
	return mgmtapi.List(c, page, rows, func(con *state.Connection) any {
		m := viewConnection(c, con)
		delete(m, "enabled_clients")
		return c.Fields(m)
	})
}

// maxVaultScopes bounds the scopes of all grants together.
const maxVaultScopes = 20

// checkVault checks the grants of token_vault_privileged_access.
func checkVault(c *mgmtapi.Call) *mgmtapi.Reply {
	grants := store.Objects(c.Obj("token_vault_privileged_access")["grants"])
	scopes, seen := 0, map[any]bool{}
	for _, grant := range grants {
		if seen[grant["connection"]] {
			return mgmtapi.BadRequest("Connections in token_vault_privileged_access.grants must be unique.", "invalid_body")
		}
		seen[grant["connection"]] = true
		scopes += len(store.StringsOf(grant["scopes"]))
	}
	if scopes > maxVaultScopes {
		return mgmtapi.BadRequest("No more than 20 scopes are allowed in token_vault_privileged_access.grants.", "invalid_body")
	}
	return nil
}

var grants = &mgmtapi.Resource[*state.ClientGrant]{
	Path: "/client-grants", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.ClientGrant] { return &t.Grants }),
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
