package platform

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/query"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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
