package mgmtapi

import (
	"maps"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Family is a kind of document that the tenant keeps and shows, and does nothing
// with: what is common to flows, forms, profiles and the like.
type Family struct {
	Path, Part    string         // "/forms", and the name of its id in paths.
	Prefix        string         // Of ids.
	Key           string         // Of the list; empty for a bare array.
	Missing       string         // The text of 404, with {id}.
	Status        int            // Of a creation.
	Stamped       bool           // Has created_at and updated_at.
	Strict        bool           // Deleting what there is not is 404.
	Initial       map[string]any // What a new one has besides.
	Listed        []string       // What the list shows; empty for all.
	Complete      func(*Call, map[string]any)
	View, Deleted func(*Call, map[string]any) *Reply // Instead of the document, of nothing.
}

// familyDoc is one of a family.
type familyDoc struct {
	id                   string
	doc                  map[string]any
	createdAt, updatedAt time.Time
}

// documents are those of all families, by their paths.
type documents map[string]*store.Table[familyDoc]

func (d documents) of(f *Family) *store.Table[familyDoc] {
	if d[f.Path] == nil {
		d[f.Path] = new(store.Table[familyDoc])
	}
	return d[f.Path]
}

func DocumentsOf(t *state.Tenant) documents {
	return *state.Part(t, func() *documents { d := documents{}; return &d })
}

func (f *Family) Routes() []Route {
	one := f.Path + "/{" + f.Part + "}"
	routes := []Route{
		{Method: "GET", Pattern: f.Path, Handle: f.list},
		{Method: "POST", Pattern: f.Path, Handle: f.create},
		{Method: "GET", Pattern: one, Handle: f.read},
		{Method: "PATCH", Pattern: one, Handle: f.update},
		{Method: "DELETE", Pattern: one, Handle: f.delete},
	}
	if f.Path == "/network-acls" {
		routes = append(routes, Route{Method: "PUT", Pattern: one, Handle: f.replace})
	}
	return routes
}

func (f *Family) show(d *familyDoc) map[string]any {
	m := store.Clone(d.doc)
	m["id"] = d.id
	if f.Stamped {
		m["created_at"], m["updated_at"] = store.Stamp(d.createdAt), store.Stamp(d.updatedAt)
	}
	return m
}

func (f *Family) Find(c *Call) (*familyDoc, *Reply) {
	d := DocumentsOf(c.T).of(f).Get(c.Path(f.Part))
	if d == nil {
		return nil, NotFound(strings.ReplaceAll(f.Missing, "{id}", c.Path(f.Part)), "")
	}
	return d, nil
}

func (f *Family) list(c *Call) *Reply {
	show := func(d *familyDoc) any {
		m := f.show(d)
		if f.Listed == nil {
			return c.Fields(m)
		}
		short := make(map[string]any, len(f.Listed))
		for _, k := range f.Listed {
			short[k] = m[k]
		}
		return short
	}
	rows := DocumentsOf(c.T).of(f).All()
	switch {
	case f.Key == "":
		return OK(store.Render(rows, show))
	case c.ByCheckpoint():
		return PageByID(c, f.Key, rows, func(d *familyDoc) string { return d.id }, show)
	case c.Query.Has("include_totals") || c.Query.Has("page"):
		return PageOf(c, f.Key, "", rows, show)
	}
	return OK(map[string]any{f.Key: store.Render(rows, show)})
}

func (f *Family) create(c *Call) *Reply {
	d := &familyDoc{id: f.Prefix + "_" + store.RandomID(22), doc: c.Body, createdAt: c.Now, updatedAt: c.Now}
	store.Defaults(d.doc, maps.Clone(f.Initial))
	if f.Complete != nil {
		f.Complete(c, d.doc)
	}
	DocumentsOf(c.T).of(f).Put(d.id, d)
	return &Reply{Status: f.Status, Body: f.show(d)}
}

func (f *Family) read(c *Call) *Reply {
	d, bad := f.Find(c)
	if bad != nil {
		return bad
	}
	if f.View != nil {
		return f.View(c, f.show(d))
	}
	return OK(f.show(d))
}

func (f *Family) update(c *Call) *Reply {
	d, bad := f.Find(c)
	if bad != nil {
		return bad
	}
	next := store.Clone(d.doc)
	maps.Copy(next, c.Body)
	return f.changed(c, d, next)
}

func (f *Family) replace(c *Call) *Reply {
	d, bad := f.Find(c)
	if bad != nil {
		return bad
	}
	return f.changed(c, d, c.Body)
}

func (f *Family) changed(c *Call, d *familyDoc, next map[string]any) *Reply {
	if f.Complete != nil {
		f.Complete(c, next)
	}
	d.doc, d.updatedAt = next, c.Now
	return OK(f.show(d))
}

func (f *Family) delete(c *Call) *Reply {
	d, bad := f.Find(c)
	if bad != nil {
		if f.Strict {
			return bad
		}
		return NoContent()
	}
	DocumentsOf(c.T).of(f).Delete(d.id)
	if f.Deleted != nil {
		return f.Deleted(c, d.doc)
	}
	return NoContent()
}

// Has reports whether there is a document of a family, by the family's path.
func (d documents) Has(path, id string) bool { return d[path] != nil && d[path].Get(id) != nil }

const NoAttributeProfile = "User attribute profile not found."
