package management

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/resource"
)

// unreliable is a tenant of which one answer in twenty is cut off and one in
// twenty is a 5xx, half of each after the request was carried out, and whose
// headers lie.
type unreliable struct {
	mu                 sync.Mutex
	requests, failures int
	done               map[string]int // By email or id.
}

func (u *unreliable) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	time.Sleep(20 * time.Millisecond)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.requests++
	fate := rand.N(20)
	if fate > 1 || rand.N(2) == 0 {
		u.done[req.Method+" "+between(req.URL.Path+string(body), "n-", "-")]++
	}
	var resp *http.Response
	switch {
	case fate == 0:
		u.failures++
		return nil, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	case fate == 1:
		u.failures++
		resp = answerOf(req, []int{500, 502, 503}[rand.N(3)], "{}")
	case req.Method == http.MethodDelete:
		resp = answerOf(req, 204, "")
	default:
		resp = answerOf(req, 201, `{"user_id":"auth0|1"}`)
	}
	if rand.N(50) == 0 {
		for name, lies := range map[string][]string{
			"X-RateLimit-Limit": {"50", "-1", "9223372036854775807"}, "X-RateLimit-Remaining": {"0", "50", "x"},
			"X-RateLimit-Reset": {"99999999999", "1"}, "Retry-After": {"86400", "18446744074"},
		} {
			resp.Header.Set(name, lies[rand.N(len(lies))])
		}
	}
	return resp, nil
}

func between(s, after, before string) string {
	_, s, _ = strings.Cut(s, after)
	s, _, _ = strings.Cut(s, before)
	return s
}

// Nothing is done twice that must not be, nothing is lost in silence, and no
// request is made that no failure asked for.
func TestUnreliableTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &unreliable{done: map[string]int{}}
		c, err := New(Config{Domain: testDomain, HTTPClient: &http.Client{Transport: u}, MaxWait: -1,
			Token: func(context.Context) (string, error) { return "t", nil }})
		require.NoError(t, err)
		const calls = 5000
		var next atomic.Int64
		var outcomes [calls]error
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for n := next.Add(1) - 1; n < calls; n = next.Add(1) - 1 {
					name := fmt.Sprintf("n-%d-", n)
					if n%2 == 0 {
						_, outcomes[n] = c.CreateUser(t.Context(), resource.NewUser{User: resource.User{Connection: "Users", Email: name + "@example.com"}})
					} else {
						outcomes[n] = c.DeleteUser(t.Context(), "auth0|"+name)
					}
				}
			})
		}
		wg.Wait()
		doubts := 0
		for n, err := range outcomes {
			times := u.done[fmt.Sprintf("%s %d", []string{"POST", "DELETE"}[n%2], n)]
			if n%2 == 0 {
				assert.LessOrEqual(t, times, 1, "a user was created twice")
			}
			switch {
			case errors.Is(err, ErrOutcomeUnknown):
				doubts++
			case err == nil:
				assert.Positive(t, times, "lost: call %d", n)
			default:
				assert.NoError(t, err)
			}
		}
		t.Logf("%d requests, %d failures, %d doubts", u.requests, u.failures, doubts)
		assert.LessOrEqual(t, u.requests, (calls+u.failures)*101/100)
		assert.Positive(t, doubts)
	})
}
