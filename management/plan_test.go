package management

import (
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// plan is a tenant's limits: a bucket for all operations, or one for each group.
type plan struct {
	mu        sync.Mutex
	buckets   map[string]*testBucket
	group     func(*http.Request) string
	fullReset bool          // X-RateLimit-Reset means a full bucket, not the next token.
	latency   time.Duration // Of each call.
	refused   int           // 429s.
	lowest    map[string]float64
	passed    map[string]int
}

type testBucket struct {
	size, rate float64 // Rate in tokens a second.
	step       time.Duration
	level      float64
	at         time.Time
}

func newPlan(group func(*http.Request) string, buckets map[string]*testBucket) *plan {
	p := &plan{buckets: buckets, group: group, lowest: map[string]float64{}, passed: map[string]int{}}
	for name, b := range buckets {
		b.level, b.at = b.size, time.Now()
		p.lowest[name] = b.size
	}
	return p
}

func oneGroup(*http.Request) string { return "global" }

func (b *testBucket) fill(now time.Time) {
	step := max(b.step, time.Millisecond)
	now = now.Truncate(step)
	if now.After(b.at) {
		b.level = min(b.size, b.level+b.rate*now.Sub(b.at).Seconds())
		b.at = now
	}
}

// others spends tokens as other clients would.
func (p *plan) others(name string, n float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.buckets[name]
	b.fill(time.Now())
	b.level = max(0, b.level-n)
}

func (p *plan) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/oauth/token" {
		return answerOf(req, 200, `{"access_token":"t","expires_in":86400,"scope":""}`), nil
	}
	time.Sleep(p.latency / 2)
	p.mu.Lock()
	now, name := time.Now(), p.group(req)
	b := p.buckets[name]
	b.fill(now)
	status := http.StatusTooManyRequests
	if b.level >= 1 {
		b.level--
		status = http.StatusNoContent
		p.passed[name]++
		p.lowest[name] = min(p.lowest[name], b.level)
	} else {
		p.refused++
	}
	resp := answerOf(req, status, "")
	if req.Method == http.MethodPatch && status == http.StatusNoContent {
		resp = answerOf(req, http.StatusOK, `{"user_id":"auth0|1"}`)
	}
	resp.Header.Set("X-RateLimit-Limit", strconv.Itoa(int(b.size)))
	resp.Header.Set("X-RateLimit-Remaining", strconv.Itoa(int(b.level)))
	wait := (1 - b.level + math.Floor(b.level)) / b.rate
	if p.fullReset {
		wait = (b.size - b.level) / b.rate
	}
	resp.Header.Set("X-RateLimit-Reset", strconv.FormatInt(int64(math.Ceil(float64(now.UnixMilli())/1000+wait)), 10))
	p.mu.Unlock()
	time.Sleep(p.latency - p.latency/2)
	return resp, nil
}

func answerOf(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req,
		ContentLength: int64(len(body)),
	}
}

func (p *plan) client(t *testing.T, maxWait time.Duration) *Client {
	t.Helper()
	c, err := New(Config{
		Domain: testDomain, HTTPClient: &http.Client{Transport: p}, MaxWait: maxWait,
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
