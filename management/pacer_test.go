package management

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// hammer makes n calls from each of 64 goroutines and returns how long it took.
func hammer(t *testing.T, n int, call func(worker int) error) time.Duration {
	t.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	for worker := range 64 {
		wg.Go(func() {
			for range n {
				if err := call(worker); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func TestBudget(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name       string
		size, rate float64
		step       time.Duration
		fullReset  bool
		latency    time.Duration
		calls      int // Of each of 64 workers.
		slack      float64
	}{
		{"enterprise", 50, 16, 0, false, 80 * time.Millisecond, 10, 2},
		{"enterprise, slow answers", 50, 16, 0, false, 900 * time.Millisecond, 10, 2},
		{"enterprise, reset means full", 50, 16, 0, true, 80 * time.Millisecond, 10, 2},
		{"free", 2, 2, 0, false, 80 * time.Millisecond, 2, 1},
		{"per minute", 40, 500. / 60, time.Second, false, 80 * time.Millisecond, 5, 2},
		{"private cloud", 5000, 5000, 0, false, 20 * time.Millisecond, 200, 64},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlan(oneGroup, map[string]*testBucket{"global": {size: tc.size, rate: tc.rate, step: tc.step}})
				p.fullReset, p.latency = tc.fullReset, tc.latency
				c := p.client(t, -1)
				took := hammer(t, tc.calls, func(worker int) error {
					if worker%2 == 0 {
						return c.DeleteUser(t.Context(), fmt.Sprint("auth0|", worker))
					}
					return c.RevokeSession(t.Context(), fmt.Sprint("sid", worker))
				})
				reserve := tc.size - math.Max(1, math.Floor(0.8*tc.size))
				total := float64(64 * tc.calls)
				ideal := time.Duration((total - (tc.size - reserve)) / tc.rate * float64(time.Second))
				t.Logf("lowest %.1f, reserve %.0f, refused %d, took %s, ideal %s", p.lowest["global"], reserve, p.refused, took, ideal)
				if p.lowest["global"] < reserve-tc.slack {
					t.Errorf("the bucket fell to %.1f; %.0f were to stay", p.lowest["global"], reserve)
				}
				if p.refused > 0 {
					t.Errorf("%d requests met an empty bucket", p.refused)
				}
				if took > ideal*14/10+5*time.Second {
					t.Errorf("took %s; the bucket would have allowed %s", took, ideal)
				}
			})
		})
	}
}

// On plans with a bucket for each group of operations, groups of one size must
// neither slow each other nor be taken for one.
func TestBucketsPerGroup(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		size      float64
		mostQuick time.Duration
		refusals  int
		call      func(c *Client, ctx context.Context, id string) error
	}{
		// Writing and deleting users are documented groups of 20.
		{"documented", 20, 36 * time.Second, 0, func(c *Client, ctx context.Context, id string) error {
			_, err := c.UpdateUser(ctx, id, resource.UserPatch{Name: new("Ada")})
			return err
		}},
		// No plan is published with groups outside of the table: refusals sort them out.
		{"not documented", 40, 50 * time.Second, 90, (*Client).RevokeSession},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlan(func(r *http.Request) string { return strings.Replace(r.Method, "POST", "PATCH", 1) }, map[string]*testBucket{
					"DELETE": {size: tc.size, rate: 2, step: time.Second},
					"PATCH":  {size: tc.size, rate: 20},
				})
				p.latency = 50 * time.Millisecond
				c := p.client(t, -1)
				var slow, quick time.Duration
				var wg sync.WaitGroup
				wg.Go(func() {
					slow = hammer(t, 1, func(worker int) error { return c.DeleteUser(t.Context(), fmt.Sprint("auth0|", worker)) })
				})
				wg.Go(func() {
					quick = hammer(t, 10, func(worker int) error { return tc.call(c, t.Context(), fmt.Sprint("auth0|", worker)) })
				})
				wg.Wait()
				t.Logf("slow group %s, quick group %s, lowest %v, refused %d", slow, quick, p.lowest, p.refused)
				if p.refused > tc.refusals {
					t.Errorf("%d requests met an empty bucket", p.refused)
				}
				if tc.refusals == 0 && (p.lowest["DELETE"] < 2 || p.lowest["PATCH"] < 2) {
					t.Errorf("lowest %v", p.lowest)
				}
				if slow > 30*time.Second || quick > tc.mostQuick {
					t.Errorf("slow group %s, quick group %s", slow, quick)
				}
			})
		})
	}
}

// What others spend is seen in the headers, and their share stays theirs.
func TestOthersSpend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlan(oneGroup, map[string]*testBucket{"global": {size: 50, rate: 16}})
		p.latency = 50 * time.Millisecond
		c := p.client(t, -1)
		stop := make(chan struct{})
		var logins sync.WaitGroup
		logins.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(100 * time.Millisecond):
					p.others("global", 1)
				}
			}
		})
		took := hammer(t, 5, func(worker int) error { return c.DeleteUser(t.Context(), fmt.Sprint("auth0|", worker)) })
		close(stop)
		logins.Wait()
		t.Logf("took %s, lowest %.1f, refused %d", took, p.lowest["global"], p.refused)
		if p.refused > 0 || p.lowest["global"] < 5 {
			t.Errorf("refused %d, lowest %.1f", p.refused, p.lowest["global"])
		}
		if took > 90*time.Second { // 280 at the 6/s that the others leave.
			t.Errorf("took %s", took)
		}
	})
}

// limited is a tenant that answers from a list and repeats its last entry.
type limited struct {
	mu      sync.Mutex
	answers []func(*http.Request) *http.Response
	calls   []time.Duration // When, since the start.
	start   time.Time
}

func (l *limited) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, time.Since(l.start))
	answer := l.answers[0]
	if len(l.answers) > 1 {
		l.answers = l.answers[1:]
	}
	return answer(req), nil
}

func status(code int, header ...string) func(*http.Request) *http.Response {
	return func(req *http.Request) *http.Response {
		resp := answerOf(req, code, fmt.Sprintf(`{"statusCode":%d,"message":"ada@example.com","errorCode":"some_code","id":"job_1","user_id":"auth0|1"}`, code))
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp
	}
}

func (l *limited) client(t *testing.T, maxWait time.Duration) *Client {
	t.Helper()
	l.start = time.Now()
	c, err := New(Config{
		Domain: testDomain, HTTPClient: &http.Client{Transport: l}, MaxWait: maxWait,
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answers(a ...func(*http.Request) *http.Response) *limited { return &limited{answers: a} }

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := answers(status(429, "Retry-After", "7"), status(201))
		c := l.client(t, 0)
		// A POST may be repeated after 429: it was refused before processing.
		if err := c.SendVerificationEmail(t.Context(), "auth0|1"); err != nil {
			t.Fatal(err)
		}
		if len(l.calls) != 2 || l.calls[1] != 7*time.Second {
			t.Errorf("calls at %v", l.calls)
		}
	})
}

func TestRetryAfterAsDate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The tenant's clock is an hour ahead; only the difference counts.
		server := time.Now().Add(time.Hour).UTC()
		l := answers(status(429, "Date", server.Format(http.TimeFormat),
			"Retry-After", server.Add(3*time.Second).Format(http.TimeFormat)), status(201))
		c := l.client(t, 0)
		if err := c.SendVerificationEmail(t.Context(), "auth0|1"); err != nil {
			t.Fatal(err)
		}
		if len(l.calls) != 2 || l.calls[1] != 3*time.Second {
			t.Errorf("calls at %v", l.calls)
		}
	})
}

func TestTooManyRequestsWithoutHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := answers(status(429), status(429), status(429), status(201))
		c := l.client(t, 0)
		if err := c.SendVerificationEmail(t.Context(), "auth0|1"); err != nil {
			t.Fatal(err)
		}
		if len(l.calls) != 4 {
			t.Fatalf("calls at %v", l.calls)
		}
		for i, least := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
			if pause := l.calls[i+1] - l.calls[i]; pause < least || pause > 2*least {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
	})
}

func TestMaxWait(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		answer  func(*http.Request) *http.Response
		maxWait time.Duration
		most    time.Duration // Of the time until the error.
		calls   int
	}{
		// Longer than the caller would wait: there is no sense in waiting at all.
		{"named", status(429, "Retry-After", "60"), 10 * time.Second, 0, 1},
		{"not named", status(429), 10 * time.Second, 10 * time.Second, 6},
		{"short", status(429), time.Millisecond, time.Millisecond, 1},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := answers(tc.answer)
				c := l.client(t, tc.maxWait)
				err := c.DeleteUser(t.Context(), "auth0|1")
				e, ok := errors.AsType[*Error](err)
				if !ok || !errors.Is(err, ErrRateLimited) || e.StatusCode != 429 || e.Code != "some_code" {
					t.Fatalf("err = %v", err)
				}
				if tc.name == "named" && e.RetryAfter != time.Minute {
					t.Errorf("RetryAfter = %s", e.RetryAfter)
				}
				if took := time.Since(l.start); took > tc.most || len(l.calls) > tc.calls {
					t.Errorf("took %s and calls at %v", took, l.calls)
				}
				// The next call knows, and does not ask.
				before := len(l.calls)
				err = c.DeleteUser(t.Context(), "auth0|1")
				if tc.name == "named" && (len(l.calls) != before || !errors.Is(err, ErrRateLimited)) {
					t.Errorf("asked again: %v", err)
				}
			})
		})
	}
}

func TestWaitsEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := answers(status(429, "Retry-After", "3600"))
		c := l.client(t, -1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 8 { // One watches the bucket, the others wait for their turn.
			wg.Go(func() {
				err := c.DeleteUser(ctx, "auth0|1")
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrRateLimited) || errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("err = %v", err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(l.start); took != 5*time.Second {
			t.Errorf("took %s", took)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := c.DeleteUser(gone, "auth0|1"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrRateLimited) {
			t.Errorf("err = %v", err)
		}
		if len(l.calls) != 1 {
			t.Errorf("calls at %v", l.calls)
		}
	})
}

// Both import slots being in use is the caller's to wait for, and says nothing
// about the bucket.
func TestJobSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := answers(func(req *http.Request) *http.Response {
			if !strings.HasSuffix(req.URL.Path, "/users-imports") {
				return answerOf(req, 204, "")
			}
			return answerOf(req, 429, `{"statusCode":429,"error":"Too Many Requests","errorCode":"too_many_requests",`+
				`"message":"There are 2 active import users jobs, please wait until some of them are finished and try again"}`)
		})
		c := l.client(t, 0)
		_, err := c.ImportUsers(t.Context(), resource.Import{ConnectionID: "con_0000000000000001", Users: []byte("[]")})
		if !errors.Is(err, ErrJobSlots) || !errors.Is(err, ErrRateLimited) {
			t.Errorf("err = %v", err)
		}
		if err := c.DeleteUser(t.Context(), "auth0|1"); err != nil {
			t.Error(err)
		}
		if len(l.calls) != 2 || time.Since(l.start) > 0 {
			t.Errorf("calls at %v, took %s", l.calls, time.Since(l.start))
		}
	})
}
