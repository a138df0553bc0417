package platform

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/query"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func LogRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/logs", Bucket: "read logs", Handle: listLogs},
		{Method: "GET", Pattern: "/logs/{id}", Bucket: "read logs", Handle: readLog},
		{Method: "GET", Pattern: "/users/{id}/logs", Bucket: "read logs", Handle: listUserLogs},
	}
}

const maxLogURI = 8 << 10

// after returns the entries whose ids come after one, which need not exist.
func after(l *state.TenantLog, id string) []*state.LogEntry {
	i := sort.Search(len(l.Entries), func(i int) bool { return l.Entries[i].ID() > id })
	return l.Entries[i:]
}

func find(l *state.TenantLog, id string) *state.LogEntry {
	i := sort.Search(len(l.Entries), func(i int) bool { return l.Entries[i].ID() >= id })
	if i < len(l.Entries) && l.Entries[i].ID() == id {
		return l.Entries[i]
	}
	return nil
}

func readLog(c *mgmtapi.Call) *mgmtapi.Reply {
	e := find(&c.T.Auth.Logs, c.Path("id"))
	if e == nil {
		return mgmtapi.NotFound("Log not found.", "")
	}
	return mgmtapi.OK(e.Doc())
}

// listLogs has two modes: by checkpoint with from, which turns all else off, and
// by criteria.
func listLogs(c *mgmtapi.Call) *mgmtapi.Reply {
	if len(c.R.URL.RawQuery) > maxLogURI {
		return mgmtapi.Fail(http.StatusRequestURITooLong, "Request-URI Too Large", "")
	}
	if c.Query.Get("from") != "" {
		return logsFrom(c)
	}
	q, bad := logQuery(c)
	if bad != nil {
		return bad
	}
	return logPage(c, func(e *state.LogEntry) bool { return matches(e, q) })
}

// logsFrom names the next page in the header Link; behind an empty page it is
// the same one again.
func logsFrom(c *mgmtapi.Call) *mgmtapi.Reply {
	from := c.Query.Get("from")
	take := c.Number("take", 100)
	if take < 1 || take > 100 {
		return mgmtapi.BadRequest("Query validation error: 'Value "+c.Query.Get("take")+" is not between 1 and 100' on property take.", "invalid_query_string")
	}
	rows := after(&c.T.Auth.Logs, from)
	rows = rows[:min(take, len(rows))]
	if len(rows) > 0 {
		from = rows[len(rows)-1].ID()
	}
	c.W.Header().Set("Link", fmt.Sprintf(`<%sapi/v2/logs?from=%s&take=%d>; rel="next"`, c.Issuer(), from, take))
	return mgmtapi.OK(store.Render(rows, func(e *state.LogEntry) any { return e.Doc() }))
}

// logQuery reads q, or search, which without a field is the beginning of a
// client's, a connection's or a user's name.
func logQuery(c *mgmtapi.Call) (query.Query, *mgmtapi.Reply) {
	text := c.Query.Get("q")
	if search := c.Query.Get("search"); text == "" && search != "" {
		if !strings.Contains(search, ":") {
			return beginning{search}, nil
		}
		text = search
	}
	q, err := query.Parse(text)
	if err != nil || !loggable(q) {
		return nil, mgmtapi.BadRequest("The query string in 'q' is not valid. See https://auth0.com/docs/logs/log-search-query-syntax.", "invalid_query_string")
	}
	return q, nil
}

func listUserLogs(c *mgmtapi.Call) *mgmtapi.Reply {
	id := c.Path("id")
	return logPage(c, func(e *state.LogEntry) bool { return e.UserID == id })
}

// logPage answers entries by page, the newest first unless sort says otherwise.
// Its total is that of the page, as Auth0's search v3 has it.
func logPage(c *mgmtapi.Call, is func(*state.LogEntry) bool) *mgmtapi.Reply {
	o, bad := c.Offset(50, "You can only page through the first 1000 records.")
	if bad != nil {
		return bad
	}
	field, ascending := logOrder(c)
	var rows []*state.LogEntry
	all, enough := c.T.Auth.Logs.Entries, field == "date"
	for i := range all {
		e := all[i]
		if !ascending || !enough {
			e = all[len(all)-1-i]
		}
		if is(e) {
			rows = append(rows, e)
		}
		if enough && len(rows) == o.Start+o.Limit {
			break
		}
	}
	if !enough {
		slices.SortStableFunc(rows, func(a, b *state.LogEntry) int {
			if ascending {
				a, b = b, a
			}
			return strings.Compare(fieldOf(b, field), fieldOf(a, field))
		})
	}
	items := store.Render(mgmtapi.Cut(o, rows), func(e *state.LogEntry) any { return c.Fields(e.Doc()) })
	if !o.Totals {
		return mgmtapi.OK(items)
	}
	return mgmtapi.OK(map[string]any{"start": o.Start, "limit": o.Limit, "length": len(items), "total": len(items), "logs": items})
}

// logOrder reads sort: "date:-1", which is the default, or another field.
func logOrder(c *mgmtapi.Call) (field string, ascending bool) {
	field, direction, _ := strings.Cut(c.Query.Get("sort"), ":")
	if field == "" || field == "log_id" || field == "_id" {
		field = "date"
	}
	return field, direction == "1"
}

// The query language of the log is that of users
// (https://auth0.com/docs/deploy-monitor/logs/log-search-query-syntax), with
// other fields, and case counts in all of them.

// logBareFields are those that a term without a field is looked for in.
var logBareFields = []string{"client_name", "connection", "description", "ip", "log_id", "type", "user_name"}

// beginning matches entries of a client, connection or user whose name begins so,
// in any case.
type beginning struct{ text string }

func (beginning) IsQuery() {}

// fieldOf is a searchable field of an entry; others are empty and match nothing.
func fieldOf(e *state.LogEntry, name string) string {
	switch name {
	case "type":
		return e.Code
	case "description":
		return e.Description
	case "client_id":
		return e.ClientID
	case "client_name":
		return e.ClientName
	case "connection":
		return e.Connection
	case "connection_id":
		return e.ConnectionID
	case "organization_id":
		return e.OrgID
	case "user_id":
		return e.UserID
	case "user_name":
		return e.UserName
	case "user_agent":
		return e.UserAgent
	case "hostname":
		return e.Hostname
	case "ip":
		return e.IP
	case "strategy":
		return e.Strategy
	case "strategy_type":
		if e.Strategy == "auth0" {
			return "database"
		}
	case "date":
		return store.Stamp(e.At)
	case "log_id", "_id":
		return e.ID()
	}
	return ""
}

func matches(e *state.LogEntry, q query.Query) bool {
	return query.Match(q, func(q query.Query) bool {
		switch q := q.(type) {
		case query.Exists:
			return fieldOf(e, q.Field) != ""
		case query.Term:
			return matchesTerm(e, q)
		case query.Span:
			v := fieldOf(e, q.Field)
			return v != "" && q.Contains(v)
		case beginning:
			return slices.ContainsFunc([]string{e.ClientName, e.Connection, e.UserName}, func(v string) bool {
				return len(v) >= len(q.text) && strings.EqualFold(v[:len(q.text)], q.text)
			})
		}
		return false
	})
}

func matchesTerm(e *state.LogEntry, q query.Term) bool {
	fields := []string{q.Field}
	switch q.Field {
	case "":
		fields = logBareFields
	case "date": // Its beginning is enough: a day, say.
		return q.Wild == nil && strings.HasPrefix(fieldOf(e, "date"), q.Text) || q.Equals(fieldOf(e, "date"), false)
	}
	return slices.ContainsFunc(fields, func(f string) bool {
		v := fieldOf(e, f)
		return v != "" && q.Equals(v, false)
	})
}

// loggable reports whether the wildcards of a query, but for prefixes, leave at
// least three other characters.
func loggable(q query.Query) bool {
	switch q := q.(type) {
	case query.Both:
		return loggable(q.Left) && loggable(q.Right)
	case query.Either:
		return loggable(q.Left) && loggable(q.Right)
	case query.No:
		return loggable(q.Inner)
	case query.Term:
		first := slices.Index(q.Wild, true)
		return first < 0 || first == len(q.Wild)-1 || q.Letters() >= 3 // Only at the end it is a prefix.
	}
	return true
}
