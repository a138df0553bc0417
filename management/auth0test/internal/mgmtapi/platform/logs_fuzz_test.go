package platform

import (
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/query"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// FuzzLogSearch looks for queries that break the search of the log, and checks
// that what is found is what NOT leaves out.
func FuzzLogSearch(f *testing.F) {
	for _, q := range []string{"", "type:s", `description:"Create a User"`, "date:[2018-12 TO 2019-01-01}", "user_name:jane*smith",
		"NOT (type:s OR type:f*) AND ip:10.0.*", "connection:*pass*", "_exists_:user_id", "x:y:z", "type:(s", "*:*", `\`, "date:>2020"} {
		f.Add(q)
	}
	entries := []*state.LogEntry{
		{Seq: 1, At: time.Date(2018, 12, 24, 1, 2, 3, 0, time.UTC), Code: "s", LogFields: state.LogFields{UserID: "auth0|1", UserName: "jane", IP: "10.0.0.1", Strategy: "auth0", Connection: "pass"}},
		{Seq: 2, At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Code: "sapi", LogFields: state.LogFields{Description: "Create a User", ClientID: "c"}},
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := query.Parse(s)
		if err != nil {
			return
		}
		loggable(q)
		for _, e := range entries {
			if matches(e, q) == matches(e, query.No{Inner: q}) {
				t.Errorf("%q and its negation agree", s)
			}
		}
	})
}
