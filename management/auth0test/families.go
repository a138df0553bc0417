package auth0test

import (
	"maps"
	"strings"
	"time"
)

// family is a kind of document that the tenant keeps and shows, and does nothing
// with: what is common to flows, forms, profiles and the like.
type family struct {
	path, part    string         // "/forms", and the name of its id in paths.
	prefix        string         // Of ids.
	key           string         // Of the list; empty for a bare array.
	missing       string         // The text of 404, with {id}.
	status        int            // Of a creation.
	stamped       bool           // Has created_at and updated_at.
	strict        bool           // Deleting what there is not is 404.
	initial       map[string]any // What a new one has besides.
	listed        []string       // What the list shows; empty for all.
	complete      func(*call, map[string]any)
	view, deleted func(*call, map[string]any) *reply // Instead of the document, of nothing.
}

// familyDoc is one of a family.
type familyDoc struct {
	id                   string
	doc                  map[string]any
	createdAt, updatedAt time.Time
}

// documents are those of all families, by their paths.
type documents map[string]*table[familyDoc]

func (d documents) of(f *family) *table[familyDoc] {
	if d[f.path] == nil {
		d[f.path] = new(table[familyDoc])
	}
	return d[f.path]
}

func (f *family) routes() []route {
	one := f.path + "/{" + f.part + "}"
	routes := []route{
		{method: "GET", pattern: f.path, handle: f.list},
		{method: "POST", pattern: f.path, handle: f.create},
		{method: "GET", pattern: one, handle: f.read},
		{method: "PATCH", pattern: one, handle: f.update},
		{method: "DELETE", pattern: one, handle: f.delete},
	}
	if f.path == "/network-acls" {
		routes = append(routes, route{method: "PUT", pattern: one, handle: f.replace})
	}
	return routes
}

func (f *family) show(d *familyDoc) map[string]any {
	m := clone(d.doc)
	m["id"] = d.id
	if f.stamped {
		m["created_at"], m["updated_at"] = stamp(d.createdAt), stamp(d.updatedAt)
	}
	return m
}

func (f *family) find(c *call) (*familyDoc, *reply) {
	d := c.t.documents.of(f).get(c.path(f.part))
	if d == nil {
		return nil, notFound(strings.ReplaceAll(f.missing, "{id}", c.path(f.part)), "")
	}
	return d, nil
}

func (f *family) list(c *call) *reply {
	show := func(d *familyDoc) any {
		m := f.show(d)
		if f.listed == nil {
			return c.fields(m)
		}
		short := make(map[string]any, len(f.listed))
		for _, k := range f.listed {
			short[k] = m[k]
		}
		return short
	}
	rows := c.t.documents.of(f).all()
	switch {
	case f.key == "":
		return ok(render(rows, show))
	case c.byCheckpoint():
		return pageByID(c, f.key, rows, func(d *familyDoc) string { return d.id }, show)
	case c.query.Has("include_totals") || c.query.Has("page"):
		return pageOf(c, f.key, "", rows, show)
	}
	return ok(map[string]any{f.key: render(rows, show)})
}

func (f *family) create(c *call) *reply {
	d := &familyDoc{id: f.prefix + "_" + randomID(22), doc: c.body, createdAt: c.now, updatedAt: c.now}
	defaults(d.doc, maps.Clone(f.initial))
	if f.complete != nil {
		f.complete(c, d.doc)
	}
	c.t.documents.of(f).put(d.id, d)
	return &reply{status: f.status, body: f.show(d)}
}

func (f *family) read(c *call) *reply {
	d, bad := f.find(c)
	if bad != nil {
		return bad
	}
	if f.view != nil {
		return f.view(c, f.show(d))
	}
	return ok(f.show(d))
}

func (f *family) update(c *call) *reply {
	d, bad := f.find(c)
	if bad != nil {
		return bad
	}
	next := clone(d.doc)
	maps.Copy(next, c.body)
	return f.changed(c, d, next)
}

func (f *family) replace(c *call) *reply {
	d, bad := f.find(c)
	if bad != nil {
		return bad
	}
	return f.changed(c, d, c.body)
}

func (f *family) changed(c *call, d *familyDoc, next map[string]any) *reply {
	if f.complete != nil {
		f.complete(c, next)
	}
	d.doc, d.updatedAt = next, c.now
	return ok(f.show(d))
}

func (f *family) delete(c *call) *reply {
	d, bad := f.find(c)
	if bad != nil {
		if f.strict {
			return bad
		}
		return noContent()
	}
	c.t.documents.of(f).delete(d.id)
	if f.deleted != nil {
		return f.deleted(c, d.doc)
	}
	return noContent()
}
