package platform

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// lookState is how the tenant's own pages and messages look. The tenant's mutex
// guards it; its login pages do not change with it.
type lookState struct {
	page       string                     // The page template, empty without one.
	theme      map[string]any             // Nil without one: a tenant has at most one.
	providers  store.Table[phoneResource] // Of text messages and calls.
	templates  store.Table[phoneResource]
	texts      map[string]map[string]any // Of prompts, by prompt and language.
	partials   map[string]map[string]any // Of prompts, by prompt.
	renderings store.Table[rendering]
}

func lookOf(t *state.Tenant) *lookState { return state.Part(t, state.Zero[lookState]) }

func BrandingRoutes() []mgmtapi.Route {
	const page, themes = "/branding/templates/universal-login", "/branding/themes"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: page, Handle: readPageTemplate},
		{Method: "PUT", Pattern: page, Form: true, Free: true, Handle: setPageTemplate},
		{Method: "DELETE", Pattern: page, Handle: deletePageTemplate},
		{Method: "POST", Pattern: themes, Handle: createTheme},
		{Method: "GET", Pattern: themes + "/default", Handle: readTheme},
		{Method: "GET", Pattern: themes + "/{themeId}", Handle: readTheme},
		{Method: "PATCH", Pattern: themes + "/{themeId}", Handle: updateTheme},
		{Method: "DELETE", Pattern: themes + "/{themeId}", Handle: deleteTheme},
	}
}

func readPageTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	if lookOf(c.T).page == "" {
		return mgmtapi.NotFound("Template does not exist.", "inexistent_template")
	}
	return mgmtapi.OK(map[string]any{"body": lookOf(c.T).page})
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
			return mgmtapi.BadRequest("Payload validation error: 'The template must contain the tag "+tag+"'.", "invalid_body")
		}
	}
	c.T.Lock()
	defer c.T.Unlock()
	before := lookOf(c.T).page
	lookOf(c.T).page = text
	if before != "" {
		return mgmtapi.NoContent()
	}
	return mgmtapi.Created(map[string]any{})
}

func deletePageTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	lookOf(c.T).page = ""
	return mgmtapi.NoContent()
}

func createTheme(c *mgmtapi.Call) *mgmtapi.Reply {
	if lookOf(c.T).theme != nil {
		return mgmtapi.Conflict("There was an error updating branding settings: The theme already exists", "theme_already_exists")
	}
	lookOf(c.T).theme = c.Body
	lookOf(c.T).theme["themeId"] = store.RandomID(32)
	return mgmtapi.OK(lookOf(c.T).theme)
}

// themed refuses a theme that the tenant does not have; what says what failed.
func themed(c *mgmtapi.Call, what string) *mgmtapi.Reply {
	id, named := c.Params["themeId"]
	if theme := lookOf(c.T).theme; theme == nil || named && theme["themeId"] != id {
		return mgmtapi.NotFound("There was an error "+what+" branding settings: invalid theme ID", "theme_not_found")
	}
	return nil
}

func readTheme(c *mgmtapi.Call) *mgmtapi.Reply {
	if bad := themed(c, "retrieving"); bad != nil {
		return bad
	}
	return mgmtapi.OK(lookOf(c.T).theme)
}

func updateTheme(c *mgmtapi.Call) *mgmtapi.Reply {
	if bad := themed(c, "updating"); bad != nil {
		return bad
	}
	next := store.Clone(lookOf(c.T).theme)
	delete(c.Body, "themeId")
	maps.Copy(next, c.Body)
	lookOf(c.T).theme = next
	return mgmtapi.OK(next)
}

func deleteTheme(c *mgmtapi.Call) *mgmtapi.Reply {
	if bad := themed(c, "deleting"); bad != nil {
		return bad
	}
	lookOf(c.T).theme = nil
	return mgmtapi.NoContent()
}
