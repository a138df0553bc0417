package management

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The hook counts what a call needs beside it: tokens, and the file of an export.
func TestOnCallCountsTokensAndDownloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var calls []Call
		s := newScript(t)
		failures := 2
		s.handle("POST jobs/users-exports", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, map[string]any{"id": "job_1", "status": "completed", "location": "https://storage.test/users"})
		})
		c := s.client(func(cfg *Config) {
			through := cfg.HTTPClient.Transport
			cfg.HTTPClient = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				switch {
				case req.URL.Host == "storage.test":
					return answerOf(req, 200, `{"user_id":"auth0|1"}`), nil
				case req.URL.Path == "/oauth/token" && failures > 0:
					failures--
					return answerOf(req, 429, `{"error":"too_many_requests"}`), nil
				}
				return through.RoundTrip(req)
			})}
			cfg.OnCall = func(_ context.Context, call Call) {
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, call)
			}
		})
		for _, err := range c.ExportUsers(t.Context(), "con_1") {
			require.NoError(t, err)
		}
		require.Equal(t, []Call{{Op: "token", Requests: 3, Limited: 2}, {Op: "export users", Requests: 1}, {Op: "download users", Requests: 1}}, calls)
	})
}

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
