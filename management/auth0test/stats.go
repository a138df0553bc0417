package auth0test

import (
	"strings"
	"time"
)

func statRoutes() []route {
	return []route{
		{method: "GET", pattern: "/stats/active-users", handle: countActiveUsers},
		{method: "GET", pattern: "/stats/daily", handle: dailyStats},
	}
}

// countActiveUsers counts who logged in during the last 30 days.
func countActiveUsers(c *call) *reply {
	n, since := 0, c.now.AddDate(0, 0, -30)
	for _, u := range c.t.users.all() {
		if u.lastLogin.After(since) {
			n++
		}
	}
	return ok(n)
}

// dailyStats are counted from the log: days without entries are left out.
func dailyStats(c *call) *reply {
	const day = "20060102"
	from, to := c.query.Get("from"), c.query.Get("to")
	for _, s := range []string{from, to} {
		if _, err := time.Parse(day, s); s != "" && err != nil {
			return badRequest("Query validation error: 'String does not match pattern ^[0-9]{8}$'.", "invalid_query_string")
		}
	}
	list, last := []any{}, ""
	for _, e := range c.t.authState.logs.entries {
		on := e.at.Format(day)
		login, signup, leak := loginCodes[e.code], e.code == "ss", strings.HasSuffix(e.code, "pwd_leak")
		if !login && !signup && !leak || from != "" && on < from || to != "" && on > to {
			continue
		}
		if on != last {
			last = on
			list = append(list, map[string]any{
				"date": stamp(e.at.Truncate(24 * time.Hour)), "created_at": stamp(e.at), "logins": 0, "signups": 0, "leaked_passwords": 0,
			})
		}
		m := list[len(list)-1].(map[string]any)
		m["updated_at"] = stamp(e.at)
		switch {
		case login:
			m["logins"] = m["logins"].(int) + 1
		case signup:
			m["signups"] = m["signups"].(int) + 1
		case leak:
			m["leaked_passwords"] = m["leaked_passwords"].(int) + 1
		}
	}
	return ok(list)
}

// loginCodes are the log's codes of successful logins.
var loginCodes = map[string]bool{"s": true, "ssa": true, "sepft": true}
