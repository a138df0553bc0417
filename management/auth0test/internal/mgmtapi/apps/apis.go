package apps

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func ResourceServerRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/resource-servers", Handle: listAPIs},
		{Method: "POST", Pattern: "/resource-servers", Handle: createAPI},
		{Method: "GET", Pattern: "/resource-servers/{id}", Handle: readAPI},
		{Method: "PATCH", Pattern: "/resource-servers/{id}", Handle: updateAPI},
		{Method: "DELETE", Pattern: "/resource-servers/{id}", Handle: deleteAPI},
	}
}

func viewAPI(a *state.API, issuer string) map[string]any {
	m := store.Clone(a.Doc)
	m["id"], m["identifier"] = a.ID, state.AudienceUnder(issuer, a.Identifier)
	if len(a.Scopes) > 0 {
		m["scopes"] = store.Render(a.Scopes, func(s state.APIScope) any { return s })
	}
	return m
}

// system reports an API of Auth0's own.
func system(a *state.API) bool { return a.Doc["is_system"] == true }

func listAPIs(c *mgmtapi.Call) *mgmtapi.Reply {
	wanted := slices.Concat(c.Query["identifiers"], c.Query["identifiers[]"])
	rows := slices.DeleteFunc(c.T.APIs.All(), func(a *state.API) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, state.AudienceUnder(c.Issuer(), a.Identifier))
	})
	view := func(a *state.API) any { return c.Fields(viewAPI(a, c.Issuer())) }
	if c.ByCheckpoint() {
		where := func(a *state.API) store.Mark { return store.Mark{At: a.CreatedAt, ID: a.ID} }
		return mgmtapi.Checkpoint(c, mgmtapi.List[*state.API]{Key: "resource_servers", Rows: rows, Where: where, View: view})
	}
	return mgmtapi.PageOf(c, "resource_servers", mgmtapi.BeyondOther, rows, view)
}

// apiNamed returns the API of a path: by id, or by its identifier.
func apiNamed(c *mgmtapi.Call) *state.API {
	if a := c.T.APIs.Get(c.Path("id")); a != nil {
		return a
	}
	return c.T.APIOf(c.Issuer(), c.Path("id"))
}

func noAPI() *mgmtapi.Reply {
	return mgmtapi.NotFound("The resource server does not exist", "inexistent_resource_server")
}

func createAPI(c *mgmtapi.Call) *mgmtapi.Reply {
	identifier := c.Str("identifier")
	if c.T.APIOf(c.Issuer(), identifier) != nil {
		return mgmtapi.Conflict("A resource server with the same identifier already exists.", "")
	}
	a := &state.API{ID: store.NewUserID(c.Now), Identifier: identifier, Doc: map[string]any{}, CreatedAt: c.Now}
	if builtIn := systemAPI(c.Issuer(), identifier); builtIn != nil {
		a.Doc, a.Scopes = builtIn.Doc, builtIn.Scopes
	}
	setAPI(a, c.Body)
	store.Defaults(a.Doc, state.APIDefaults())
	c.T.APIs.Put(a.ID, a)
	return mgmtapi.Created(viewAPI(a, c.Issuer()))
}

// setAPI applies a request's body.
func setAPI(a *state.API, body map[string]any) {
	for k, v := range body {
		switch {
		case k == "identifier":
		case k == "name" && system(a):
		case k == "scopes":
			a.Scopes = readScopes(v)
		case k == "token_encryption":
			a.Doc[k] = withoutPEM(v)
		case v == nil:
			delete(a.Doc, k)
		default:
			a.Doc[k] = v
		}
	}
}

// withoutPEM hides the key of a token encryption, which Auth0 does not return.
func withoutPEM(v any) any {
	m, isObject := v.(map[string]any)
	if !isObject {
		return v
	}
	m = store.Clone(m)
	if key, has := m["encryption_key"].(map[string]any); has {
		key = store.Clone(key)
		delete(key, "pem")
		m["encryption_key"] = key
	}
	return m
}

func readScopes(v any) []state.APIScope {
	items, _ := v.([]any)
	var out []state.APIScope
	for _, item := range items {
		m, _ := item.(map[string]any)
		value, _ := m["value"].(string)
		description, _ := m["description"].(string)
		out = append(out, state.APIScope{Value: value, Description: description})
	}
	return out
}

// systemAPI is an API that Auth0 defines and a tenant switches on by creating it.
func systemAPI(issuer, identifier string) *state.API {
	switch identifier {
	case "urn:auth0:express-configure":
		return &state.API{
			Scopes: []state.APIScope{
				{Value: "express_configure:sso", Description: "Ability to create SSO configurations"}, {Value: "express_configure:scim", Description: "Ability to create scim configurations"},
			},
			Doc: map[string]any{
				"name": "Okta OIN Express Configuration API", "is_system": true, "enforce_policies": true, "token_lifetime": 300,
				"subject_type_authorization": map[string]any{"user": map[string]any{"policy": "allow_all"}, "client": map[string]any{"policy": "deny_all"}},
			},
		}
	case strings.TrimSuffix(issuer, "/") + "/me/":
		return &state.API{
			Scopes: []state.APIScope{
				{Value: "create:me:connected_accounts", Description: "Create Connected Accounts"}, {Value: "read:me:connected_accounts", Description: "Read Connected Accounts"},
				{Value: "delete:me:connected_accounts", Description: "Delete Connected Accounts"},
			},
			Doc: map[string]any{
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

func readAPI(c *mgmtapi.Call) *mgmtapi.Reply {
	a := apiNamed(c)
	if a == nil {
		return noAPI()
	}
	return mgmtapi.OK(c.Fields(viewAPI(a, c.Issuer())))
}

func updateAPI(c *mgmtapi.Call) *mgmtapi.Reply {
	a := apiNamed(c)
	switch {
	case a == nil:
		return noAPI()
	case system(a) && (c.Has("name") || c.Has("scopes") || a.Identifier == state.ManagementAudience):
		return mgmtapi.BadRequest("System resource servers cannot be patched.", "")
	}
	setAPI(a, c.Body)
	return mgmtapi.OK(viewAPI(a, c.Issuer()))
}

// deleteAPI is idempotent. Grants for the API go with it.
func deleteAPI(c *mgmtapi.Call) *mgmtapi.Reply {
	a := apiNamed(c)
	if a == nil {
		return mgmtapi.NoContent()
	}
	if a.Identifier == state.ManagementAudience {
		return mgmtapi.BadRequest("System resource servers cannot be deleted.", "")
	}
	c.T.APIs.Delete(a.ID)
	for _, g := range c.T.Grants.All() {
		if g.Audience == a.Identifier {
			c.T.Grants.Delete(g.ID)
		}
	}
	return mgmtapi.NoContent()
}
