package auth0test

// rendering says how a screen is rendered (advanced customizations).
type rendering struct {
	prompt, screen string
	doc            map[string]any
}

func promptRoutes() []route {
	const one = "/prompts/{prompt}/screen/{screen}/rendering"
	return []route{
		{method: "GET", pattern: "/prompts/{prompt}/custom-text/{language}", handle: readCustomText},
		{method: "PUT", pattern: "/prompts/{prompt}/custom-text/{language}", handle: setCustomText},
		{method: "GET", pattern: "/prompts/{prompt}/partials", handle: readPartials},
		{method: "PUT", pattern: "/prompts/{prompt}/partials", handle: setPartials},
		{method: "GET", pattern: "/prompts/rendering", handle: listRenderings},
		{method: "PATCH", pattern: "/prompts/rendering", handle: updateRenderings},
		{method: "GET", pattern: one, handle: readRendering},
		{method: "PATCH", pattern: one, handle: updateRendering},
	}
}

func readCustomText(c *call) *reply {
	return ok(orEmpty(c.t.look.texts[c.path("prompt")+" "+c.path("language")]))
}

func setCustomText(c *call) *reply {
	if c.t.look.texts == nil {
		c.t.look.texts = make(map[string]map[string]any)
	}
	c.t.look.texts[c.path("prompt")+" "+c.path("language")] = c.body
	return ok(c.body)
}

func readPartials(c *call) *reply { return ok(orEmpty(c.t.look.partials[c.path("prompt")])) }

// setPartials replaces the partials of a prompt; a screen without any is left
// out.
func setPartials(c *call) *reply {
	for screen, v := range c.body {
		if parts, is := v.(map[string]any); is && len(parts) == 0 {
			delete(c.body, screen)
		}
	}
	if c.t.look.partials == nil {
		c.t.look.partials = make(map[string]map[string]any)
	}
	c.t.look.partials[c.path("prompt")] = c.body
	return ok(c.body)
}

func newRendering(prompt, screen string) *rendering {
	return &rendering{prompt: prompt, screen: screen, doc: map[string]any{
		"rendering_mode": "standard", "context_configuration": []any{}, "default_head_tags_disabled": false, "head_tags": []any{},
		"filters": nil, "use_page_template": false,
	}}
}

func (r *rendering) view() map[string]any {
	m := clone(r.doc)
	m["prompt"], m["screen"] = r.prompt, r.screen
	return m
}

// change replaces what a request names.
func (t *Tenant) changeRendering(prompt, screen string, changes map[string]any) {
	key := prompt + " " + screen
	r := t.look.renderings.get(key)
	if r == nil {
		r = newRendering(prompt, screen)
		t.look.renderings.put(key, r)
	}
	r.doc = mergedCopy(r.doc, changes)
}

// listRenderings lists the screens that were ever changed.
func listRenderings(c *call) *reply {
	var rows []*rendering
	for _, r := range c.t.look.renderings.all() {
		is := func(key string, v any) bool { return c.query.Get(key) == "" || c.query.Get(key) == v }
		if is("prompt", r.prompt) && is("screen", r.screen) && is("rendering_mode", r.doc["rendering_mode"]) {
			rows = append(rows, r)
		}
	}
	return pageOf(c, "configs", "", rows, func(r *rendering) any { return c.fields(r.view()) })
}

// updateRenderings changes several screens, or none.
func updateRenderings(c *call) *reply {
	configs, _ := c.body["configs"].([]any)
	for _, v := range configs {
		m, _ := v.(map[string]any)
		for _, name := range []string{"prompt", "screen"} {
			if s, _ := m[name].(string); s == "" {
				return badRequest("Payload validation error: 'Missing required property: "+name+"' on property configs.", "invalid_body")
			}
		}
	}
	for _, v := range configs {
		changes := clone(v.(map[string]any))
		prompt, screen := changes["prompt"].(string), changes["screen"].(string)
		delete(changes, "prompt")
		delete(changes, "screen")
		c.t.changeRendering(prompt, screen, changes)
	}
	return ok(map[string]any{"configs": configs})
}

func readRendering(c *call) *reply {
	r := c.t.look.renderings.get(c.path("prompt") + " " + c.path("screen"))
	if r == nil {
		r = newRendering(c.path("prompt"), c.path("screen"))
	}
	m := r.view()
	m["tenant"] = c.t.tenantName()
	return ok(m)
}

// updateRendering answers what the request said, as Auth0 does.
func updateRendering(c *call) *reply {
	c.t.changeRendering(c.path("prompt"), c.path("screen"), c.body)
	return ok(c.body)
}
