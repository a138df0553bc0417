package mgmtapi

import (
	"cmp"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Doc is a resource that is kept as its requests describe it.
type Doc struct {
	ID                   string
	Doc                  map[string]any
	CreatedAt, UpdatedAt time.Time
}

// Document says what is peculiar to resources that are documents.
type Document struct {
	ID       string                            // The property that has the id. Defaults to "id".
	Prefix   string                            // Of ids, before 22 letters and digits.
	NewID    func(*Call) string                // Instead of Prefix.
	Plain    bool                              // Has no created_at and updated_at.
	Initial  map[string]any                    // What a new one has besides.
	Unique   string                            // A property of which every value is there once.
	Check    func(*Call, *Doc) *Reply          // Refuses a request; the document is nil for a creation.
	Complete func(*Call, map[string]any)       // After every change.
	Merged   []string                          // Objects in which a change leaves what it does not name.
	MergedIf func(*Call, map[string]any) bool  // Whether it does so now.
	Show     func(*Call, *Doc, map[string]any) // What is shown besides, or not.
	Listed   []string                          // What the list shows; empty for all.
}

// documents are those of all kinds, by their paths.
type documents map[string]*store.Table[*Doc]

func documentsOf(t *state.Tenant) documents {
	return *state.Part(t, func() *documents { d := documents{}; return &d })
}

// DocumentsAt are the documents of a tenant that stand at a path.
func DocumentsAt(t *state.Tenant, path string) *store.Table[*Doc] {
	d := documentsOf(t)
	if d[path] == nil {
		d[path] = new(store.Table[*Doc])
	}
	return d[path]
}

// Resource completes a declaration of documents.
func (d Document) Resource(r Resource[*Doc]) *Resource[*Doc] {
	if r.Table == nil {
		r.Table = In(func(t *state.Tenant) *store.Table[*Doc] { return DocumentsAt(t, r.Path) })
	}
	if d.Unique != "" {
		r.Same = func(c *Call, o *Doc) bool { return c.Has(d.Unique) && o.Doc[d.Unique] == c.Body[d.Unique] }
	}
	r.New, r.View = d.create, d.View
	r.Set = func(c *Call, row *Doc) *Reply { return d.change(c, row, d.merged(c, row.Doc)) }
	r.Replace = func(c *Call, row *Doc) *Reply { return d.change(c, row, c.Body) }
	if d.Listed != nil {
		r.Brief = func(c *Call, row *Doc) map[string]any {
			all, short := d.View(c, row), make(map[string]any, len(d.Listed))
			for _, k := range d.Listed {
				short[k] = all[k]
			}
			return short
		}
	}
	return &r
}

// View is the document as it is shown.
func (d Document) View(c *Call, row *Doc) map[string]any {
	m := store.Clone(row.Doc)
	m[cmp.Or(d.ID, "id")] = row.ID
	if !d.Plain {
		m["created_at"], m["updated_at"] = store.Stamp(row.CreatedAt), store.Stamp(row.UpdatedAt)
	}
	if d.Show != nil {
		d.Show(c, row, m)
	}
	return m
}

func (d Document) create(c *Call) (string, *Doc, *Reply) {
	if d.Check != nil {
		if bad := d.Check(c, nil); bad != nil {
			return "", nil, bad
		}
	}
	row := &Doc{Doc: c.Body, CreatedAt: c.Now, UpdatedAt: c.Now}
	if d.NewID != nil {
		row.ID = d.NewID(c)
	} else {
		row.ID = d.Prefix + "_" + store.RandomID(22)
	}
	store.Defaults(row.Doc, maps.Clone(d.Initial))
	if d.Complete != nil {
		d.Complete(c, row.Doc)
	}
	return row.ID, row, nil
}

func (d Document) merged(c *Call, old map[string]any) map[string]any {
	inside := d.Merged
	if d.MergedIf != nil && !d.MergedIf(c, old) {
		inside = nil
	}
	return store.Merged(old, c.Body, inside)
}

func (d Document) change(c *Call, row *Doc, next map[string]any) *Reply {
	if d.Check != nil {
		if bad := d.Check(c, row); bad != nil {
			return bad
		}
	}
	if d.Complete != nil {
		d.Complete(c, next)
	}
	row.Doc, row.UpdatedAt = next, c.Now
	return nil
}

const NoAttributeProfile = "User attribute profile not found."

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
