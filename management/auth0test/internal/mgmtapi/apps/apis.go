package apps

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var apis = &mgmtapi.Resource[state.API]{
	Path: "/resource-servers", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[state.API] { return &t.APIs }),
	Missing: mgmtapi.Text{Message: "The resource server does not exist", Code: "inexistent_resource_server"},
	Also:    func(c *mgmtapi.Call, id string) *state.API { return c.T.APIOf(c.Issuer(), id) },
	Taken:   mgmtapi.Text{Message: "A resource server with the same identifier already exists."},
	Same: func(c *mgmtapi.Call, a *state.API) bool {
		return a == c.T.APIOf(c.Issuer(), c.Str("identifier"))
	},
	New: newAPI, Set: changeAPI, Remove: removeAPI,
	View: func(c *mgmtapi.Call, a *state.API) map[string]any { return viewAPI(a, c.Issuer()) },
	Where: func(c *mgmtapi.Call, a *state.API) bool {
		wanted := slices.Concat(c.Query["identifiers"], c.Query["identifiers[]"])
		return len(wanted) == 0 || slices.Contains(wanted, state.AudienceUnder(c.Issuer(), a.Identifier))
	},
	Page: mgmtapi.Envelope[*state.API]{Key: "resource_servers", Beyond: mgmtapi.BeyondOther, Mark: func(a *state.API) store.Mark {
		return store.Mark{At: a.CreatedAt, ID: a.ID}
	}},
}

func ResourceServerRoutes() []mgmtapi.Route { return apis.Routes() }

// lifetimes refuses tokens of browsers that would live longer than others.
func lifetimes(c *mgmtapi.Call, doc map[string]any) *mgmtapi.Reply {
	doc = store.MergedCopy(doc, c.Body)
	d := store.Document(doc)
	if all := d.Number("token_lifetime"); c.Has("token_lifetime_for_web") && all > 0 && d.Number("token_lifetime_for_web") > all {
		return mgmtapi.BadRequest("token_lifetime_for_web must not be greater than token_lifetime", "invalid_body")
	}
	return nil
}

func newAPI(c *mgmtapi.Call) (string, *state.API, *mgmtapi.Reply) {
	if bad := lifetimes(c, nil); bad != nil {
		return "", nil, bad
	}
	a := &state.API{ID: store.NewUserID(c.Now), Identifier: c.Str("identifier"), Doc: map[string]any{}, CreatedAt: c.Now}
	if builtIn := systemAPI(c.Issuer(), a.Identifier); builtIn != nil {
		a.Doc, a.Scopes = builtIn.Doc, builtIn.Scopes
	}
	setAPI(a, c.Body)
	store.Defaults(a.Doc, state.APIDefaults())
	return a.ID, a, nil
}

func changeAPI(c *mgmtapi.Call, a *state.API) *mgmtapi.Reply {
	if system(a) && (c.Has("name") || c.Has("scopes") || a.Identifier == state.ManagementAudience) {
		return mgmtapi.BadRequest("System resource servers cannot be patched.", "")
	}
	if bad := lifetimes(c, a.Doc); bad != nil {
		return bad
	}
	setAPI(a, c.Body)
	return nil
}

// removeAPI lets the grants for the API go with it.
func removeAPI(c *mgmtapi.Call, a *state.API) *mgmtapi.Reply {
	if a.Identifier == state.ManagementAudience {
		return mgmtapi.BadRequest("System resource servers cannot be deleted.", "")
	}
	for _, g := range c.T.Grants.All() {
		if g.Audience == a.Identifier {
			c.T.Grants.Delete(g.ID)
		}
	}
	return nil
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

// setAPI applies a request's body.
func setAPI(a *state.API, body map[string]any) {
	for k, v := range body {
		switch {
		case k == "identifier":
		case k == "name" && system(a):
		case k == "scopes":
			a.Scopes = readScopes(v)
		case v == nil:
			delete(a.Doc, k)
		case k == "token_encryption":
			a.Doc[k] = withoutPEM(v)
		default:
			a.Doc[k] = v
		}
	}
	if a.Secret == "" { // For HS256; Auth0 shows none that it made itself.
		a.Secret = store.RandomID(32)
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
