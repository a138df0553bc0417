package mgmtapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxRecords is how far offset paging reaches.
const maxRecords = 1000

const (
	BeyondUsers = "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
	BeyondOther = "Requesting page exceeds the allowed maximum of 1000 records"
	BadCursor   = "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again"
)

// Number returns an integer of the query, or otherwise when it is absent; the
// description has checked its range.
func (c *Call) Number(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.Query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

// Offset is a page by number.
type Offset struct {
	Start, Limit int
	Totals       bool
}

// Offset reads page, per_page and include_totals. beyond is the text that
// refuses what lies behind record 1,000; empty for lists without that bound.
func (c *Call) Offset(perPage int, beyond string) (Offset, *Reply) {
	o := Offset{Limit: c.Number("per_page", perPage), Totals: c.Flag("include_totals")}
	page := c.Number("page", 0)
	if beyond != "" && (page > maxRecords || (page+1)*o.Limit > maxRecords && page > 0) {
		return o, BadRequest(beyond, "invalid_paging")
	}
	o.Start = page * o.Limit
	return o, nil
}

// Cut returns the items of the page.
func Cut[T any](o Offset, items []T) []T {
	if o.Start >= len(items) {
		return nil
	}
	return items[o.Start:min(o.Start+o.Limit, len(items))]
}

// Answer is a page as Auth0 writes it: an array, or an object with totals.
func (o Offset) Answer(key string, items []any, total int) *Reply {
	if items == nil {
		items = []any{}
	}
	if !o.Totals {
		return OK(items)
	}
	return OK(map[string]any{key: items, "start": o.Start, "limit": o.Limit, "total": total})
}

// PageOf answers one page of rows, each rendered by view.
func PageOf[T any](c *Call, key, beyond string, rows []T, view func(T) any) *Reply {
	o, bad := c.Offset(50, beyond)
	if bad != nil {
		return bad
	}
	return o.Answer(key, store.Render(Cut(o, rows), view), len(rows))
}

// ByCheckpoint reports whether the caller pages with from and take.
func (c *Call) ByCheckpoint() bool { return c.Query.Has("from") || c.Query.Has("take") }

// List is a list that is paged by checkpoint, as recorded.
type List[T any] struct {
	Key    string
	Rows   []T
	Where  func(T) store.Mark
	View   func(T) any
	Always bool // Names a next page as long as the page has rows.
	Turned bool // A page shows its rows with the newest first.
}

// Checkpoint answers one page by from and take.
func Checkpoint[T any](c *Call, l List[T]) *Reply {
	rows := slices.SortedFunc(slices.Values(l.Rows), func(a, b T) int { return l.Where(a).Compare(l.Where(b)) })
	if from := c.Query.Get("from"); from != "" {
		last, valid := store.ParseCursor(from)
		if !valid {
			return BadRequest(BadCursor, "")
		}
		start := slices.IndexFunc(rows, func(r T) bool { return l.Where(r).Compare(last) > 0 })
		if start < 0 {
			start = len(rows)
		}
		rows = rows[start:]
	}
	page := rows[:min(c.Number("take", 50), len(rows))]
	body := map[string]any{}
	if len(page) > 0 && (l.Always || len(rows) > len(page)) {
		body["next"] = l.Where(page[len(page)-1]).Cursor()
	}
	if l.Turned {
		slices.Reverse(page)
	}
	body[l.Key] = store.Render(page, l.View)
	return OK(body)
}

// Fields applies the query's fields and include_fields to one object.
func (c *Call) Fields(m map[string]any) map[string]any {
	list := c.Query.Get("fields")
	if list == "" {
		return m
	}
	names := strings.Split(list, ",")
	if c.Query.Get("include_fields") == "false" {
		for _, n := range names {
			delete(m, strings.TrimSpace(n))
		}
		return m
	}
	out := make(map[string]any, len(names))
	for _, n := range names {
		if v, has := m[strings.TrimSpace(n)]; has {
			out[strings.TrimSpace(n)] = v
		}
	}
	return out
}

// PageByID answers a page of a list whose cursors are the ids of its rows.
func PageByID[T any](c *Call, key string, rows []T, id func(T) string, view func(T) any) *Reply {
	body := map[string]any{}
	if c.Flag("include_totals") {
		body["total"] = len(rows)
	}
	if from := c.Query.Get("from"); from != "" {
		i := slices.IndexFunc(rows, func(r T) bool { return id(r) == from })
		if i < 0 {
			return BadRequest(BadCursor, "")
		}
		rows = rows[i+1:]
	}
	page := rows[:min(c.Number("take", 50), len(rows))]
	if len(page) < len(rows) {
		body["next"] = id(page[len(page)-1])
	}
	body[key] = store.Render(page, view)
	return OK(body)
}
