package platform

import (
	"maps"
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
// runs them in either case.

// legacyDoc is a rule or a hook.
type legacyDoc struct {
	id      string
	doc     map[string]any
	secrets map[string]any // Of a hook.
}

type legacyStore struct {
	rules, hooks store.Table[legacyDoc]
	configs      map[string]any
}

func legacyOf(t *state.Tenant) *legacyStore { return state.Part(t, state.Zero[legacyStore]) }

func LegacyRoutes() []mgmtapi.Route {
	routes := []mgmtapi.Route{
		{Method: "GET", Pattern: "/rules", Handle: listRules},
		{Method: "POST", Pattern: "/rules", Handle: createRule},
		{Method: "GET", Pattern: "/rules/{id}", Handle: readRule},
		{Method: "PATCH", Pattern: "/rules/{id}", Handle: updateRule},
		{Method: "DELETE", Pattern: "/rules/{id}", Handle: deleteRule},
		{Method: "GET", Pattern: "/rules-configs", Handle: listRuleConfigs},
		{Method: "PUT", Pattern: "/rules-configs/{key}", Handle: setRuleConfig},
		{Method: "DELETE", Pattern: "/rules-configs/{key}", Handle: deleteRuleConfig},
		{Method: "GET", Pattern: "/hooks", Handle: listHooks},
		{Method: "POST", Pattern: "/hooks", Handle: createHook},
		{Method: "GET", Pattern: "/hooks/{id}", Handle: readHook},
		{Method: "PATCH", Pattern: "/hooks/{id}", Handle: updateHook},
		{Method: "DELETE", Pattern: "/hooks/{id}", Handle: deleteHook},
		{Method: "GET", Pattern: "/hooks/{id}/secrets", Handle: readHookSecrets},
		{Method: "POST", Pattern: "/hooks/{id}/secrets", Handle: addHookSecrets},
		{Method: "PATCH", Pattern: "/hooks/{id}/secrets", Handle: updateHookSecrets},
		{Method: "DELETE", Pattern: "/hooks/{id}/secrets", Handle: deleteHookSecrets},
	}
	for i := range routes {
		routes[i].Handle = whileLegacy(routes[i].Handle)
	}
	return routes
}

const (
	deprecatedFeature = "Insufficient privileges to use this deprecated feature"
	noRule            = "The rule does not exist"
	ruleExists        = "A rule with the same name already exists"
	noHook            = "Error: Hook does not exist"
	hookExists        = "A hook with the same name already exists"
	hiddenSecret      = "_VALUE_NOT_SHOWN_"
)

// whileLegacy refuses what a tenant of today does not have.
func whileLegacy(handle func(*mgmtapi.Call) *mgmtapi.Reply) func(*mgmtapi.Call) *mgmtapi.Reply {
	return func(c *mgmtapi.Call) *mgmtapi.Reply {
		if !c.T.Options.RulesAndHooks {
			return mgmtapi.Fail(http.StatusForbidden, deprecatedFeature, "")
		}
		return handle(c)
	}
}

func (d *legacyDoc) view() map[string]any {
	m := store.Clone(d.doc)
	m["id"] = d.id
	return m
}

// legacyPage lists rules or hooks, narrowed by enabled and triggerId.
func legacyPage(c *mgmtapi.Call, key string, rows []*legacyDoc) *mgmtapi.Reply {
	enabled, trigger := c.Query.Get("enabled"), c.Query.Get("triggerId")
	rows = slices.DeleteFunc(rows, func(d *legacyDoc) bool {
		return enabled != "" && d.doc["enabled"] != (enabled == "true") || trigger != "" && d.doc["triggerId"] != trigger
	})
	return mgmtapi.PageOf(c, key, "", rows, func(d *legacyDoc) any { return c.Fields(d.view()) })
}

func named(all *store.Table[legacyDoc], name any) *legacyDoc {
	return all.Find(func(d *legacyDoc) bool { return d.doc["name"] == name })
}

func listRules(c *mgmtapi.Call) *mgmtapi.Reply {
	return legacyPage(c, "rules", legacyOf(c.T).rules.All())
}

func rule(c *mgmtapi.Call) (*legacyDoc, *mgmtapi.Reply) {
	d := legacyOf(c.T).rules.Get(c.Path("id"))
	if d == nil {
		return nil, mgmtapi.NotFound(noRule, "inexistent_rule")
	}
	return d, nil
}

func createRule(c *mgmtapi.Call) *mgmtapi.Reply {
	all := &legacyOf(c.T).rules
	if named(all, c.Body["name"]) != nil {
		return mgmtapi.Conflict(ruleExists, "rule_conflict")
	}
	order := 0.0
	for _, d := range all.All() {
		n, _ := d.doc["order"].(float64)
		order = max(order, n)
	}
	d := &legacyDoc{id: store.NewID("rul"), doc: c.Body}
	store.Defaults(d.doc, map[string]any{"enabled": true, "order": order + 1, "stage": "login_success"})
	all.Put(d.id, d)
	return mgmtapi.Created(d.view())
}

func readRule(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := rule(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(c.Fields(d.view()))
}

func updateRule(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := rule(c)
	if bad != nil {
		return bad
	}
	if other := named(&legacyOf(c.T).rules, c.Body["name"]); c.Has("name") && other != nil && other != d {
		return mgmtapi.Conflict(ruleExists, "rule_conflict")
	}
	next := store.Clone(d.doc)
	maps.Copy(next, c.Body)
	d.doc = next
	return mgmtapi.OK(d.view())
}

func deleteRule(c *mgmtapi.Call) *mgmtapi.Reply {
	legacyOf(c.T).rules.Delete(c.Path("id"))
	return mgmtapi.NoContent()
}

func listRuleConfigs(c *mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(store.Render(schema.SortedKeys(legacyOf(c.T).configs), func(k string) any { return map[string]any{"key": k} }))
}

func setRuleConfig(c *mgmtapi.Call) *mgmtapi.Reply {
	if legacyOf(c.T).configs == nil {
		legacyOf(c.T).configs = make(map[string]any)
	}
	legacyOf(c.T).configs[c.Path("key")] = c.Body["value"]
	return mgmtapi.OK(map[string]any{"key": c.Path("key"), "value": c.Body["value"]})
}

func deleteRuleConfig(c *mgmtapi.Call) *mgmtapi.Reply {
	delete(legacyOf(c.T).configs, c.Path("key"))
	return mgmtapi.NoContent()
}

func listHooks(c *mgmtapi.Call) *mgmtapi.Reply {
	return legacyPage(c, "hooks", legacyOf(c.T).hooks.All())
}

func hook(c *mgmtapi.Call) (*legacyDoc, *mgmtapi.Reply) {
	d := legacyOf(c.T).hooks.Get(c.Path("id"))
	if d == nil {
		return nil, mgmtapi.NotFound(noHook, "HookDoesNotExist")
	}
	return d, nil
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

// nameHook writes the name in the request as it is kept, if it is free.
func nameHook(c *mgmtapi.Call, d *legacyDoc) *mgmtapi.Reply {
	if !c.Has("name") {
		return nil
	}
	c.Body["name"] = kebab(c.Str("name"))
	if other := named(&legacyOf(c.T).hooks, c.Body["name"]); other != nil && other != d {
		return mgmtapi.Conflict(hookExists, "hook_conflict")
	}
	return nil
}

func createHook(c *mgmtapi.Call) *mgmtapi.Reply {
	d := &legacyDoc{id: store.NewULID(c.Now), doc: c.Body, secrets: map[string]any{}}
	if bad := nameHook(c, d); bad != nil {
		return bad
	}
	store.Defaults(d.doc, map[string]any{"enabled": false, "dependencies": map[string]any{}})
	legacyOf(c.T).hooks.Put(d.id, d)
	return mgmtapi.Created(d.view())
}

func readHook(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := hook(c)
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(c.Fields(d.view()))
}

func updateHook(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := hook(c)
	if bad != nil {
		return bad
	}
	if bad := nameHook(c, d); bad != nil {
		return bad
	}
	next := store.Clone(d.doc)
	maps.Copy(next, c.Body)
	d.doc = next
	return mgmtapi.OK(d.view())
}

func deleteHook(c *mgmtapi.Call) *mgmtapi.Reply {
	if _, bad := hook(c); bad != nil {
		return bad
	}
	legacyOf(c.T).hooks.Delete(c.Path("id"))
	return mgmtapi.NoContent()
}

func readHookSecrets(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := hook(c)
	if bad != nil {
		return bad
	}
	shown := map[string]any{}
	for k := range d.secrets {
		shown[k] = hiddenSecret
	}
	return mgmtapi.OK(shown)
}

func addHookSecrets(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := hook(c)
	if bad != nil {
		return bad
	}
	for k := range c.Body {
		if _, has := d.secrets[k]; has {
			return mgmtapi.Conflict("Secret with the same name already exists", "hook_secret_conflict")
		}
	}
	maps.Copy(d.secrets, c.Body)
	return mgmtapi.Created(mgmtapi.Nothing())
}

func updateHookSecrets(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := hook(c)
	if bad != nil {
		return bad
	}
	for k := range c.Body {
		if _, has := d.secrets[k]; !has {
			return mgmtapi.NotFound("Hook or secret not found", "")
		}
	}
	maps.Copy(d.secrets, c.Body)
	return mgmtapi.Created(mgmtapi.Nothing())
}

func deleteHookSecrets(c *mgmtapi.Call) *mgmtapi.Reply {
	d, bad := hook(c)
	if bad != nil {
		return bad
	}
	for _, k := range store.StringsOf(any(c.List)) {
		delete(d.secrets, k)
	}
	return mgmtapi.NoContent()
}
