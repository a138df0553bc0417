package auth0test

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Plan is a subscription with its rate limits, as published in Auth0's rate
// limit policy.
type Plan uint8

// The plans.
const (
	Unlimited     Plan = iota // no limits and no X-RateLimit headers
	Free                      // 2 requests, 2 a second
	Professional              // limits per endpoint only; Essentials and B2B are the same
	Enterprise                // 50 requests, 16 a second; production
	EnterpriseDev             // 10 requests, 2 a second; not production
	Private20                 // private cloud of 20 requests a second
	Private100                // private cloud of 100 requests a second
	Private10000              // private cloud of 10,000 requests a second
)

// rate is the size of a bucket and what is put back each minute or second.
type rate struct {
	burst, refill float64
	per           time.Duration
}

const (
	globalLimit   = "Global limit has been reached"
	endpointLimit = "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."
)

type planLimits struct {
	management, authentication, token rate
	endpoints                         map[string]rate
}

var planTable = map[Plan]planLimits{
	Free: {
		management:     rate{2, 2, time.Second},
		authentication: rate{300, 300, time.Minute},
		token:          rate{30, 30, time.Second},
	},
	Professional:  {authentication: rate{25, 25, time.Second}, endpoints: professional},
	Enterprise:    {rate{50, 16, time.Second}, rate{100, 100, time.Second}, rate{}, enterprise},
	EnterpriseDev: {rate{10, 2, time.Second}, rate{100, 100, time.Second}, rate{}, enterprise},
	Private20:     {rate{20, 20, time.Second}, rate{20, 20, time.Second}, rate{}, enterprise},
	Private100:    {rate{50, 50, time.Second}, rate{100, 100, time.Second}, rate{}, enterprise},
	Private10000:  {rate{5000, 5000, time.Second}, rate{10000, 10000, time.Second}, rate{}, nil},
}

// The names of endpoint buckets are those that routes carry.
var enterprise = map[string]rate{
	"list organizations":             {10, 100, time.Minute},
	"read organization":              {10, 100, time.Minute},
	"read organization by name":      {20, 200, time.Minute},
	"read user organizations":        {40, 500, time.Minute},
	"write organizations":            {5, 150, time.Minute},
	"read members":                   {40, 500, time.Minute},
	"write members":                  {20, 200, time.Minute},
	"read invitations":               {20, 200, time.Minute},
	"write invitations":              {20, 200, time.Minute},
	"read member roles":              {20, 200, time.Minute},
	"write member roles":             {20, 200, time.Minute},
	"read organization connections":  {10, 100, time.Minute},
	"write organization connections": {5, 150, time.Minute},
	"rotate keys":                    {5, 5, 24 * time.Hour},
}

var professional = func() map[string]rate {
	m := map[string]rate{
		"read users":                     {40, 500, time.Minute},
		"write users":                    {20, 200, time.Minute},
		"delete users":                   {20, 200, time.Minute},
		"read logs":                      {10, 100, time.Minute},
		"read clients":                   {5, 100, time.Minute},
		"read connections":               {5, 50, time.Minute},
		"list organizations":             {5, 50, time.Minute},
		"read organization":              {20, 200, time.Minute},
		"write organizations":            {5, 25, time.Minute},
		"write organization connections": {5, 25, time.Minute},
	}
	for name, r := range enterprise {
		if _, has := m[name]; !has {
			m[name] = r
		}
	}
	return m
}()

// limits are the buckets of a tenant.
type limits struct {
	mu                                sync.Mutex
	management, authentication, token *bucket
	endpoints                         map[string]*bucket
}

func (l *limits) start(p Plan) {
	table := planTable[p]
	l.management, l.authentication, l.token = newBucket(table.management), newBucket(table.authentication), newBucket(table.token)
	l.endpoints = make(map[string]*bucket)
	for name, r := range table.endpoints {
		l.endpoints[name] = newBucket(r)
	}
}

// bucket is a token bucket. Rates per second refill every millisecond, slower
// ones every second.
type bucket struct {
	rate
	tokens float64
	last   time.Time
}

func newBucket(r rate) *bucket {
	if r.burst == 0 {
		return nil
	}
	return &bucket{rate: r, tokens: r.burst}
}

// perSecond is the sustained rate.
func (b *bucket) perSecond() float64 { return b.refill / b.per.Seconds() }

func (b *bucket) step() time.Duration {
	if b.per <= time.Second {
		return time.Millisecond
	}
	return time.Second
}

// take spends a token, if there is one.
func (b *bucket) take(now time.Time) bool {
	now = now.Truncate(b.step())
	if b.last.IsZero() || now.Before(b.last) {
		b.last = now
	}
	b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.perSecond())
	b.last = now
	// A little slack: a refill computed in floating point may miss one by 1e-16.
	if b.tokens < 1-1e-9 {
		return false
	}
	b.tokens = max(0, b.tokens-1)
	return true
}

// reset is when the next request is added.
func (b *bucket) reset(now time.Time) int64 {
	missing := math.Floor(b.tokens) + 1 - b.tokens
	wait := time.Duration(missing / b.perSecond() * float64(time.Second))
	return int64(math.Ceil(float64(now.Add(wait).UnixMilli()) / 1000))
}

func (b *bucket) headers(h http.Header, now time.Time) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(b.burst)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(b.tokens+1e-9)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset(now), 10))
}

// passManagement spends a request of the global bucket, then one of the
// endpoint's; the answer carries the headers of the narrower of the two.
func (l *limits) passManagement(w http.ResponseWriter, now time.Time, rt *route) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := spend(l.management, w.Header(), now, globalLimit)
	if text == "" && rt != nil {
		text = spend(l.endpoints[rt.bucket], w.Header(), now, endpointLimit)
	}
	if text == "" {
		return true
	}
	sendJSON(w, http.StatusTooManyRequests, fail(http.StatusTooManyRequests, text, "too_many_requests").body)
	return false
}

func (l *limits) passAuthentication(w http.ResponseWriter, now time.Time, path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := spend(l.authentication, w.Header(), now, globalLimit)
	if text == "" && path == "/oauth/token" {
		text = spend(l.token, w.Header(), now, globalLimit)
	}
	if text == "" {
		return true
	}
	sendJSON(w, http.StatusTooManyRequests, map[string]string{
		"error": "too_many_requests", "error_description": text, "error_uri": "https://auth0.com/docs/policies/rate-limits",
	})
	return false
}

// spend takes a request from a bucket and writes its headers. It returns the
// text of the refusal when the bucket is empty.
func spend(b *bucket, h http.Header, now time.Time, refusal string) string {
	if b == nil {
		return ""
	}
	passed := b.take(now)
	b.headers(h, now)
	if passed {
		return ""
	}
	return refusal
}
