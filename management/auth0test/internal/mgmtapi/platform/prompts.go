package platform

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// rendering says how a screen is rendered (advanced customizations).
type rendering struct {
	prompt, screen string
	doc            map[string]any
}

func PromptRoutes() []mgmtapi.Route {
	const one = "/prompts/{prompt}/screen/{screen}/rendering"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/prompts/{prompt}/custom-text/{language}", Handle: readCustomText},
		{Method: "PUT", Pattern: "/prompts/{prompt}/custom-text/{language}", Handle: setCustomText},
		{Method: "GET", Pattern: "/prompts/{prompt}/partials", Handle: readPartials},
		{Method: "PUT", Pattern: "/prompts/{prompt}/partials", Handle: setPartials},
		{Method: "GET", Pattern: "/prompts/rendering", Handle: listRenderings},
		{Method: "PATCH", Pattern: "/prompts/rendering", Handle: updateRenderings},
		{Method: "GET", Pattern: one, Handle: readRendering},
		{Method: "PATCH", Pattern: one, Handle: updateRendering},
	}
}

func readCustomText(c *mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(store.OrEmpty(lookOf(c.T).texts[c.Path("prompt")+" "+c.Path("language")]))
}

func setCustomText(c *mgmtapi.Call) *mgmtapi.Reply {
	if lookOf(c.T).texts == nil {
		lookOf(c.T).texts = make(map[string]map[string]any)
	}
	lookOf(c.T).texts[c.Path("prompt")+" "+c.Path("language")] = c.Body
	return mgmtapi.OK(c.Body)
}

func readPartials(c *mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(store.OrEmpty(lookOf(c.T).partials[c.Path("prompt")]))
}

// setPartials replaces the partials of a prompt; a screen without any is left
// out.
func setPartials(c *mgmtapi.Call) *mgmtapi.Reply {
	for screen, v := range c.Body {
		if parts, is := v.(map[string]any); is && len(parts) == 0 {
			delete(c.Body, screen)
		}
	}
	if lookOf(c.T).partials == nil {
		lookOf(c.T).partials = make(map[string]map[string]any)
	}
	lookOf(c.T).partials[c.Path("prompt")] = c.Body
	return mgmtapi.OK(c.Body)
}

func newRendering(prompt, screen string) *rendering {
	return &rendering{prompt: prompt, screen: screen, doc: map[string]any{
		"rendering_mode": "standard", "context_configuration": []any{}, "default_head_tags_disabled": false, "head_tags": []any{},
		"filters": nil, "use_page_template": false,
	}}
}

func (r *rendering) view() map[string]any {
	m := store.Clone(r.doc)
	m["prompt"], m["screen"] = r.prompt, r.screen
	return m
}

// change replaces what a request names.
func changeRendering(t *state.Tenant, prompt, screen string, changes map[string]any) {
	key := prompt + " " + screen
	r := lookOf(t).renderings.Get(key)
	if r == nil {
		r = newRendering(prompt, screen)
		lookOf(t).renderings.Put(key, r)
	}
	r.doc = store.MergedCopy(r.doc, changes)
}

// listRenderings lists the screens that were ever changed.
func listRenderings(c *mgmtapi.Call) *mgmtapi.Reply {
	var rows []*rendering
	for _, r := range lookOf(c.T).renderings.All() {
		is := func(key string, v any) bool { return c.Query.Get(key) == "" || c.Query.Get(key) == v }
		if is("prompt", r.prompt) && is("screen", r.screen) && is("rendering_mode", r.doc["rendering_mode"]) {
			rows = append(rows, r)
		}
	}
	return mgmtapi.List(c, mgmtapi.Envelope[*rendering]{Key: "configs"}, rows, func(r *rendering) any { return c.Fields(r.view()) })
}

// updateRenderings changes several screens, or none.
func updateRenderings(c *mgmtapi.Call) *mgmtapi.Reply {
	configs, _ := c.Body["configs"].([]any)
	for _, v := range configs {
		m, _ := v.(map[string]any)
		for _, name := range []string{"prompt", "screen"} {
			if s, _ := m[name].(string); s == "" {
				return mgmtapi.BadRequest("Payload validation error: 'Missing required property: "+name+"' on property configs.", "invalid_body")
			}
		}
	}
	for _, v := range configs {
		changes := store.Clone(v.(map[string]any))
		prompt, screen := changes["prompt"].(string), changes["screen"].(string)
		delete(changes, "prompt")
		delete(changes, "screen")
		changeRendering(c.T, prompt, screen, changes)
	}
	return mgmtapi.OK(map[string]any{"configs": configs})
}

func readRendering(c *mgmtapi.Call) *mgmtapi.Reply {
	r := lookOf(c.T).renderings.Get(c.Path("prompt") + " " + c.Path("screen"))
	if r == nil {
		r = newRendering(c.Path("prompt"), c.Path("screen"))
	}
	m := r.view()
	m["tenant"] = tenantName(c.T)
	return mgmtapi.OK(m)
}

// updateRendering answers what the request said, as Auth0 does.
func updateRendering(c *mgmtapi.Call) *mgmtapi.Reply {
	changeRendering(c.T, c.Path("prompt"), c.Path("screen"), c.Body)
	return mgmtapi.OK(c.Body)
}
