package auth0test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
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
	rules, hooks table[legacyDoc]
	configs      map[string]any
}

func legacyRoutes() []route {
	routes := []route{
		{method: "GET", pattern: "/rules", handle: listRules},
		{method: "POST", pattern: "/rules", handle: createRule},
		{method: "GET", pattern: "/rules/{id}", handle: readRule},
		{method: "PATCH", pattern: "/rules/{id}", handle: updateRule},
		{method: "DELETE", pattern: "/rules/{id}", handle: deleteRule},
		{method: "GET", pattern: "/rules-configs", handle: listRuleConfigs},
		{method: "PUT", pattern: "/rules-configs/{key}", handle: setRuleConfig},
		{method: "DELETE", pattern: "/rules-configs/{key}", handle: deleteRuleConfig},
		{method: "GET", pattern: "/hooks", handle: listHooks},
		{method: "POST", pattern: "/hooks", handle: createHook},
		{method: "GET", pattern: "/hooks/{id}", handle: readHook},
		{method: "PATCH", pattern: "/hooks/{id}", handle: updateHook},
		{method: "DELETE", pattern: "/hooks/{id}", handle: deleteHook},
		{method: "GET", pattern: "/hooks/{id}/secrets", handle: readHookSecrets},
		{method: "POST", pattern: "/hooks/{id}/secrets", handle: addHookSecrets},
		{method: "PATCH", pattern: "/hooks/{id}/secrets", handle: updateHookSecrets},
		{method: "DELETE", pattern: "/hooks/{id}/secrets", handle: deleteHookSecrets},
	}
	for i := range routes {
		routes[i].handle = whileLegacy(routes[i].handle)
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
func whileLegacy(handle func(*call) *reply) func(*call) *reply {
	return func(c *call) *reply {
		if !c.t.opts.RulesAndHooks {
			return fail(http.StatusForbidden, deprecatedFeature, "")
		}
		return handle(c)
	}
}

func (d *legacyDoc) view() map[string]any {
	m := clone(d.doc)
	m["id"] = d.id
	return m
}

// legacyPage lists rules or hooks, narrowed by enabled and triggerId.
func legacyPage(c *call, key string, rows []*legacyDoc) *reply {
	enabled, trigger := c.query.Get("enabled"), c.query.Get("triggerId")
	rows = slices.DeleteFunc(rows, func(d *legacyDoc) bool {
		return enabled != "" && d.doc["enabled"] != (enabled == "true") || trigger != "" && d.doc["triggerId"] != trigger
	})
	return pageOf(c, key, "", rows, func(d *legacyDoc) any { return c.fields(d.view()) })
}

func named(all *table[legacyDoc], name any) *legacyDoc {
	return all.find(func(d *legacyDoc) bool { return d.doc["name"] == name })
}

func listRules(c *call) *reply { return legacyPage(c, "rules", c.t.legacy.rules.all()) }

func (c *call) rule() (*legacyDoc, *reply) {
	d := c.t.legacy.rules.get(c.path("id"))
	if d == nil {
		return nil, notFound(noRule, "inexistent_rule")
	}
	return d, nil
}

func createRule(c *call) *reply {
	all := &c.t.legacy.rules
	if named(all, c.body["name"]) != nil {
		return conflict(ruleExists, "rule_conflict")
	}
	order := 0.0
	for _, d := range all.all() {
		n, _ := d.doc["order"].(float64)
		order = max(order, n)
	}
	d := &legacyDoc{id: newID("rul"), doc: c.body}
	defaults(d.doc, map[string]any{"enabled": true, "order": order + 1, "stage": "login_success"})
	all.put(d.id, d)
	return created(d.view())
}

func readRule(c *call) *reply {
	d, bad := c.rule()
	if bad != nil {
		return bad
	}
	return ok(c.fields(d.view()))
}

func updateRule(c *call) *reply {
	d, bad := c.rule()
	if bad != nil {
		return bad
	}
	if other := named(&c.t.legacy.rules, c.body["name"]); c.has("name") && other != nil && other != d {
		return conflict(ruleExists, "rule_conflict")
	}
	next := clone(d.doc)
	maps.Copy(next, c.body)
	d.doc = next
	return ok(d.view())
}

func deleteRule(c *call) *reply {
	c.t.legacy.rules.delete(c.path("id"))
	return noContent()
}

func listRuleConfigs(c *call) *reply {
	return ok(render(sortedKeys(c.t.legacy.configs), func(k string) any { return map[string]any{"key": k} }))
}

func setRuleConfig(c *call) *reply {
	if c.t.legacy.configs == nil {
		c.t.legacy.configs = make(map[string]any)
	}
	c.t.legacy.configs[c.path("key")] = c.body["value"]
	return ok(map[string]any{"key": c.path("key"), "value": c.body["value"]})
}

func deleteRuleConfig(c *call) *reply {
	delete(c.t.legacy.configs, c.path("key"))
	return noContent()
}

func listHooks(c *call) *reply { return legacyPage(c, "hooks", c.t.legacy.hooks.all()) }

func (c *call) hook() (*legacyDoc, *reply) {
	d := c.t.legacy.hooks.get(c.path("id"))
	if d == nil {
		return nil, notFound(noHook, "HookDoesNotExist")
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
func (c *call) nameHook(d *legacyDoc) *reply {
	if !c.has("name") {
		return nil
	}
	c.body["name"] = kebab(c.str("name"))
	if other := named(&c.t.legacy.hooks, c.body["name"]); other != nil && other != d {
		return conflict(hookExists, "hook_conflict")
	}
	return nil
}

func createHook(c *call) *reply {
	d := &legacyDoc{id: newULID(c.now), doc: c.body, secrets: map[string]any{}}
	if bad := c.nameHook(d); bad != nil {
		return bad
	}
	defaults(d.doc, map[string]any{"enabled": false, "dependencies": map[string]any{}})
	c.t.legacy.hooks.put(d.id, d)
	return created(d.view())
}

func readHook(c *call) *reply {
	d, bad := c.hook()
	if bad != nil {
		return bad
	}
	return ok(c.fields(d.view()))
}

func updateHook(c *call) *reply {
	d, bad := c.hook()
	if bad != nil {
		return bad
	}
	if bad := c.nameHook(d); bad != nil {
		return bad
	}
	next := clone(d.doc)
	maps.Copy(next, c.body)
	d.doc = next
	return ok(d.view())
}

func deleteHook(c *call) *reply {
	if _, bad := c.hook(); bad != nil {
		return bad
	}
	c.t.legacy.hooks.delete(c.path("id"))
	return noContent()
}

func readHookSecrets(c *call) *reply {
	d, bad := c.hook()
	if bad != nil {
		return bad
	}
	shown := map[string]any{}
	for k := range d.secrets {
		shown[k] = hiddenSecret
	}
	return ok(shown)
}

func addHookSecrets(c *call) *reply {
	d, bad := c.hook()
	if bad != nil {
		return bad
	}
	for k := range c.body {
		if _, has := d.secrets[k]; has {
			return conflict("Secret with the same name already exists", "hook_secret_conflict")
		}
	}
	maps.Copy(d.secrets, c.body)
	return created(nothing())
}

func updateHookSecrets(c *call) *reply {
	d, bad := c.hook()
	if bad != nil {
		return bad
	}
	for k := range c.body {
		if _, has := d.secrets[k]; !has {
			return notFound("Hook or secret not found", "")
		}
	}
	maps.Copy(d.secrets, c.body)
	return created(nothing())
}

func deleteHookSecrets(c *call) *reply {
	d, bad := c.hook()
	if bad != nil {
		return bad
	}
	for _, k := range stringsOf(any(c.list)) {
		delete(d.secrets, k)
	}
	return noContent()
}
