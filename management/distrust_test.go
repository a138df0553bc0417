package management

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lies are values of Retry-After that would switch the client off for a day, for
// 3,000 years, and, times a second in 64 bits, for 0.29 s.
func lies() []string {
	return []string{"86400", "99999999999", "18446744074", time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat)}
}

// A 429 that asks for a day costs two minutes, then one request, as often as it
// is repeated.
func TestRetryAfterIsNotBelievedBeyondTwoMinutes(t *testing.T) {
	t.Parallel()
	for _, bucket := range [][]string{nil, {"X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0"}} {
		for n := range lies() {
			synctest.Test(t, func(t *testing.T) {
				lie := status(429, append(bucket, "Retry-After", lies()[n])...)
				l := answers(lie, lie, status(204))
				c := l.client(t, 0)
				var succeeded time.Duration
				for range 1200 {
					err := c.DeleteUser(t.Context(), "auth0|1")
					if err == nil {
						succeeded = time.Since(l.start)
						break
					}
					require.ErrorIs(t, err, ErrRateLimited)
					e, ok := errors.AsType[*Error](err)
					require.True(t, ok)
					require.LessOrEqual(t, e.RetryAfter, 2*time.Minute)
					time.Sleep(time.Second)
				}
				require.LessOrEqual(t, succeeded, 4*time.Minute+2*time.Second)
				require.Len(t, l.calls, 3)
				require.GreaterOrEqual(t, l.calls[1], 2*time.Minute)
				require.GreaterOrEqual(t, l.calls[2], 4*time.Minute)
			})
		}
	}
}

// A bulk run that waits as long as it takes finds out with one request too, and
// other routes go on meanwhile.
func TestOneProbeAfterALie(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"", "50"} {
		synctest.Test(t, func(t *testing.T) {
			lie := status(429, "Retry-After", "86400")
			if left != "" {
				lie = status(429, "Retry-After", "86400", "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", left)
			}
			l, other := answers(lie, lie, status(204)), 0
			l.start = time.Now()
			c, err := New(Config{Domain: testDomain, Token: func(context.Context) (string, error) { return "t", nil }, MaxWait: -1,
				HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodDelete {
						return l.RoundTrip(req)
					}
					other++
					return answerOf(req, 201, `{"id":"job_1"}`), nil
				})}})
			require.NoError(t, err)
			var wg sync.WaitGroup
			for n := range 64 {
				wg.Go(func() {
					time.Sleep(time.Duration(n) * time.Millisecond)
					assert.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
				})
			}
			time.Sleep(time.Second)
			for range 10 {
				assert.NoError(t, c.SendVerificationEmail(t.Context(), "auth0|1"))
			}
			require.Less(t, time.Since(l.start), 2*time.Second)
			require.Equal(t, 10, other)
			wg.Wait()
			require.Len(t, l.calls, 64+2)
			slices.Sort(l.calls)
			require.Zero(t, l.calls[0])
			require.Equal(t, 2*time.Minute, l.calls[1])
			require.Equal(t, 4*time.Minute, l.calls[2])
			require.Less(t, l.calls[65], 6*time.Minute)
		})
	}
}

// While a probe has no answer, one more goes every second.
func TestProbesGoOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := answers(status(429, "Retry-After", "86400"), status(204))
		l.start = time.Now()
		slow := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := l.RoundTrip(req)
			if resp.StatusCode == 204 {
				time.Sleep(2500 * time.Millisecond)
			}
			return resp, err
		})
		c, err := New(Config{Domain: testDomain, Token: func(context.Context) (string, error) { return "t", nil },
			HTTPClient: &http.Client{Transport: slow}, MaxWait: -1})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { assert.NoError(t, c.DeleteUser(t.Context(), "auth0|1")) })
		}
		wg.Wait()
		const at = 2 * time.Minute
		require.Equal(t, []time.Duration{0, at, at + time.Second, at + 2*time.Second}, l.calls[:4])
		require.Len(t, l.calls, 9)
		require.Equal(t, at+2500*time.Millisecond, l.calls[4])
	})
}

// Failures that are not a matter of the bucket are bounded in the same way.
func TestUnavailableIsNotBelievedBeyondTwoMinutes(t *testing.T) {
	t.Parallel()
	for n := range lies() {
		synctest.Test(t, func(t *testing.T) {
			l := answers(status(503, "Retry-After", lies()[n]), status(204))
			c := l.client(t, -1)
			require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
			require.Equal(t, []time.Duration{0, 2 * time.Minute}, l.calls)

			l = answers(status(503, "Retry-After", lies()[n]))
			err := l.client(t, 0).DeleteUser(t.Context(), "auth0|1")
			e, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			require.Equal(t, 2*time.Minute, e.RetryAfter)
		})
	}
}
