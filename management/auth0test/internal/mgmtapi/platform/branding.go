package platform

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// themes has one at most.
var themes = mgmtapi.Document{ID: "themeId", Plain: true, NewID: func(*mgmtapi.Call) string { return store.RandomID(32) }}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: "/branding/themes", Part: "themeId", Strict: true, Created: http.StatusOK,
	Refuse: func(c *mgmtapi.Call) *mgmtapi.Reply { return noTheme(c.R.Method) },
	Taken:  mgmtapi.Text{Message: "There was an error updating branding settings: The theme already exists", Code: "theme_already_exists"},
	Same:   func(c *mgmtapi.Call, _ *mgmtapi.Doc) bool { return c.R.Method == http.MethodPost },
})

// noTheme says what failed.
func noTheme(method string) *mgmtapi.Reply {
	what := map[string]string{"PATCH": "updating", "DELETE": "deleting"}[method]
	return mgmtapi.NotFound("There was an error "+cmp.Or(what, "retrieving")+" branding settings: invalid theme ID", "theme_not_found")
}

func themesOf(t *state.Tenant) *store.Table[*mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(t, "/branding/themes")
}

func readDefaultTheme(c *mgmtapi.Call) *mgmtapi.Reply {
	for _, theme := range themesOf(c.T).All() {
		return themes.Show(c, theme)
	}
	return noTheme("GET")
}

// pageTemplate is the path of the template of the login pages, which do not change with
// it.
const pageTemplate = "/branding/templates/universal-login"

func BrandingRoutes() []mgmtapi.Route {
	return themes.Routes([]mgmtapi.Route{
		{Method: "GET", Pattern: pageTemplate, Handle: readPageTemplate},
		{Method: "PUT", Pattern: pageTemplate, Form: true, Free: true, Handle: setPageTemplate},
		{Method: "DELETE", Pattern: pageTemplate, Handle: mgmtapi.Doing(mgmtapi.Any, func(_ *mgmtapi.Call, t *state.Tenant) { delete(t.Settings, pageTemplate) })},
		{Method: "GET", Pattern: "/branding/themes/default", Handle: readDefaultTheme},
	}...)
}

func readPageTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	if c.T.Settings[pageTemplate] == nil {
		return mgmtapi.NotFound("Template does not exist.", "inexistent_template")
	}
	return mgmtapi.OK(c.T.Settings[pageTemplate])
}

// maxTemplate is the largest page template, in bytes.
const maxTemplate = 102400

// setPageTemplate takes the template as text/html, as a JSON string or as the
// property "template" of an object.
func setPageTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	raw, err := io.ReadAll(http.MaxBytesReader(c.W, c.R.Body, maxTemplate))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		return mgmtapi.Fail(http.StatusBadRequest, "Payload content length greater than maximum allowed: "+strconv.Itoa(maxTemplate), "")
	}
	if err != nil {
		panic(http.ErrAbortHandler) // The caller went away.
	}
	text := string(raw)
	var v any
	if json.Unmarshal(raw, &v) == nil {
		text, _ = v.(string)
		if m, is := v.(map[string]any); is {
			text, _ = m["template"].(string)
		}
	}
	for _, tag := range []string{"auth0:head", "auth0:widget"} {
		if !strings.Contains(text, tag) {
			return mgmtapi.Invalid("The template must contain the tag " + tag)
		}
	}
	c.T.Lock()
	defer c.T.Unlock()
	before := c.T.Settings[pageTemplate]
	c.T.Settings[pageTemplate] = map[string]any{"body": text}
	if before != nil {
		return mgmtapi.NoContent()
	}
	return mgmtapi.Created(map[string]any{})
}

const phoneProvidersPath, phoneTemplatesPath = "/branding/phone/providers", "/branding/phone/templates"

// The provider of text messages and calls, of which a tenant may have one, and
// the templates, one of each type.
var (
	phoneProviders = mgmtapi.Document{
		Prefix: "pro", Initial: map[string]any{"disabled": false}, Show: func(c *mgmtapi.Call, d *mgmtapi.Doc, m map[string]any) {
			showPhone(c, d, m)
			if delete(m, "credentials"); c.Path("id") == "" && c.R.Method == "GET" { // Nobody can read them.
				m["credentials"] = nil
			}
		},
	}.Resource(phone(phoneProvidersPath, "providers", "Custom phone provider conflict.", func(c *mgmtapi.Call, _ *mgmtapi.Doc) bool {
		return c.R.Method == "POST"
	}))
	phoneTemplates = mgmtapi.Document{
		NewID: func(c *mgmtapi.Call) string {
			store.Defaults(c.Body, map[string]any{"type": "otp_verify", "content": phoneContent(c.Str("type"), "")})
			return "tem_" + store.RandomID(22)
		},
		Initial: map[string]any{"disabled": false}, Show: showPhone, Merged: []string{"content"},
	}.Resource(phone(phoneTemplatesPath, "templates", "Phone template already configured for tenant", func(c *mgmtapi.Call, d *mgmtapi.Doc) bool {
		return c.Has("type") && d.Doc["type"] == c.Body["type"]
	}))
)

func phone(path, key, taken string, same func(*mgmtapi.Call, *mgmtapi.Doc) bool) mgmtapi.Resource[*mgmtapi.Doc] {
	return mgmtapi.Resource[*mgmtapi.Doc]{
		Path: path, Missing: mgmtapi.Text{Message: "Notification Resource not found"}, Strict: true,
		Taken: mgmtapi.Text{Message: taken}, Same: same,
		Where: func(c *mgmtapi.Call, d *mgmtapi.Doc) bool {
			return !c.Query.Has("disabled") || d.Doc["disabled"] == c.Flag("disabled")
		},
		Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: key, Form: mgmtapi.Object},
	}
}

func PhoneRoutes() []mgmtapi.Route {
	return append(phoneProviders.Routes(mgmtapi.Route{Method: "POST", Pattern: phoneProvidersPath + "/{id}/try", Handle: mgmtapi.On(phoneProviders.Find, tryPhone)}),
		phoneTemplates.Routes([]mgmtapi.Route{
			{Method: "GET", Pattern: phoneTemplatesPath, Handle: listPhoneTemplates},
			{Method: "PATCH", Pattern: phoneTemplatesPath + "/{id}/reset", Handle: mgmtapi.On(phoneTemplates.Find, resetPhoneTemplate)},
			{Method: "POST", Pattern: phoneTemplatesPath + "/{id}/try", Handle: mgmtapi.On(phoneTemplates.Find, tryPhone)},
		}...)...)
}

func showPhone(c *mgmtapi.Call, _ *mgmtapi.Doc, m map[string]any) {
	m["tenant"], m["channel"] = tenantName(c.T), "phone"
}

// listPhoneTemplates lists the tenant's templates, and Auth0's, which have no id,
// for the other types.
func listPhoneTemplates(c *mgmtapi.Call) *mgmtapi.Reply {
	rows := mgmtapi.DocumentsAt(c.T, phoneTemplatesPath).All()
	own := len(rows)
	for _, kind := range schema.SortedKeys(schema.Doc("phone texts")) {
		if !slices.ContainsFunc(rows[:own], func(d *mgmtapi.Doc) bool { return d.Doc["type"] == kind }) {
			rows = append(rows, &mgmtapi.Doc{CreatedAt: c.Now, UpdatedAt: c.Now, Doc: map[string]any{
				"type": kind, "disabled": false, "content": phoneContent(kind, ""),
			}})
		}
	}
	rows = slices.DeleteFunc(rows, func(d *mgmtapi.Doc) bool { return !phoneTemplates.Where(c, d) })
	return mgmtapi.OK(map[string]any{"templates": store.Render(rows, func(d *mgmtapi.Doc) any {
		m := phoneTemplates.View(c, d)
		if d.ID == "" {
			delete(m, "id")
		}
		return m
	})})
}

// resetPhoneTemplate gives a template Auth0's texts again.
func resetPhoneTemplate(c *mgmtapi.Call, p *mgmtapi.Doc) *mgmtapi.Reply {
	doc := store.Document(p.Doc)
	p.Doc, p.UpdatedAt = store.MergedCopy(p.Doc, map[string]any{"content": phoneContent(doc.Text("type"), doc.Sub("content").Text("from"))}), c.Now
	return mgmtapi.OK(phoneTemplates.View(c, p))
}

// tenantName is the first part of the tenant's domain.
func tenantName(t *state.Tenant) string {
	name, _, _ := strings.Cut(t.Options.Domain, ".")
	return name
}

// tryPhone sends a test message.
func tryPhone(c *mgmtapi.Call, p *mgmtapi.Doc) *mgmtapi.Reply {
	if c.Str("to") == "" {
		return mgmtapi.Lacks("to")
	}
	kind, _ := p.Doc["type"].(string)
	channel := "sms"
	if c.Str("delivery_method") == "voice" {
		channel = "voice"
	}
	c.T.Post(state.Message{Channel: channel, To: c.Str("to"), Kind: cmp.Or(kind, "test")})
	return mgmtapi.Accepted(map[string]any{"code": 202, "message": "Test notification successfully sent for processing"})
}

func phoneContent(kind, from string) map[string]any {
	return map[string]any{"syntax": "liquid", "from": from, "body": schema.Doc("phone texts")[cmp.Or(kind, "otp_verify")]}
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

// renderingsOf say how screens are rendered (advanced customizations).
func renderingsOf(t *state.Tenant) *store.Table[*mgmtapi.Doc] {
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
