package auth0test

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
)

func logRoutes() []route {
	return []route{
		{method: "GET", pattern: "/logs", bucket: "read logs", handle: listLogs},
		{method: "GET", pattern: "/logs/{id}", bucket: "read logs", handle: readLog},
		{method: "GET", pattern: "/users/{id}/logs", bucket: "read logs", handle: listUserLogs},
	}
}

const (
	noLog      = "Log not found."
	beyondLogs = "You can only page through the first 1000 records."
	badLogs    = "The query string in 'q' is not valid. See https://auth0.com/docs/logs/log-search-query-syntax."
	maxLogURI  = 8 << 10
)

// after returns the entries whose ids come after one, which need not exist.
func (l *tenantLog) after(id string) []*logEntry {
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].id() > id })
	return l.entries[i:]
}

func (l *tenantLog) find(id string) *logEntry {
	i := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].id() >= id })
	if i < len(l.entries) && l.entries[i].id() == id {
		return l.entries[i]
	}
	return nil
}

func readLog(c *call) *reply {
	e := c.t.authState.logs.find(c.path("id"))
	if e == nil {
		return notFound(noLog, "")
	}
	return ok(e.doc())
}

// listLogs has two modes: by checkpoint with from, which turns all else off, and
// by criteria.
func listLogs(c *call) *reply {
	if len(c.r.URL.RawQuery) > maxLogURI {
		return fail(http.StatusRequestURITooLong, "Request-URI Too Large", "")
	}
	if c.query.Get("from") != "" {
		return logsFrom(c)
	}
	q, bad := c.logQuery()
	if bad != nil {
		return bad
	}
	return c.logPage(func(e *logEntry) bool { return e.matches(q) })
}

// logsFrom names the next page in the header Link; behind an empty page it is
// the same one again.
func logsFrom(c *call) *reply {
	from := c.query.Get("from")
	take := c.number("take", 100)
	if take < 1 || take > 100 {
		return badRequest("Query validation error: 'Value "+c.query.Get("take")+" is not between 1 and 100' on property take.", "invalid_query_string")
	}
	rows := c.t.authState.logs.after(from)
	rows = rows[:min(take, len(rows))]
	if len(rows) > 0 {
		from = rows[len(rows)-1].id()
	}
	c.w.Header().Set("Link", fmt.Sprintf(`<%sapi/v2/logs?from=%s&take=%d>; rel="next"`, c.issuer(), from, take))
	return ok(render(rows, func(e *logEntry) any { return e.doc() }))
}

// logQuery reads q, or search, which without a field is the beginning of a
// client's, a connection's or a user's name.
func (c *call) logQuery() (query, *reply) {
	text := c.query.Get("q")
	if search := c.query.Get("search"); text == "" && search != "" {
		if !strings.Contains(search, ":") {
			return beginning{search}, nil
		}
		text = search
	}
	q, err := parseQuery(text)
	if err != nil || !loggable(q) {
		return nil, badRequest(badLogs, "invalid_query_string")
	}
	return q, nil
}

func listUserLogs(c *call) *reply {
	id := c.path("id")
	return c.logPage(func(e *logEntry) bool { return e.UserID == id })
}

// logPage answers entries by page, the newest first unless sort says otherwise.
// Its total is that of the page, as Auth0's search v3 has it.
func (c *call) logPage(is func(*logEntry) bool) *reply {
	o, bad := c.offset(50, beyondLogs)
	if bad != nil {
		return bad
	}
	field, ascending := c.logOrder()
	var rows []*logEntry
	all, enough := c.t.authState.logs.entries, field == "date"
	for i := range all {
		e := all[i]
		if !ascending || !enough {
			e = all[len(all)-1-i]
		}
		if is(e) {
			rows = append(rows, e)
		}
		if enough && len(rows) == o.start+o.limit {
			break
		}
	}
	if !enough {
		slices.SortStableFunc(rows, func(a, b *logEntry) int {
			if ascending {
				a, b = b, a
			}
			return strings.Compare(b.field(field), a.field(field))
		})
	}
	items := render(cut(o, rows), func(e *logEntry) any { return c.fields(e.doc()) })
	if !o.totals {
		return ok(items)
	}
	return ok(map[string]any{"start": o.start, "limit": o.limit, "length": len(items), "total": len(items), "logs": items})
}

// logOrder reads sort: "date:-1", which is the default, or another field.
func (c *call) logOrder() (field string, ascending bool) {
	field, direction, _ := strings.Cut(c.query.Get("sort"), ":")
	if field == "" || field == "log_id" || field == "_id" {
		field = "date"
	}
	return field, direction == "1"
}
