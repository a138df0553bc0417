package mgmtapi

import (
	"encoding/base64"
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
	badCursor   = "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again"
)

// Form is how an operation of Auth0 writes a list.
type Form int

const (
	Paged    Form = iota // An array; an object with start, limit and total when include_totals asks for it.
	Object               // An object with the rows alone; as Paged when page or include_totals is given.
	Whole                // An array of all rows.
	Cursor               // Always by from and take.
	Numbered             // An object with page, per_page and total.
	Omitted              // An object with page, per_page and total, where zero values are left out, and the total of an empty page.
)

// Envelope is what stands around the rows of a list. The zero value is an array
// by page and per_page.
type Envelope[T any] struct {
	Key    string // Of the rows, where they are in an object.
	Form   Form
	Beyond string // The text that refuses what lies behind record 1,000; empty without that bound.

	Mark func(T) store.Mark // For from and take: cursors are places in time,
	ID   func(T) string     // or the ids of the last rows,
	Next bool               // or the ids of the next rows, in base64.

	Always bool // There is a next page as long as the page has rows.
	Turned bool // A page by cursor shows its rows with the newest first.

	Filled  bool // limit is the number of rows.
	Length  bool // There is a length, the number of rows.
	NoTotal bool // There is no total,
	NoZero  bool // or none of an empty list.
}

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

// Offset reads page, per_page and include_totals; beyond is Envelope's.
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

// List answers what of rows the query asks for, each rendered by view. All but the
// calls of the rows' own functions is in list, which is compiled once.
func List[T any](c *Call, e Envelope[T], rows []T, view func(T) any) *Reply {
	of := Envelope[int]{
		Key: e.Key, Form: e.Form, Beyond: e.Beyond, Next: e.Next, Always: e.Always, Turned: e.Turned,
		Filled: e.Filled, Length: e.Length, NoTotal: e.NoTotal, NoZero: e.NoZero,
	}
	if e.Mark != nil {
		of.Mark = func(i int) store.Mark { return e.Mark(rows[i]) }
	}
	if e.ID != nil {
		of.ID = func(i int) string { return e.ID(rows[i]) }
	}
	return list(c, of, len(rows), func(i int) any { return view(rows[i]) })
}

func list(c *Call, e Envelope[int], n int, view func(int) any) *Reply {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	byCursor := e.Form == Cursor || c.Query.Has("from") || c.Query.Has("take")
	switch {
	case e.Form == Whole && !(byCursor && e.ID != nil):
		return OK(store.Render(rows, view))
	case e.Form == Omitted || e.Form == Numbered:
		return numbered(c, e, rows, view)
	case byCursor && e.Mark != nil:
		return byMark(c, e, rows, view)
	case byCursor && e.ID != nil:
		return byID(c, e, rows, view)
	case e.Form == Object && !(c.op.Takes("page") && (c.Query.Has("include_totals") || c.Query.Has("page"))):
		return OK(map[string]any{e.Key: store.Render(rows, view)})
	}
	o, bad := c.Offset(50, e.Beyond)
	if bad != nil {
		return bad
	}
	return Answer(e, o, store.Render(Cut(o, rows), view), n)
}

// Answer writes a page by number.
func Answer(e Envelope[int], o Offset, items []any, total int) *Reply {
	if !o.Totals {
		return OK(items)
	}
	body := map[string]any{e.Key: items, "start": o.Start, "limit": o.Limit}
	if !e.NoTotal && !(e.NoZero && total == 0) {
		body["total"] = total
	}
	if e.Length {
		body["length"] = len(items)
	}
	if e.Filled {
		body["limit"] = len(items)
	}
	return OK(body)
}

// numbered is a page in the way of Actions, as recorded: a caller that goes on
// until start + limit reaches total ends only because an Omitted page behind the
// last has no total.
func numbered(c *Call, e Envelope[int], rows []int, view func(int) any) *Reply {
	o := Offset{Limit: min(c.Number("per_page", 20), 100)}
	page := c.Number("page", 0)
	o.Start = page * o.Limit
	items := store.Render(Cut(o, rows), view)
	body := map[string]any{e.Key: items, "per_page": o.Limit, "page": page, "total": len(rows)}
	if page == 0 && e.Form == Omitted {
		delete(body, "page")
	}
	if len(items) == 0 {
		body["total"] = 0
	}
	if len(items) == 0 && e.Form == Omitted {
		delete(body, "total")
	}
	return OK(body)
}

// byMark is a page by from and take, as recorded.
func byMark(c *Call, e Envelope[int], rows []int, view func(int) any) *Reply {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b int) int { return e.Mark(a).Compare(e.Mark(b)) })
	if from := c.Query.Get("from"); from != "" {
		last, valid := store.ParseCursor(from)
		if !valid {
			return BadRequest(badCursor, "")
		}
		start := slices.IndexFunc(rows, func(r int) bool { return e.Mark(r).Compare(last) > 0 })
		if start < 0 {
			start = len(rows)
		}
		rows = rows[start:]
	}
	page := rows[:min(c.Number("take", 50), len(rows))]
	body := map[string]any{}
	if len(page) > 0 && (e.Always || len(rows) > len(page)) {
		body["next"] = e.Mark(page[len(page)-1]).Cursor()
	}
	if e.Turned {
		slices.Reverse(page)
	}
	body[e.Key] = store.Render(page, view)
	return OK(body)
}

// byID is a page whose cursor is the id of its last row, or of the next one.
func byID(c *Call, e Envelope[int], rows []int, view func(int) any) *Reply {
	body := map[string]any{}
	if from := c.Query.Get("from"); from != "" {
		if e.Next {
			raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(from, "="))
			from = string(raw)
		}
		i := slices.IndexFunc(rows, func(r int) bool { return e.ID(r) == from })
		if i < 0 {
			return BadRequest(badCursor, "")
		}
		if !e.Next {
			i++
		}
		rows = rows[i:]
	}
	page := rows[:min(c.Number("take", 50), len(rows))]
	switch {
	case len(page) == len(rows):
	case e.Next:
		body["next"] = base64.RawURLEncoding.EncodeToString([]byte(e.ID(rows[len(page)])))
	default:
		body["next"] = e.ID(page[len(page)-1])
	}
	body[e.Key] = store.Render(page, view)
	return OK(body)
}

// Fields applies the query's fields and include_fields to one object; kept stay
// whatever they say.
func (c *Call) Fields(m map[string]any, kept ...string) map[string]any {
	list := c.Query.Get("fields")
	if list == "" {
		return m
	}
	wanted := c.Query.Get("include_fields") != "false"
	names := strings.Split(list, ",")
	for i, n := range names {
		names[i] = strings.TrimSpace(n)
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		if slices.Contains(names, k) == wanted || slices.Contains(kept, k) {
			out[k] = v
		}
	}
	return out
}
