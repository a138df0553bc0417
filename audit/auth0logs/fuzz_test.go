package auth0logs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auth0logs"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Whatever Auth0 sends, it becomes an event that the log takes: one that is refused
// would stop all others behind it.
func FuzzEvent(f *testing.F) {
	f.Add("s", "9002026", `{"user_id":"auth0|a","ip":"::1","details":{"session_id":"x","request":{"path":"/api/v2/guardian/policies","body":["a"]}}}`)
	f.Add("sapi", "", `{"client_id":"c","details":{"request":{"path":"/api/v2/attack-protection/x","body":{"enabled":true,"shields":["a",1]}}}}`)
	f.Add("sdel", strings.Repeat("é", 300), `{"agent_id":"\u0000\n","user_id":5,"description":"`+strings.Repeat("é", 2000)+`"}`)
	f.Add("\xff.", "id", `{"user_name":"\ud800","organization_id":"`+strings.Repeat("x", 254)+`é"}`)
	f.Fuzz(func(t *testing.T, code, id, raw string) {
		e := auth0logs.EventOf("t.auth0.com", resource.LogEntry{ID: id, Type: code, Raw: json.RawMessage(raw)}, time.Unix(1e9, 0))
		require.NoError(t, e.Validate())
		require.NotEmpty(t, e.ID)
		require.False(t, e.Time.IsZero())
		if auth0logs.Lookup(code).Class == "unknown" {
			require.Equal(t, audit.Unknown, e.Outcome)
		}
	})
}

func FuzzParseBody(f *testing.F) {
	f.Add(`[{"log_id":"1","data":{}},{"_id":"2"}]`)
	f.Add(`{"log_id":"1","data":{"date":"x","type":5}}` + "\n" + `{"log_id":"2"}`)
	f.Fuzz(func(t *testing.T, body string) {
		entries, err := auth0logs.ParseBody(strings.NewReader(body))
		for _, e := range entries {
			require.NoError(t, err)
			require.NotEmpty(t, e.ID)
		}
	})
}
