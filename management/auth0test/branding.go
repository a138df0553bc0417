package auth0test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// lookState is how the tenant's own pages and messages look. The tenant's mutex
// guards it; its login pages do not change with it.
type lookState struct {
	page       string               // The page template, empty without one.
	theme      map[string]any       // Nil without one: a tenant has at most one.
	providers  table[phoneResource] // Of text messages and calls.
	templates  table[phoneResource]
	texts      map[string]map[string]any // Of prompts, by prompt and language.
	partials   map[string]map[string]any // Of prompts, by prompt.
	renderings table[rendering]
}

func brandingRoutes() []route {
	const page, themes = "/branding/templates/universal-login", "/branding/themes"
	return []route{
		{method: "GET", pattern: page, handle: readPageTemplate},
		{method: "PUT", pattern: page, form: true, free: true, handle: setPageTemplate},
		{method: "DELETE", pattern: page, handle: deletePageTemplate},
		{method: "POST", pattern: themes, handle: createTheme},
		{method: "GET", pattern: themes + "/default", handle: readTheme},
		{method: "GET", pattern: themes + "/{themeId}", handle: readTheme},
		{method: "PATCH", pattern: themes + "/{themeId}", handle: updateTheme},
		{method: "DELETE", pattern: themes + "/{themeId}", handle: deleteTheme},
	}
}

func readPageTemplate(c *call) *reply {
	if c.t.look.page == "" {
		return notFound("Template does not exist.", "inexistent_template")
	}
	return ok(map[string]any{"body": c.t.look.page})
}

// maxTemplate is the largest page template, in bytes.
const maxTemplate = 102400

// setPageTemplate takes the template as text/html, as a JSON string or as the
// property "template" of an object.
func setPageTemplate(c *call) *reply {
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxTemplate))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		return fail(http.StatusBadRequest, "Payload content length greater than maximum allowed: "+strconv.Itoa(maxTemplate), "")
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
			return badRequest("Payload validation error: 'The template must contain the tag "+tag+"'.", "invalid_body")
		}
	}
	c.t.lock()
	defer c.t.mu.Unlock()
	before := c.t.look.page
	c.t.look.page = text
	if before != "" {
		return noContent()
	}
	return created(map[string]any{})
}

func deletePageTemplate(c *call) *reply {
	c.t.look.page = ""
	return noContent()
}

func createTheme(c *call) *reply {
	if c.t.look.theme != nil {
		return conflict("There was an error updating branding settings: The theme already exists", "theme_already_exists")
	}
	c.t.look.theme = c.body
	c.t.look.theme["themeId"] = randomID(32)
	return ok(c.t.look.theme)
}

// themed refuses a theme that the tenant does not have; what says what failed.
func (c *call) themed(what string) *reply {
	id, named := c.params["themeId"]
	if theme := c.t.look.theme; theme == nil || named && theme["themeId"] != id {
		return notFound("There was an error "+what+" branding settings: invalid theme ID", "theme_not_found")
	}
	return nil
}

func readTheme(c *call) *reply {
	if bad := c.themed("retrieving"); bad != nil {
		return bad
	}
	return ok(c.t.look.theme)
}

func updateTheme(c *call) *reply {
	if bad := c.themed("updating"); bad != nil {
		return bad
	}
	next := clone(c.t.look.theme)
	delete(c.body, "themeId")
	maps.Copy(next, c.body)
	c.t.look.theme = next
	return ok(next)
}

func deleteTheme(c *call) *reply {
	if bad := c.themed("deleting"); bad != nil {
		return bad
	}
	c.t.look.theme = nil
	return noContent()
}
