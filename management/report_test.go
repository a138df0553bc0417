package management

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The log says each thing once, the hook counts each call.
func TestLoggerAndOnCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bucket := []string{"X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "9"}
		l := answers(status(204, bucket...), status(429, "Retry-After", "3"), status(204, bucket...), status(429, "Retry-After", "3"), status(204, bucket...), status(500))
		var log bytes.Buffer
		var calls []Call
		c, err := New(Config{
			Domain: testDomain, HTTPClient: &http.Client{Transport: l}, Token: func(context.Context) (string, error) { return "t", nil },
			Logger: slog.New(slog.NewTextHandler(&log, nil)), OnCall: func(_ context.Context, call Call) { calls = append(calls, call) },
		})
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
		}
		for range 2 {
			require.ErrorIs(t, c.SendVerificationEmail(t.Context(), "auth0|1"), ErrOutcomeUnknown)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.API().URI("users"), strings.NewReader("{}"))
		require.NoError(t, err)
		resp, err := c.HTTPClient().Do(req)
		require.NoError(t, err)
		require.Equal(t, 500, resp.StatusCode)
		for line, n := range map[string]int{
			`"auth0: learned a rate limit" route="DELETE users/*" size=10 ours=8`: 1, "is empty": 1, "waits for the rate limit": 1, "outcome of a write": 2,
		} {
			require.Equal(t, n, strings.Count(log.String(), line), "%s in %s", line, log.String())
		}
		require.NotContains(t, log.String(), "auth0|1")
		require.Len(t, calls, 6)
		require.Equal(t, Call{Op: "delete user", Requests: 1}, calls[0])
		require.Equal(t, Call{Op: "delete user", Requests: 2, Limited: 1, Waited: 3 * time.Second}, calls[1])
		require.True(t, calls[3].Doubt)
		require.Equal(t, "POST users", calls[5].Op)
		require.True(t, calls[5].Doubt)
	})
}
