package users

import (
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func StatRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/stats/active-users", Handle: countActiveUsers},
		{Method: "GET", Pattern: "/stats/daily", Handle: dailyStats},
	}
}

// countActiveUsers counts who logged in during the last 30 days.
func countActiveUsers(c *mgmtapi.Call) *mgmtapi.Reply {
	n, since := 0, c.Now.AddDate(0, 0, -30)
	for _, u := range c.T.Users.All() {
		if u.LastLogin.After(since) {
			n++
		}
	}
	return mgmtapi.OK(n)
}

// dailyStats are counted from the log: days without entries are left out.
func dailyStats(c *mgmtapi.Call) *mgmtapi.Reply {
	const day = "20060102"
	from, to := c.Query.Get("from"), c.Query.Get("to")
	for _, s := range []string{from, to} {
		if _, err := time.Parse(day, s); s != "" && err != nil {
			return mgmtapi.BadRequest("Query validation error: 'String does not match pattern ^[0-9]{8}$'.", "invalid_query_string")
		}
	}
	list, last := []any{}, ""
	for _, e := range c.T.Auth.Logs.Entries {
		on := e.At.Format(day)
		counted := counts[e.Code]
		if counted == "" || from != "" && on < from || to != "" && on > to {
			continue
		}
		if on != last {
			last = on
			list = append(list, map[string]any{
				"date": store.Stamp(e.At.Truncate(24 * time.Hour)), "created_at": store.Stamp(e.At), "logins": 0, "signups": 0, "leaked_passwords": 0,
			})
		}
		m := list[len(list)-1].(map[string]any)
		m["updated_at"] = store.Stamp(e.At)
		m[counted] = m[counted].(int) + 1
	}
	return mgmtapi.OK(list)
}

// counts are what the log's codes are counted as.
var counts = map[string]string{
	"s": "logins", "ssa": "logins", "sepft": "logins", "ss": "signups",
	"pwd_leak": "leaked_passwords", "signup_pwd_leak": "leaked_passwords", "reset_pwd_leak": "leaked_passwords",
}
