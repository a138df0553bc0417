package platform

import (
	"maps"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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

// renderingsOf say how screens are rendered (advanced customizations).
func renderingsOf(t *state.Tenant) *store.Table[mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(t, "/prompts/rendering")
}

func newRendering(prompt, screen string) *mgmtapi.Doc {
	return &mgmtapi.Doc{ID: prompt + " " + screen, Doc: store.MergedCopy(schema.Doc("rendering"), map[string]any{"prompt": prompt, "screen": screen})}
}

// change replaces what a request names.
func changeRendering(t *state.Tenant, prompt, screen string, changes map[string]any) {
	r := renderingsOf(t).Get(prompt + " " + screen)
	if r == nil {
		r = newRendering(prompt, screen)
		renderingsOf(t).Put(r.ID, r)
	}
	r.Doc = store.MergedCopy(r.Doc, changes)
}

// listRenderings lists the screens that were ever changed.
func listRenderings(c *mgmtapi.Call) *mgmtapi.Reply {
	rows := slices.DeleteFunc(renderingsOf(c.T).All(), func(r *mgmtapi.Doc) bool {
		is := func(key string) bool { return c.Asks(key, store.Document(r.Doc).Text(key)) }
		return !is("prompt") || !is("screen") || !is("rendering_mode")
	})
	return mgmtapi.List(c, mgmtapi.Envelope[*mgmtapi.Doc]{Key: "configs"}, rows, func(r *mgmtapi.Doc) any { return c.Fields(r.Doc) })
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
		changeRendering(c.T, m["prompt"].(string), m["screen"].(string), m)
	}
	return mgmtapi.OK(map[string]any{"configs": configs})
}

func readRendering(c *mgmtapi.Call) *mgmtapi.Reply {
	r := renderingsOf(c.T).Get(c.Path("prompt") + " " + c.Path("screen"))
	if r == nil {
		r = newRendering(c.Path("prompt"), c.Path("screen"))
	}
	m := store.MergedCopy(r.Doc, map[string]any{"tenant": tenantName(c.T)})
	return mgmtapi.OK(m)
}

// updateRendering answers what the request said, as Auth0 does.
func updateRendering(c *mgmtapi.Call) *mgmtapi.Reply {
	changeRendering(c.T, c.Path("prompt"), c.Path("screen"), c.Body)
	return mgmtapi.OK(c.Body)
}
