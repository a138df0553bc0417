package auth0test_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sink is the other end of a log stream.
type sink struct {
	mu     sync.Mutex
	status int
	calls  int
	last   http.Header
	ids    []string
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.last = s.calls+1, r.Header
	if s.status/100 == 2 {
		for line := range strings.Lines(string(body)) {
			var e struct {
				ID   string `json:"log_id"`
				Data struct {
					ID string `json:"log_id"`
				} `json:"data"`
			}
			if err := json.Unmarshal([]byte(line), &e); err == nil && e.ID == e.Data.ID {
				s.ids = append(s.ids, e.ID)
			}
		}
	}
	w.WriteHeader(s.status)
}

func (s *sink) answer(status int) { s.mu.Lock(); s.status = status; s.mu.Unlock() }

func TestLogStreamDelivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := &sink{status: 204}
		tenant := auth0test.NewTenant(auth0test.Options{Outgoing: auth0test.HandlerTransport(end)})
		g := newAPI(t, tenant)
		stream := g.object("POST", "/log-streams", `{"name":"n","type":"http","sink":{"httpEndpoint":"https://sink.example.com/logs","httpContentFormat":"JSONLINES",
			"httpContentType":"application/jsonl","httpAuthorization":"Bearer s3cret","httpCustomHeaders":[{"header":"X-A","value":"b"}]}}`, 200)
		happens := func() string {
			t.Helper()
			g.want("POST", "/roles", `{"name":"`+time.Now().String()+`"}`, 200, "")
			time.Sleep(time.Minute)
			synctest.Wait()
			var entries []struct {
				ID string `json:"log_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(g.want("GET", "/logs?sort=date:-1&per_page=1", "", 200, "")), &entries))
			return entries[0].ID
		}
		set := func(status string) {
			g.want("PATCH", "/log-streams/"+stream["id"].(string), `{"status":"`+status+`"}`, 200, status)
		}
		first := happens()
		require.Contains(t, end.ids, first)
		assert.Equal(t, "Bearer s3cret", end.last.Get("Authorization"))
		assert.Equal(t, "b", end.last.Get("X-A"))
		assert.Equal(t, "application/jsonl", end.last.Get("Content-Type"))

		end.answer(500)
		before := end.calls
		second := happens()
		assert.Equal(t, before+4, end.calls, "it is sent four times")
		assert.NotContains(t, end.ids, second)
		end.answer(200)
		third := happens()
		assert.Contains(t, end.ids, second, "what was not taken is sent again")
		assert.Contains(t, end.ids, third)

		set("paused")
		fourth := happens()
		assert.NotContains(t, end.ids, fourth)
		set("active")
		fifth := happens()
		assert.Contains(t, end.ids, fourth, "what happened in the pause is not lost")
		assert.Contains(t, end.ids, fifth)
		seen := map[string]int{}
		for _, id := range end.ids {
			seen[id]++
			assert.Equal(t, 1, seen[id], "an entry that was taken is not sent again")
		}

		end.answer(500)
		happens()
		tenant.Advance(8 * 24 * time.Hour)
		g = newAPI(t, tenant)
		happens()
		g.want("GET", "/log-streams/"+stream["id"].(string), "", 200, `"status":"paused"`)
	})
}
