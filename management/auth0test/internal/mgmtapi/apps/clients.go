package apps

import (
	"cmp"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var clients = &mgmtapi.Resource[state.Client]{
	Path: "/clients", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.Client] { return &t.Clients }),
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
		m["signing_keys"] = []any{map[string]any{"cert": signingCertificate(c.T)}}
	}
	return m
}

// signingCertificate is the certificate of the current key, as PEM.
func signingCertificate(t *state.Tenant) string {
	x5c, _ := t.Keys.Signer().JWK()["x5c"].([]string)
	if len(x5c) == 0 {
		return ""
	}
	der, err := base64.StdEncoding.DecodeString(x5c[0])
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
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
	switch doc["app_type"] {
	case "express_configuration":
		store.Defaults(doc, map[string]any{
			"oidc_conformant": true, "grant_types": []any{"authorization_code", "client_credentials"},
			"callbacks": []any{"https://system-admin.okta.com/admin/app/generic/oauth20redirect"}, "organization_usage": "require",
			"organization_require_behavior": "pre_login_prompt", "jwt_configuration": map[string]any{"alg": "RS256"},
			"client_authentication_methods": map[string]any{"private_key_jwt": map[string]any{"credentials": []any{}}},
		})
	case "resource_server":
		store.Defaults(doc, map[string]any{"oidc_conformant": true, "grant_types": []any{}, "jwt_configuration": map[string]any{"alg": "RS256"}})
	}
	store.Defaults(doc, map[string]any{
		"is_first_party": true, "is_token_endpoint_ip_header_trusted": false, "oidc_conformant": false, "sso_disabled": false,
		"cross_origin_authentication": false, "custom_login_page_on": true,
		"grant_types":       grantTypes(doc["app_type"]),
		"jwt_configuration": map[string]any{"lifetime_in_seconds": 36000},
	})
	jwt, _ := doc["jwt_configuration"].(map[string]any)
	jwt = store.Clone(jwt)
	store.Defaults(jwt, map[string]any{"secret_encoded": false})
	doc["jwt_configuration"] = jwt
	refresh, _ := doc["refresh_token"].(map[string]any)
	if refresh = store.Clone(refresh); refresh == nil {
		refresh = map[string]any{}
	}
	lifetime, idle := 2_592_000, 1_296_000
	if kind := doc["app_type"]; kind == "regular_web" || kind == "non_interactive" {
		lifetime, idle = 31_557_600, 2_592_000
	}
	endless := refresh["expiration_type"] != "expiring"
	store.Defaults(refresh, map[string]any{
		"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0, "token_lifetime": lifetime,
		"infinite_token_lifetime": endless, "infinite_idle_token_lifetime": endless, "idle_token_lifetime": idle,
	})
	doc["refresh_token"] = refresh
	if logout, has := doc["oidc_logout"].(map[string]any); has && logout["backchannel_logout_urls"] != nil {
		doc["oidc_backchannel_logout"] = map[string]any{"backchannel_logout_urls": logout["backchannel_logout_urls"]}
	}
}

// grantTypes are those of a new client, of which public ones have no secret.
func grantTypes(appType any) []any {
	public := []any{"authorization_code", "implicit", "refresh_token"}
	if appType == "spa" || appType == "native" {
		return public
	}
	return append(public, "client_credentials")
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

// expressScopes are those of the grant for the Management API that Auth0 makes
// with a client of the type express_configuration.
var expressScopes = []string{
	"read:clients", "read:user_attribute_profiles", "read:connection_profiles", "read:organizations_summary",
	"read:connections", "create:connections", "update:connections", "read:connections_options", "update:connections_options",
	"read:organization_connections", "create:organization_connections", "update:organization_connections",
	"create:scim_config", "read:scim_token", "create:scim_token", "delete:scim_token",
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
	if cl.Doc["app_type"] == "express_configuration" {
		g := c.T.AddGrant(cl.ID, state.ManagementAudience, slices.Clone(expressScopes), c.Now)
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
	for k, v := range c.Body {
		old, _ := cl.Doc[k].(map[string]any)
		more, _ := v.(map[string]any)
		switch {
		case k == "client_secret":
			cl.Secret, _ = v.(string)
		case v == nil:
			delete(cl.Doc, k)
		case k == "jwt_configuration":
			cl.Doc[k] = store.MergedCopy(old, more)
		default:
			cl.Doc[k] = v
		}
	}
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
