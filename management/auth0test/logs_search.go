package auth0test

import (
	"slices"
	"strings"
)

// The query language of the log is that of users
// (https://auth0.com/docs/deploy-monitor/logs/log-search-query-syntax), with
// other fields, and case counts in all of them.

// logBareFields are those that a term without a field is looked for in.
var logBareFields = []string{"client_name", "connection", "description", "ip", "log_id", "type", "user_name"}

// beginning matches entries of a client, connection or user whose name begins so,
// in any case.
type beginning struct{ text string }

func (beginning) isQuery() {}

// field is a searchable field of an entry; others are empty and match nothing.
func (e *logEntry) field(name string) string {
	switch name {
	case "type":
		return e.code
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
	}
	return e.rareField(name)
}

func (e *logEntry) rareField(name string) string {
	switch name {
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
		return stamp(e.at)
	case "log_id", "_id":
		return e.id()
	}
	return ""
}

func (e *logEntry) matches(q query) bool {
	switch q := q.(type) {
	case both:
		return e.matches(q.left) && e.matches(q.right)
	case either:
		return e.matches(q.left) || e.matches(q.right)
	case no:
		return !e.matches(q.inner)
	case every:
		return true
	case exists:
		return e.field(q.field) != ""
	case term:
		return e.matchesTerm(q)
	case span:
		v := e.field(q.field)
		return v != "" && q.contains(v)
	case beginning:
		return slices.ContainsFunc([]string{e.ClientName, e.Connection, e.UserName}, func(v string) bool {
			return len(v) >= len(q.text) && strings.EqualFold(v[:len(q.text)], q.text)
		})
	}
	return false
}

func (e *logEntry) matchesTerm(q term) bool {
	fields := []string{q.field}
	switch q.field {
	case "":
		fields = logBareFields
	case "date": // Its beginning is enough: a day, say.
		return q.wild == nil && strings.HasPrefix(e.field("date"), q.text) || q.equals(e.field("date"), false)
	}
	return slices.ContainsFunc(fields, func(f string) bool {
		v := e.field(f)
		return v != "" && q.equals(v, false)
	})
}

// loggable reports whether the wildcards of a query, but for prefixes, leave at
// least three other characters.
func loggable(q query) bool {
	switch q := q.(type) {
	case both:
		return loggable(q.left) && loggable(q.right)
	case either:
		return loggable(q.left) && loggable(q.right)
	case no:
		return loggable(q.inner)
	case term:
		return q.specific()
	}
	return true
}

// specific reports whether the wildcards of a term leave enough letters.
func (q term) specific() bool {
	first := slices.Index(q.wild, true)
	if first < 0 || first == len(q.wild)-1 {
		return true // None, or only at the end: a prefix.
	}
	letters := 0
	for _, wild := range q.wild {
		if !wild {
			letters++
		}
	}
	return letters >= 3
}
