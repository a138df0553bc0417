package platform

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// themes has one at most.
var themes = mgmtapi.Document{ID: "themeId", Plain: true, NewID: func(*mgmtapi.Call) string { return store.RandomID(32) }}.Resource(mgmtapi.Resource[mgmtapi.Doc]{
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

func themesOf(t *state.Tenant) *store.Table[mgmtapi.Doc] {
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
