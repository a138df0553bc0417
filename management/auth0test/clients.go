package auth0test

import (
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
)

func clientRoutes() []route {
	return []route{
		{method: "GET", pattern: "/clients", bucket: "read clients", handle: listClients},
		{method: "POST", pattern: "/clients", handle: createClient},
		{method: "GET", pattern: "/clients/{id}", bucket: "read clients", handle: readClient},
		{method: "PATCH", pattern: "/clients/{id}", handle: updateClient},
		{method: "DELETE", pattern: "/clients/{id}", handle: deleteClient},
		{method: "POST", pattern: "/clients/{id}/rotate-secret", handle: rotateSecret},
		{method: "GET", pattern: "/clients/{id}/connections", handle: clientConnections},
		{method: "GET", pattern: "/clients/{client_id}/credentials", handle: listCredentials},
		{method: "POST", pattern: "/clients/{client_id}/credentials", handle: createCredential},
		{method: "GET", pattern: "/clients/{client_id}/credentials/{credential_id}", handle: readCredential},
		{method: "PATCH", pattern: "/clients/{client_id}/credentials/{credential_id}", handle: updateCredential},
		{method: "DELETE", pattern: "/clients/{client_id}/credentials/{credential_id}", handle: deleteCredential},
	}
}

func (c *call) client(part string) (*client, *reply) {
	cl := c.t.clients.get(c.path(part))
	if cl == nil {
		return nil, notFound("The client does not exist", "inexistent_client")
	}
	return cl, nil
}

// clientView shows a client; its keys only to who may read them.
func (c *call) clientView(cl *client) map[string]any {
	m := clone(cl.doc)
	m["client_id"] = cl.id
	if c.token.may("read:client_keys") || c.r.Method == "POST" {
		m["client_secret"] = cl.secret
		m["signing_keys"] = []any{map[string]any{"cert": c.t.signingCertificate()}}
	}
	return m
}

// signingCertificate is the certificate of the current key, as PEM.
func (t *Tenant) signingCertificate() string {
	x5c, _ := t.keys.signer().jwk()["x5c"].([]string)
	if len(x5c) == 0 {
		return ""
	}
	der, err := base64.StdEncoding.DecodeString(x5c[0])
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func listClients(c *call) *reply {
	field, value, _ := strings.Cut(c.query.Get("q"), ":")
	rows := slices.DeleteFunc(c.t.clients.all(), func(cl *client) bool {
		appType := c.query.Get("app_type")
		return field != "" && !c.t.clientHas(cl, field, value) || appType != "" && cl.doc["app_type"] != appType || c.query.Get("is_global") == "true" ||
			c.query.Has("is_first_party") && (cl.doc["is_first_party"] == true) != c.flag("is_first_party")
	})
	view := func(cl *client) any { return c.fields(c.clientView(cl)) }
	if c.byCheckpoint() {
		where := func(cl *client) mark { return mark{cl.createdAt, cl.id} }
		return checkpoint(c, list[*client]{key: "clients", rows: rows, where: where, view: view})
	}
	return pageOf(c, "clients", beyondOther, rows, view)
}

// clientHas evaluates the two queries of which lists of clients know.
func (t *Tenant) clientHas(cl *client, field, value string) bool {
	return t.grants.find(func(g *clientGrant) bool {
		if g.clientID != cl.id {
			return false
		}
		switch field {
		case "client_grant.organization_id":
			o := t.orgs.get(value)
			return o != nil && slices.Contains(o.grants, g.id)
		case "client_grant.allow_any_organization":
			return plain(g.doc["allow_any_organization"]) == value
		}
		return false
	}) != nil
}

// completeClient adds what Auth0 sets by itself.
func completeClient(doc map[string]any) {
	switch doc["app_type"] {
	case "express_configuration":
		defaults(doc, map[string]any{
			"oidc_conformant": true, "grant_types": []any{"authorization_code", "client_credentials"},
			"callbacks": []any{"https://system-admin.okta.com/admin/app/generic/oauth20redirect"}, "organization_usage": "require",
			"organization_require_behavior": "pre_login_prompt", "jwt_configuration": map[string]any{"alg": "RS256"},
			"client_authentication_methods": map[string]any{"private_key_jwt": map[string]any{"credentials": []any{}}},
		})
	case "resource_server":
		defaults(doc, map[string]any{"oidc_conformant": true, "grant_types": []any{}, "jwt_configuration": map[string]any{"alg": "RS256"}})
	}
	defaults(doc, map[string]any{
		"is_first_party": true, "is_token_endpoint_ip_header_trusted": false, "oidc_conformant": false, "sso_disabled": false,
		"cross_origin_authentication": false, "custom_login_page_on": true,
		"grant_types":       []any{"authorization_code", "implicit", "refresh_token", "client_credentials"},
		"jwt_configuration": map[string]any{"lifetime_in_seconds": 36000},
	})
	jwt, _ := doc["jwt_configuration"].(map[string]any)
	jwt = clone(jwt)
	defaults(jwt, map[string]any{"secret_encoded": false})
	doc["jwt_configuration"] = jwt
	refresh, _ := doc["refresh_token"].(map[string]any)
	if refresh = clone(refresh); refresh == nil {
		refresh = map[string]any{}
	}
	endless := refresh["expiration_type"] != "expiring"
	defaults(refresh, map[string]any{
		"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0, "token_lifetime": 2592000,
		"infinite_token_lifetime": endless, "infinite_idle_token_lifetime": endless, "idle_token_lifetime": 1296000,
	})
	doc["refresh_token"] = refresh
	if logout, has := doc["oidc_logout"].(map[string]any); has && logout["backchannel_logout_urls"] != nil {
		doc["oidc_backchannel_logout"] = map[string]any{"backchannel_logout_urls": logout["backchannel_logout_urls"]}
	}
}

// checkProfile refuses a client of a user attribute profile that there is not.
func (c *call) checkProfile() *reply {
	id, _ := c.obj("my_organization_configuration")["user_attribute_profile_id"].(string)
	if id != "" && c.t.documents.of(userAttributeProfiles).get(id) == nil {
		return badRequest(userAttributeProfiles.missing, "")
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

func createClient(c *call) *reply {
	if bad := c.checkVault(); bad != nil {
		return bad
	}
	if bad := c.checkProfile(); bad != nil {
		return bad
	}
	cl := &client{id: randomID(32), secret: randomID(64), doc: clone(c.body), createdAt: c.now}
	delete(cl.doc, "client_secret")
	if s := c.str("client_secret"); s != "" {
		cl.secret = s
	}
	completeClient(cl.doc)
	if bad := cl.takeCredentials(c.now); bad != nil {
		return bad
	}
	if cl.doc["app_type"] == "resource_server" {
		a := c.t.apiOf(c.issuer(), c.str("resource_server_identifier"))
		if a == nil {
			return noAPI()
		}
		a.doc["client_id"] = cl.id
	}
	c.t.clients.put(cl.id, cl)
	if cl.doc["app_type"] == "express_configuration" {
		g := c.t.addGrant(cl.id, managementAudience, slices.Clone(expressScopes), c.now)
		g.doc["is_system"], g.doc["subject_type"] = true, "client"
	}
	view := c.clientView(cl)
	cl.hideCredentials()
	return created(view)
}

func readClient(c *call) *reply {
	cl, bad := c.client("id")
	if bad != nil {
		return bad
	}
	return ok(c.fields(c.clientView(cl)))
}

func updateClient(c *call) *reply {
	cl, bad := c.client("id")
	if bad != nil {
		return bad
	}
	if bad := c.checkVault(); bad != nil {
		return bad
	}
	for k, v := range c.body {
		switch {
		case k == "client_secret":
			cl.secret, _ = v.(string)
		case v == nil:
			delete(cl.doc, k)
		default:
			cl.doc[k] = v
		}
	}
	completeClient(cl.doc)
	return ok(c.clientView(cl))
}

// deleteClient is idempotent; the client's grants go with it.
func deleteClient(c *call) *reply {
	cl := c.t.clients.get(c.path("id"))
	if cl == nil {
		return noContent()
	}
	c.t.clients.delete(cl.id)
	for _, con := range c.t.connections.all() {
		con.clients = minus(con.clients, []string{cl.id})
	}
	for _, g := range c.t.grants.all() {
		if g.clientID == cl.id {
			c.t.grants.delete(g.id)
		}
	}
	return noContent()
}

func rotateSecret(c *call) *reply {
	cl, bad := c.client("id")
	if bad != nil {
		return bad
	}
	cl.secret = randomID(64)
	return ok(c.clientView(cl))
}

func clientConnections(c *call) *reply {
	cl, bad := c.client("id")
	if bad != nil {
		return bad
	}
	rows := slices.DeleteFunc(c.t.connections.all(), func(con *connection) bool {
		strategies := c.query["strategy"]
		return !slices.Contains(con.clients, cl.id) || len(strategies) > 0 && !slices.Contains(strategies, con.strategy)
	})
	where := func(con *connection) mark { return mark{con.createdAt, con.id} }
	view := func(con *connection) any {
		m := con.view()
		delete(m, "enabled_clients")
		return c.fields(m)
	}
	return checkpoint(c, list[*connection]{key: "connections", rows: rows, where: where, view: view})
}
