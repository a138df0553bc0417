package pace

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func answer(status int, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func limits(size, left string) []string {
	return []string{"X-RateLimit-Limit", size, "X-RateLimit-Remaining", left}
}

func take(t *testing.T, p *Pacer, route string) *Pass {
	t.Helper()
	pass, err := p.Acquire(t.Context(), route, 0)
	require.NoError(t, err)
	return pass
}

// The first request of a route goes alone, a known bucket keeps its reserve, and
// another route has its own luck.
func TestReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(0.8)
		first := take(t, p, "GET users")
		_, err := p.Acquire(t.Context(), "GET users", 0)
		require.ErrorAs(t, err, new(*NoRoom))
		first.Done(answer(200, limits("40", "12")...), false)
		for range 4 { // 8 of 40 stay.
			take(t, p, "GET users")
		}
		_, err = p.Acquire(t.Context(), "GET users", 0)
		require.ErrorAs(t, err, new(*NoRoom))
		take(t, p, "POST users").Done(answer(201), false)
		take(t, p, "GET users/*").Done(answer(200, limits("40", "8")...), false)
		_, err = p.Acquire(t.Context(), "GET users/*", 0) // Of the same group.
		require.ErrorAs(t, err, new(*NoRoom))
		_, err = p.Acquire(t.Context(), "GET users", -1) // A probe, a second later.
		require.NoError(t, err)
	})
}

func TestRefusalStopsItsRoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(1)
		take(t, p, "GET logs").Done(answer(429, "Retry-After", "7"), true)
		_, err := p.Acquire(t.Context(), "GET logs", time.Second)
		require.Equal(t, &NoRoom{7 * time.Second}, err)
		take(t, p, "GET users")
		pass, err := p.Acquire(t.Context(), "GET logs", 8*time.Second)
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, pass.Waited)
		pass.Done(nil, false)
	})
}

func TestWaitersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(1)
		take(t, p, "GET logs").Done(answer(429, "Retry-After", "60"), true)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 8 { // One watches, the others wait for their turn.
			wg.Go(func() {
				_, err := p.Acquire(ctx, "GET logs", -1)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		wg.Wait()
		_, err := p.Acquire(t.Context(), "GET logs", -1)
		require.NoError(t, err)
	})
}

// Whatever the headers say, nobody waits longer than the longest pause.
func FuzzHeaders(f *testing.F) {
	f.Add(429, "86400", "50", "0", "99999999999")
	f.Add(200, "", "9223372036854775807", "-1", "-9223372036854775808")
	f.Add(200, "Fri, 31 Dec 9999 23:59:59 GMT", "1", "9223372036854775807", "1")
	f.Fuzz(func(t *testing.T, status int, after, size, left, reset string) {
		p := New(0.8)
		now := time.Now()
		for range 3 {
			pass, _, _ := p.try(p.route("GET users"))
			if pass == nil {
				break
			}
			pass.Done(answer(status, "Retry-After", after, "X-RateLimit-Limit", size, "X-RateLimit-Remaining", left, "X-RateLimit-Reset", reset), status == 429)
		}
		delay := p.delay(p.route("GET users"), now)
		assert.LessOrEqual(t, delay, MaxRetryAfter+time.Minute)
		again := max(0, delay) + MaxRetryAfter
		assert.LessOrEqual(t, p.delay(p.route("GET users"), now.Add(again)), time.Duration(0), strconv.Itoa(int(again/time.Second)))
	})
}

// A tenant that names another size in each answer fills no memory.
func TestSizesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(0.8)
		for n := range 5 * maxRoutes {
			size := strconv.Itoa(1000 + n)
			take(t, p, "GET users").Done(answer(200, limits(size, size)...), false)
			require.LessOrEqual(t, len(p.buckets), maxRoutes)
		}
	})
}
