package mgmtapi

import (
	"maps"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Setting declares documents that are always there, one for each path. It has the
// operations of Auth0's description at its path: PATCH changes what a request names,
// PUT replaces what it does not name by what there was at first.
type Setting struct {
	Path   string
	Merged []string                    // Objects in which PATCH leaves what it does not name.
	Secret []string                    // Never shown.
	Echo   bool                        // A change answers what it was told.
	Refuse func(*Call) *Reply          // Before anything else.
	Apply  func(*Call, map[string]any) // Completes what is kept, and lets the tenant behave so.
	View   func(*Call, map[string]any) // Completes what is shown,
	Told   func(*Call, map[string]any) // if it is not the answer to a change.
}

// Routes returns the operations of some settings.
func Routes(all ...Setting) (routes []Route) {
	for _, s := range all {
		for _, r := range []Route{{Method: "GET", Handle: s.show}, {Method: "PATCH", Handle: s.set}, {Method: "PUT", Handle: s.set}} {
			if r.Pattern = s.Path; schema.Has(r.Method, s.Path) {
				routes = append(routes, r)
			}
		}
	}
	return routes
}

// at is the path of a document.
func (s Setting) at(c *Call) string {
	at := s.Path
	for name, value := range c.Params {
		at = strings.ReplaceAll(at, "{"+name+"}", value)
	}
	return at
}

func (s Setting) show(c *Call) *Reply {
	if s.Refuse != nil {
		if bad := s.Refuse(c); bad != nil {
			return bad
		}
	}
	doc := s.shown(c, c.T.Settings[s.at(c)], s.View)
	if c.op.Takes("fields") {
		doc = c.Fields(doc)
	}
	return OK(doc)
}

func (s Setting) shown(c *Call, doc map[string]any, view func(*Call, map[string]any)) map[string]any {
	doc = store.OrEmpty(store.Clone(doc))
	if view != nil {
		view(c, doc)
	}
	for _, name := range s.Secret {
		delete(doc, name)
	}
	return doc
}

func (s Setting) set(c *Call) *Reply {
	if s.Refuse != nil {
		if bad := s.Refuse(c); bad != nil {
			return bad
		}
	}
	old := c.T.Settings[s.at(c)]
	if c.R.Method == http.MethodPut {
		old = schema.Data[map[string]map[string]any]("settings")[s.at(c)]
	}
	doc := store.Merged(old, c.Body, s.Merged)
	if s.Apply != nil {
		s.Apply(c, doc)
	}
	c.T.Settings[s.at(c)] = doc
	switch {
	case s.Echo:
		return OK(s.shown(c, maps.Clone(c.Body), nil))
	case s.Told != nil:
		return OK(s.shown(c, doc, s.Told))
	}
	return OK(s.shown(c, doc, s.View))
}
