package auth0test

import (
	"slices"
	"strings"
)

func resourceServerRoutes() []route {
	return []route{
		{method: "GET", pattern: "/resource-servers", handle: listAPIs},
		{method: "POST", pattern: "/resource-servers", handle: createAPI},
		{method: "GET", pattern: "/resource-servers/{id}", handle: readAPI},
		{method: "PATCH", pattern: "/resource-servers/{id}", handle: updateAPI},
		{method: "DELETE", pattern: "/resource-servers/{id}", handle: deleteAPI},
	}
}

func (a *api) view(issuer string) map[string]any {
	m := clone(a.doc)
	m["id"], m["identifier"] = a.id, audienceUnder(issuer, a.identifier)
	if len(a.scopes) > 0 {
		m["scopes"] = render(a.scopes, func(s apiScope) any { return s })
	}
	return m
}

// system reports an API of Auth0's own.
func (a *api) system() bool { return a.doc["is_system"] == true }

func apiDefaults() map[string]any {
	return map[string]any{
		"signing_alg": "RS256", "allow_offline_access": false, "token_lifetime": 86400, "token_lifetime_for_web": 7200,
		"skip_consent_for_verifiable_first_party_clients": false,
	}
}

func listAPIs(c *call) *reply {
	wanted := slices.Concat(c.query["identifiers"], c.query["identifiers[]"])
	rows := slices.DeleteFunc(c.t.apis.all(), func(a *api) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, audienceUnder(c.issuer(), a.identifier))
	})
	view := func(a *api) any { return c.fields(a.view(c.issuer())) }
	if c.byCheckpoint() {
		where := func(a *api) mark { return mark{a.createdAt, a.id} }
		return checkpoint(c, list[*api]{key: "resource_servers", rows: rows, where: where, view: view})
	}
	return pageOf(c, "resource_servers", beyondOther, rows, view)
}

// apiNamed returns the API of a path: by id, or by its identifier.
func (c *call) apiNamed() *api {
	if a := c.t.apis.get(c.path("id")); a != nil {
		return a
	}
	return c.t.apiOf(c.issuer(), c.path("id"))
}

func noAPI() *reply {
	return notFound("The resource server does not exist", "inexistent_resource_server")
}

func createAPI(c *call) *reply {
	identifier := c.str("identifier")
	if c.t.apiOf(c.issuer(), identifier) != nil {
		return conflict("A resource server with the same identifier already exists.", "")
	}
	a := &api{id: newUserID(c.now), identifier: identifier, doc: map[string]any{}, createdAt: c.now}
	if builtIn := systemAPI(c.issuer(), identifier); builtIn != nil {
		a.doc, a.scopes = builtIn.doc, builtIn.scopes
	}
	a.set(c.body)
	defaults(a.doc, apiDefaults())
	c.t.apis.put(a.id, a)
	return created(a.view(c.issuer()))
}

// set applies a request's body.
func (a *api) set(body map[string]any) {
	for k, v := range body {
		switch {
		case k == "identifier":
		case k == "name" && a.system():
		case k == "scopes":
			a.scopes = readScopes(v)
		case k == "token_encryption":
			a.doc[k] = withoutPEM(v)
		case v == nil:
			delete(a.doc, k)
		default:
			a.doc[k] = v
		}
	}
}

// withoutPEM hides the key of a token encryption, which Auth0 does not return.
func withoutPEM(v any) any {
	m, isObject := v.(map[string]any)
	if !isObject {
		return v
	}
	m = clone(m)
	if key, has := m["encryption_key"].(map[string]any); has {
		key = clone(key)
		delete(key, "pem")
		m["encryption_key"] = key
	}
	return m
}

func readScopes(v any) []apiScope {
	items, _ := v.([]any)
	var out []apiScope
	for _, item := range items {
		m, _ := item.(map[string]any)
		value, _ := m["value"].(string)
		description, _ := m["description"].(string)
		out = append(out, apiScope{value, description})
	}
	return out
}

// systemAPI is an API that Auth0 defines and a tenant switches on by creating it.
func systemAPI(issuer, identifier string) *api {
	switch identifier {
	case "urn:auth0:express-configure":
		return &api{
			scopes: []apiScope{
				{"express_configure:sso", "Ability to create SSO configurations"}, {"express_configure:scim", "Ability to create scim configurations"},
			},
			doc: map[string]any{
				"name": "Okta OIN Express Configuration API", "is_system": true, "enforce_policies": true, "token_lifetime": 300,
				"subject_type_authorization": map[string]any{"user": map[string]any{"policy": "allow_all"}, "client": map[string]any{"policy": "deny_all"}},
			},
		}
	case strings.TrimSuffix(issuer, "/") + "/me/":
		return &api{
			scopes: []apiScope{
				{"create:me:connected_accounts", "Create Connected Accounts"}, {"read:me:connected_accounts", "Read Connected Accounts"},
				{"delete:me:connected_accounts", "Delete Connected Accounts"},
			},
			doc: map[string]any{
				"name": "Auth0 My Account API", "is_system": true, "allow_offline_access": true, "token_lifetime": 600, "token_lifetime_for_web": 600,
				"skip_consent_for_verifiable_first_party_clients": true, "proof_of_possession": map[string]any{"mechanism": "dpop", "required": false},
				"subject_type_authorization": map[string]any{
					"user": map[string]any{"policy": "require_client_grant"}, "client": map[string]any{"policy": "deny_all"},
				},
			},
		}
	}
	return nil
}

func readAPI(c *call) *reply {
	a := c.apiNamed()
	if a == nil {
		return noAPI()
	}
	return ok(c.fields(a.view(c.issuer())))
}

func updateAPI(c *call) *reply {
	a := c.apiNamed()
	switch {
	case a == nil:
		return noAPI()
	case a.system() && (c.has("name") || c.has("scopes") || a.identifier == managementAudience):
		return badRequest("System resource servers cannot be patched.", "")
	}
	a.set(c.body)
	return ok(a.view(c.issuer()))
}

// deleteAPI is idempotent. Grants for the API go with it.
func deleteAPI(c *call) *reply {
	a := c.apiNamed()
	if a == nil {
		return noContent()
	}
	if a.identifier == managementAudience {
		return badRequest("System resource servers cannot be deleted.", "")
	}
	c.t.apis.delete(a.id)
	for _, g := range c.t.grants.all() {
		if g.audience == a.identifier {
			c.t.grants.delete(g.id)
		}
	}
	return noContent()
}
