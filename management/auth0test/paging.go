package auth0test

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxRecords is how far offset paging reaches.
const maxRecords = 1000

const (
	beyondUsers = "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
	beyondOther = "Requesting page exceeds the allowed maximum of 1000 records"
	badCursor   = "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again"
)

// number returns an integer of the query, or otherwise when it is absent; the
// description has checked its range.
func (c *call) number(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

// offset is a page by number.
type offset struct {
	start, limit int
	totals       bool
}

// offset reads page, per_page and include_totals. beyond is the text that
// refuses what lies behind record 1,000; empty for lists without that bound.
func (c *call) offset(perPage int, beyond string) (offset, *reply) {
	o := offset{limit: c.number("per_page", perPage), totals: c.flag("include_totals")}
	page := c.number("page", 0)
	if beyond != "" && (page > maxRecords || (page+1)*o.limit > maxRecords && page > 0) {
		return o, badRequest(beyond, "invalid_paging")
	}
	o.start = page * o.limit
	return o, nil
}

// cut returns the items of the page.
func cut[T any](o offset, items []T) []T {
	if o.start >= len(items) {
		return nil
	}
	return items[o.start:min(o.start+o.limit, len(items))]
}

// answer is a page as Auth0 writes it: an array, or an object with totals.
func (o offset) answer(key string, items []any, total int) *reply {
	if items == nil {
		items = []any{}
	}
	if !o.totals {
		return ok(items)
	}
	return ok(map[string]any{key: items, "start": o.start, "limit": o.limit, "total": total})
}

// pageOf answers one page of rows, each rendered by view.
func pageOf[T any](c *call, key, beyond string, rows []T, view func(T) any) *reply {
	o, bad := c.offset(50, beyond)
	if bad != nil {
		return bad
	}
	return o.answer(key, render(cut(o, rows), view), len(rows))
}

func render[T any](rows []T, view func(T) any) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = view(r)
	}
	return out
}

// byCheckpoint reports whether the caller pages with from and take.
func (c *call) byCheckpoint() bool { return c.query.Has("from") || c.query.Has("take") }

// cursorTime is how the time in a cursor is written, as recorded.
const cursorTime = "2006-01-02 15:04:05.000000UTC"

// mark is the place of a row in a list by time and id.
type mark struct {
	at time.Time
	id string
}

func (m mark) cursor() string {
	return base64.RawStdEncoding.EncodeToString([]byte(m.at.UTC().Format(cursorTime) + "," + m.id))
}

func parseCursor(s string) (mark, bool) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return mark{}, false
	}
	at, id, found := strings.Cut(string(raw), ",")
	when, err := time.Parse(cursorTime, at)
	return mark{when, id}, found && err == nil && id != ""
}

// compare orders the oldest first.
func (m mark) compare(o mark) int {
	if c := m.at.Compare(o.at); c != 0 {
		return c
	}
	return strings.Compare(m.id, o.id)
}

// list is a list that is paged by checkpoint, as recorded.
type list[T any] struct {
	key    string
	rows   []T
	where  func(T) mark
	view   func(T) any
	always bool // Names a next page as long as the page has rows.
	turned bool // A page shows its rows with the newest first.
}

// checkpoint answers one page by from and take.
func checkpoint[T any](c *call, l list[T]) *reply {
	rows := slices.SortedFunc(slices.Values(l.rows), func(a, b T) int { return l.where(a).compare(l.where(b)) })
	if from := c.query.Get("from"); from != "" {
		last, valid := parseCursor(from)
		if !valid {
			return badRequest(badCursor, "")
		}
		start := slices.IndexFunc(rows, func(r T) bool { return l.where(r).compare(last) > 0 })
		if start < 0 {
			start = len(rows)
		}
		rows = rows[start:]
	}
	page := rows[:min(c.number("take", 50), len(rows))]
	body := map[string]any{}
	if len(page) > 0 && (l.always || len(rows) > len(page)) {
		body["next"] = l.where(page[len(page)-1]).cursor()
	}
	if l.turned {
		slices.Reverse(page)
	}
	body[l.key] = render(page, l.view)
	return ok(body)
}

// fields applies the query's fields and include_fields to one object.
func (c *call) fields(m map[string]any) map[string]any {
	list := c.query.Get("fields")
	if list == "" {
		return m
	}
	names := strings.Split(list, ",")
	if c.query.Get("include_fields") == "false" {
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
