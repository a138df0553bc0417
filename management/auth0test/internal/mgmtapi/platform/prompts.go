package platform

import (
	"maps"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
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
	return append(mgmtapi.Routes(
		mgmtapi.Setting{Path: "/prompts/{prompt}/custom-text/{language}", Echo: true},
		mgmtapi.Setting{Path: "/prompts/{prompt}/partials", Echo: true, Apply: dropEmptyScreens},
	), []mgmtapi.Route{
		{Method: "GET", Pattern: "/prompts/rendering", Handle: listRenderings},
		{Method: "PATCH", Pattern: "/prompts/rendering", Handle: updateRenderings},
		{Method: "GET", Pattern: one, Handle: readRendering},
		{Method: "PATCH", Pattern: one, Handle: updateRendering},
	}...)
}

// dropEmptyScreens leaves out the screens of a prompt without partials.
func dropEmptyScreens(c *mgmtapi.Call, doc map[string]any) {
	empty := func(_ string, v any) bool { parts, is := v.(map[string]any); return is && len(parts) == 0 }
	maps.DeleteFunc(doc, empty)
	maps.DeleteFunc(c.Body, empty)
}

func newRendering(prompt, screen string) *rendering {
	return &rendering{prompt: prompt, screen: screen, doc: schema.Doc("rendering")}
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
	configs := store.Objects(c.Body["configs"])
	for _, m := range configs {
		for _, name := range []string{"prompt", "screen"} {
			if store.Document(m).Text(name) == "" {
				return mgmtapi.BadRequest("Payload validation error: 'Missing required property: "+name+"' on property configs.", "invalid_body")
			}
		}
	}
	for _, m := range configs {
		changes := store.Clone(m)
		delete(changes, "prompt")
		delete(changes, "screen")
		changeRendering(c.T, m["prompt"].(string), m["screen"].(string), changes)
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
