package platform

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Rules and Hooks ended for all tenants on 18 November 2026; tenants created
// since 16 October 2023 never had them
// (https://auth0.com/docs/customize/rules). Their operations then answer as they
// do to a tenant without the feature, unless Options.RulesAndHooks is set. Nothing
// runs them in either case. The secrets of hooks and the configuration of rules are
// settings.

var (
	rules = mgmtapi.Document{
		Plain: true, NewID: func(*mgmtapi.Call) string { return store.NewID("rul") }, Unique: "name",
		Complete: func(c *mgmtapi.Call, doc map[string]any) {
			order := 0.0
			for _, d := range mgmtapi.DocumentsAt(c.T, "/rules").All() {
				n, _ := d.Doc["order"].(float64)
				order = max(order, n)
			}
			store.Defaults(doc, map[string]any{"enabled": true, "order": order + 1, "stage": "login_success"})
		},
	}.Resource(legacy("rules", mgmtapi.Text{Message: "The rule does not exist", Code: "inexistent_rule"},
		mgmtapi.Text{Message: "A rule with the same name already exists", Code: "rule_conflict"}, false))
	hooks = mgmtapi.Document{
		Plain: true, NewID: func(c *mgmtapi.Call) string { return store.NewULID(c.Now) },
		Initial:  map[string]any{"enabled": false, "dependencies": map[string]any{}},
		Complete: func(_ *mgmtapi.Call, doc map[string]any) { doc["name"] = kebab(doc["name"].(string)) },
	}.Resource(hookResource())
)

// legacy is a family of rules or hooks, narrowed by enabled and triggerId.
func legacy(key string, missing, taken mgmtapi.Text, strict bool) mgmtapi.Resource[*mgmtapi.Doc] {
	return mgmtapi.Resource[*mgmtapi.Doc]{
		Path: "/" + key, Missing: missing, Taken: taken, Strict: strict, Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: key},
		Where: func(c *mgmtapi.Call, d *mgmtapi.Doc) bool {
			trigger, _ := d.Doc["triggerId"].(string)
			return c.Asks("triggerId", trigger) && (!c.Query.Has("enabled") || d.Doc["enabled"] == c.Flag("enabled"))
		},
	}
}

func hookResource() mgmtapi.Resource[*mgmtapi.Doc] {
	r := legacy("hooks", mgmtapi.Text{Message: "Error: Hook does not exist", Code: "HookDoesNotExist"},
		mgmtapi.Text{Message: "A hook with the same name already exists", Code: "hook_conflict"}, true)
	r.Same = func(c *mgmtapi.Call, d *mgmtapi.Doc) bool {
		return c.Has("name") && d.Doc["name"] == kebab(c.Str("name"))
	}
	r.Remove = func(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
		delete(c.T.Settings, secretsOf(d))
		return nil
	}
	return r
}

func LegacyRoutes() []mgmtapi.Route {
	routes := slices.Concat(rules.Routes(), hooks.Routes([]mgmtapi.Route{
		{Method: "GET", Pattern: "/rules-configs", Handle: mgmtapi.Telling(mgmtapi.Any, listRuleConfigs)},
		{Method: "PUT", Pattern: "/rules-configs/{key}", Handle: setRuleConfig},
		{Method: "DELETE", Pattern: "/rules-configs/{key}", Handle: mgmtapi.Doing(mgmtapi.Any, func(c *mgmtapi.Call, t *state.Tenant) { delete(t.Settings[ruleConfigs], c.Path("key")) })},
		{Method: "GET", Pattern: "/hooks/{id}/secrets", Handle: mgmtapi.Telling(hooks.Find, readHookSecrets)},
		{Method: "POST", Pattern: "/hooks/{id}/secrets", Handle: mgmtapi.On(hooks.Find, setHookSecrets)},
		{Method: "PATCH", Pattern: "/hooks/{id}/secrets", Handle: mgmtapi.On(hooks.Find, setHookSecrets)},
		{Method: "DELETE", Pattern: "/hooks/{id}/secrets", Handle: mgmtapi.Doing(hooks.Find, deleteHookSecrets)},
	}...))
	for i := range routes {
		routes[i].Handle = whileLegacy(routes[i].Handle)
	}
	return routes
}

const ruleConfigs = "/rules-configs"

// whileLegacy refuses what a tenant of today does not have.
func whileLegacy(handle func(*mgmtapi.Call) *mgmtapi.Reply) func(*mgmtapi.Call) *mgmtapi.Reply {
	return func(c *mgmtapi.Call) *mgmtapi.Reply {
		if !c.T.Options.RulesAndHooks {
			return mgmtapi.Fail(http.StatusForbidden, "Insufficient privileges to use this deprecated feature", "")
		}
		return handle(c)
	}
}

func listRuleConfigs(_ *mgmtapi.Call, t *state.Tenant) []any {
	return store.Render(schema.SortedKeys(t.Settings[ruleConfigs]), func(k string) any { return map[string]any{"key": k} })
}

func setRuleConfig(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Settings[ruleConfigs] = store.MergedCopy(c.T.Settings[ruleConfigs], map[string]any{c.Path("key"): c.Body["value"]})
	return mgmtapi.OK(map[string]any{"key": c.Path("key"), "value": c.Body["value"]})
}

// kebab writes the name of a hook as Auth0 keeps it: "myHook 2" is "my-hook-2".
func kebab(name string) string {
	var b strings.Builder
	last, letters := rune(0), []rune(name)
	for i, r := range letters {
		if r == ' ' || r == '-' {
			last = 0
			continue
		}
		lowerNext := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		begins := last == 0 || unicode.IsDigit(last) != unicode.IsDigit(r) || unicode.IsUpper(r) && (unicode.IsLower(last) || lowerNext)
		if begins && b.Len() > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
		last = r
	}
	return b.String()
}

// secretsOf is the path of a hook's secrets.
func secretsOf(d *mgmtapi.Doc) string { return "/hooks/" + d.ID + "/secrets" }

func readHookSecrets(c *mgmtapi.Call, d *mgmtapi.Doc) any {
	shown := map[string]any{}
	for k := range c.T.Settings[secretsOf(d)] {
		shown[k] = "_VALUE_NOT_SHOWN_"
	}
	return shown
}

// setHookSecrets adds secrets, or changes those that are there.
func setHookSecrets(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
	old, add := c.T.Settings[secretsOf(d)], c.R.Method == http.MethodPost
	for k := range c.Body {
		switch _, has := old[k]; {
		case has && add:
			return mgmtapi.Conflict("Secret with the same name already exists", "hook_secret_conflict")
		case !has && !add:
			return mgmtapi.NotFound("Hook or secret not found", "")
		}
	}
	c.T.Settings[secretsOf(d)] = store.MergedCopy(old, c.Body)
	return mgmtapi.Created(mgmtapi.Nothing())
}

func deleteHookSecrets(c *mgmtapi.Call, d *mgmtapi.Doc) {
	for _, k := range store.StringsOf(any(c.List)) {
		delete(c.T.Settings[secretsOf(d)], k)
	}
}
