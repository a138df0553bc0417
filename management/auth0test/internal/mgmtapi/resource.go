package mgmtapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Text is what a refusal says.
type Text struct {
	Message string // {id} stands for the id of the path.
	Code    string // Empty where Auth0 leaves it out.
	Status  int    // Defaults to 404 for what is missing, to 409 for what is taken.
}

func (t Text) reply(status int, id string) *Reply {
	return Fail(cmp.Or(t.Status, status), strings.ReplaceAll(t.Message, "{id}", id), t.Code)
}

// Resource declares resources of one kind. It has the standard operations that
// Auth0's description has at its path and for which there is a function: lists,
// reads, creations, changes and deletions, with their refusals, are decided here. P
// is a pointer to what a row holds.
type Resource[P any] struct {
	Path, Part string                                // "/roles", and the name of the id in paths, "id" by default.
	Single     bool                                  // There is one at most, which stands at Path itself.
	Table      func(*Call) (*store.Table[P], *Reply) // Refuses for a parent that is missing. See In.

	Missing Text
	Refuse  func(*Call) *Reply    // Instead of Missing.
	Gone    func(*Call, P) bool   // A row is as if it were not there.
	Also    func(*Call, string) P // Finds a row by something else than its id.
	Strict  bool                  // Deleting what there is not is refused, too.
	Taken   Text
	Named   func(P) string      // What {id} stands for in Taken.
	Same    func(*Call, P) bool // A row has what the body claims for itself alone.

	New     func(*Call) (id string, row P, bad *Reply) // A new row of the body.
	Created int                                        // The status of a creation. Defaults to 201.
	Told    func(*Call, P) map[string]any              // Instead of View, to who created it.
	Set     func(*Call, P) *Reply                      // Changes a row by the body, or refuses and changes nothing.
	Replace func(*Call, P) *Reply                      // For PUT.
	Remove  func(*Call, P) *Reply                      // Before a deletion: refuses it, or answers it other than by 204.

	View  func(*Call, P) map[string]any
	Read  func(*Call, P) map[string]any // Instead of View, to who reads one,
	Brief func(*Call, P) map[string]any // or lists them.
	Kept  []string                      // Shown whatever the query's fields say.
	Where func(*Call, P) bool           // What of the table a list has. Defaults to all.
	Last  func(*Call) bool              // A list begins with the newest.
	Page  Envelope[P]

	Buckets [3]string // Endpoint rate limits: of lists, of reads, of writes.
}

// In is a table of the tenant, for Resource.
func In[P any](table func(*state.Tenant) *store.Table[P]) func(*Call) (*store.Table[P], *Reply) {
	return func(c *Call) (*store.Table[P], *Reply) { return table(c.T), nil }
}

// Under is a table of what a path names before, for Resource.
func Under[Q, P any](parent func(*Call) (Q, *Reply), table func(Q) *store.Table[P]) func(*Call) (*store.Table[P], *Reply) {
	return func(c *Call) (*store.Table[P], *Reply) {
		p, bad := parent(c)
		if bad != nil {
			return nil, bad
		}
		return table(p), nil
	}
}

// On is a handler of what a path names.
func On[T any](find func(*Call) (T, *Reply), handle func(*Call, T) *Reply) func(*Call) *Reply {
	return func(c *Call) *Reply {
		v, bad := find(c)
		if bad != nil {
			return bad
		}
		return handle(c, v)
	}
}

// Telling is a handler that answers something about what a path names,
func Telling[T, V any](find func(*Call) (T, *Reply), tell func(*Call, T) V) func(*Call) *Reply {
	return On(find, func(c *Call, v T) *Reply { return OK(tell(c, v)) })
}

// Doing is one that does something to it and answers 204,
func Doing[T any](find func(*Call) (T, *Reply), do func(*Call, T)) func(*Call) *Reply {
	return On(find, func(c *Call, v T) *Reply { do(c, v); return NoContent() })
}

// Accepting is one that answers 202,
func Accepting[T any](find func(*Call) (T, *Reply), do func(*Call, T)) func(*Call) *Reply {
	return On(find, func(c *Call, v T) *Reply { do(c, v); return Accepted(Nothing()) })
}

// Listing is one that lists what belongs to it.
func Listing[P, T any](find func(*Call) (P, *Reply), page Envelope[T], rows func(*Call, P) []T, view func(*Call, T) map[string]any) func(*Call) *Reply {
	return On(find, func(c *Call, p P) *Reply { return List(c, page, rows(c, p), func(row T) any { return view(c, row) }) })
}

// Any is for paths that name nothing that could be missing.
func Any(c *Call) (*state.Tenant, *Reply) { return c.T, nil }

// Routes returns the standard operations, and more, which may be instead of them.
func (r *Resource[P]) Routes(more ...Route) []Route {
	one := r.Path + "/{" + r.part() + "}"
	if r.Single {
		one = r.Path
	}
	on := func(handle func(*Call, P) *Reply) func(*Call) *Reply { return On(r.Find, handle) }
	for _, o := range []struct {
		there           bool
		method, pattern string
		bucket          int
		handle          func(*Call) *Reply
	}{
		{!r.Single, "GET", r.Path, 0, r.list},
		{r.New != nil, "POST", r.Path, 2, r.Create},
		{true, "GET", one, 1, on(r.Show)},
		{r.Set != nil, "PATCH", one, 2, on(r.change(r.Set))},
		{r.Replace != nil, "PUT", one, 2, on(r.change(r.Replace))},
		{true, "DELETE", one, 2, r.delete},
	} {
		if o.there && schema.Has(o.method, o.pattern) {
			more = append(more, Route{Method: o.method, Pattern: o.pattern, Bucket: r.Buckets[o.bucket], Handle: o.handle})
		}
	}
	return more
}

func (r *Resource[P]) part() string { return cmp.Or(r.Part, "id") }

// Find returns the row that the path names.
func (r *Resource[P]) Find(c *Call) (P, *Reply) { return r.By(r.part())(c) }

// By finds a row by another part of a path.
func (r *Resource[P]) By(part string) func(*Call) (P, *Reply) {
	return func(c *Call) (P, *Reply) {
		var none P
		table, bad := r.Table(c)
		if bad != nil {
			return none, bad
		}
		row := table.Get(c.Path(part))
		if same(row, none) && r.Also != nil {
			row = r.Also(c, c.Path(part))
		}
		if !same(row, none) && (r.Gone == nil || !r.Gone(c, row)) {
			return row, nil
		}
		if r.Refuse != nil {
			return none, r.Refuse(c)
		}
		return none, r.NotFound(c.Path(part))
	}
}

// NotFound is the refusal of an id.
func (r *Resource[P]) NotFound(id string) *Reply { return r.Missing.reply(http.StatusNotFound, id) }

func (r *Resource[P]) list(c *Call) *Reply {
	table, bad := r.Table(c)
	if bad != nil {
		return bad
	}
	return r.List(c, table.All())
}

// List answers a list of some rows.
func (r *Resource[P]) List(c *Call, all []P) *Reply {
	rows := make([]P, 0, len(all))
	for _, row := range all {
		if r.Where == nil || r.Where(c, row) {
			rows = append(rows, row)
		}
	}
	if r.Last != nil && r.Last(c) {
		slices.Reverse(rows)
	}
	view := r.View
	if r.Brief != nil {
		view = r.Brief
	}
	return List(c, r.Page, rows, func(row P) any { return c.Fields(view(c, row), r.Kept...) })
}

// Create adds a row of the body.
func (r *Resource[P]) Create(c *Call) *Reply {
	table, bad := r.Table(c)
	if bad != nil {
		return bad
	}
	var none P
	if bad := r.taken(c, table, none); bad != nil {
		return bad
	}
	id, row, bad := r.New(c)
	if bad != nil {
		return bad
	}
	table.Put(id, row)
	view := r.View
	if r.Told != nil {
		view = r.Told
	}
	return &Reply{Status: cmp.Or(r.Created, http.StatusCreated), Body: view(c, row)}
}

// taken refuses what another row has.
func (r *Resource[P]) taken(c *Call, table *store.Table[P], self P) *Reply {
	if r.Same == nil {
		return nil
	}
	var none P
	other := table.Find(func(row P) bool { return !same(row, self) && r.Same(c, row) })
	switch {
	case same(other, none):
		return nil
	case r.Named != nil:
		return r.Taken.reply(http.StatusConflict, r.Named(other))
	}
	return r.Taken.reply(http.StatusConflict, "")
}

// same compares two rows. Were P comparable, each would have machine code of its own.
func same[P any](a, b P) bool { return any(a) == any(b) }

// Show answers one row.
func (r *Resource[P]) Show(c *Call, row P) *Reply {
	view := r.View
	if r.Read != nil {
		view = r.Read
	}
	return OK(c.Fields(view(c, row), r.Kept...))
}

func (r *Resource[P]) change(apply func(*Call, P) *Reply) func(*Call, P) *Reply {
	return func(c *Call, row P) *Reply {
		table, _ := r.Table(c)
		if bad := r.taken(c, table, row); bad != nil {
			return bad
		}
		if bad := apply(c, row); bad != nil {
			return bad
		}
		return OK(r.View(c, row))
	}
}

func (r *Resource[P]) delete(c *Call) *Reply {
	table, bad := r.Table(c)
	if bad != nil {
		return bad
	}
	row, bad := r.Find(c)
	switch {
	case bad != nil && r.Strict:
		return bad
	case bad != nil:
		return NoContent()
	}
	answer := NoContent()
	if r.Remove != nil {
		if said := r.Remove(c, row); said != nil {
			answer = said
		}
	}
	if answer.Status < http.StatusBadRequest {
		table.Drop(row)
	}
	return answer
}
