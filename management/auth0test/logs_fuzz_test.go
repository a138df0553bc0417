package auth0test

import (
	"testing"
	"time"
)

// FuzzLogSearch looks for queries that break the search of the log, and checks
// that what is found is what NOT leaves out.
func FuzzLogSearch(f *testing.F) {
	for _, q := range []string{"", "type:s", `description:"Create a User"`, "date:[2018-12 TO 2019-01-01}", "user_name:jane*smith",
		"NOT (type:s OR type:f*) AND ip:10.0.*", "connection:*pass*", "_exists_:user_id", "x:y:z", "type:(s", "*:*", `\`, "date:>2020"} {
		f.Add(q)
	}
	entries := []*logEntry{
		{seq: 1, at: time.Date(2018, 12, 24, 1, 2, 3, 0, time.UTC), code: "s", logFields: logFields{UserID: "auth0|1", UserName: "jane", IP: "10.0.0.1", Strategy: "auth0", Connection: "pass"}},
		{seq: 2, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), code: "sapi", logFields: logFields{Description: "Create a User", ClientID: "c"}},
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := parseQuery(s)
		if err != nil {
			return
		}
		loggable(q)
		for _, e := range entries {
			if e.matches(q) == e.matches(no{q}) {
				t.Errorf("%q and its negation agree", s)
			}
		}
	})
}
