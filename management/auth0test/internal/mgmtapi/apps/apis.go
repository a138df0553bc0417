package apps

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var apis = &mgmtapi.Resource[*state.API]{
	Path: "/resource-servers", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.API] { return &t.APIs }),
	Missing: mgmtapi.Text{Message: "The resource server does not exist", Code: "inexistent_resource_server"},
	Also:    func(c *mgmtapi.Call, id string) *state.API { return c.T.APIOf(c.Issuer(), id) },
	Taken:   mgmtapi.Text{Message: "A resource server with the same identifier already exists."},
	Same: func(c *mgmtapi.Call, a *state.API) bool {
		return a == c.T.APIOf(c.Issuer(), c.Str("identifier"))
	},
	New: newAPI, Set: changeAPI, Remove: removeAPI,
	View: viewAPI,
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
	d := store.Document(store.MergedCopy(doc, c.Body))
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
	store.Defaults(a.Doc, schema.Doc("api"))
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

func viewAPI(c *mgmtapi.Call, a *state.API) map[string]any {
	m := store.Clone(a.Doc)
	m["id"], m["identifier"] = a.ID, state.AudienceUnder(c.Issuer(), a.Identifier)
	if len(a.Scopes) > 0 {
		m["scopes"] = store.Render(a.Scopes, func(s state.APIScope) any { return s })
	}
	return m
}

// system reports an API of Auth0's own.
func system(a *state.API) bool { return a.Doc["is_system"] == true }

// setAPI applies a request's body.
func setAPI(a *state.API, body map[string]any) {
	name := a.Doc["name"]
	a.Doc = store.Patched(a.Doc, body)
	if scopes, said := body["scopes"]; said {
		a.Scopes = readScopes(scopes)
	}
	if system(a) {
		a.Doc["name"] = name
	}
	if encryption, is := a.Doc["token_encryption"]; is {
		a.Doc["token_encryption"] = withoutPEM(encryption)
	}
	delete(a.Doc, "identifier")
	delete(a.Doc, "scopes")
	if a.Secret == "" { // For HS256; Auth0 shows none that it made itself.
		a.Secret = store.RandomID(32)
	}
}

// withoutPEM hides the key of a token encryption, which Auth0 does not return.
func withoutPEM(v any) any {
	m, _ := store.DeepCopy(v).(map[string]any)
	delete(store.Document(m).Sub("encryption_key"), "pem")
	return m
}

func readScopes(v any) []state.APIScope {
	var out []state.APIScope
	for _, m := range store.Objects(v) {
		d := store.Document(m)
		out = append(out, state.APIScope{Value: d.Text("value"), Description: d.Text("description")})
	}
	return out
}

// systemAPI is an API that Auth0 defines and a tenant switches on by creating it.
func systemAPI(issuer, identifier string) *state.API {
	if rest, own := strings.CutPrefix(identifier, issuer); own {
		identifier = "issuer:" + rest
	}
	return schema.Data[*state.API]("api " + identifier)
}
