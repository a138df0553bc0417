package limit

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Plan is a subscription with its rate limits, by its number among those of package
// auth0test.
type Plan uint8

// Rate is the size of a bucket and what is put back each minute or second.
type Rate struct {
	Burst, Refill float64
	Per           time.Duration
}

const (
	GlobalLimit   = "Global limit has been reached"
	EndpointLimit = "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."
)

type planLimits struct {
	management, authentication, token Rate
	methods                           Rate // Of reads, and of writes, of the authentication methods of one user.
	endpoints                         map[string]Rate
}

var fivePerMinute = Rate{5, 5, time.Minute}

// planTable follows the order of the plans.
var planTable = []planLimits{
	{},
	{ // Free.
		management: Rate{2, 2, time.Second}, authentication: Rate{300, 300, time.Minute}, token: Rate{30, 30, time.Second},
		methods: Rate{2, 2, time.Minute},
	},
	{authentication: Rate{25, 25, time.Second}, methods: fivePerMinute, endpoints: professional},
	{Rate{50, 16, time.Second}, Rate{100, 100, time.Second}, Rate{}, fivePerMinute, enterprise},
	{Rate{10, 2, time.Second}, Rate{100, 100, time.Second}, Rate{}, fivePerMinute, enterprise}, // EnterpriseDev.
	{Rate{20, 20, time.Second}, Rate{20, 20, time.Second}, Rate{}, fivePerMinute, enterprise},  // Private20 and the two larger ones.
	{Rate{50, 50, time.Second}, Rate{100, 100, time.Second}, Rate{}, fivePerMinute, enterprise},
	{Rate{5000, 5000, time.Second}, Rate{10000, 10000, time.Second}, Rate{}, fivePerMinute, nil},
}

// Methods returns a bucket for the authentication methods of one user, nil without a
// limit.
func (p Plan) Methods() *Bucket { return NewBucket(planTable[p].methods) }

// The names of endpoint buckets are those that routes carry.
var enterprise = map[string]Rate{
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

var professional = func() map[string]Rate {
	m := map[string]Rate{
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

// Limits are the buckets of a tenant.
type Limits struct {
	mu                                sync.Mutex
	management, authentication, token *Bucket
	endpoints                         map[string]*Bucket
}

func (l *Limits) Start(p Plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	table := planTable[p]
	l.management, l.authentication, l.token = NewBucket(table.management), NewBucket(table.authentication), NewBucket(table.token)
	l.endpoints = make(map[string]*Bucket)
	for name, r := range table.endpoints {
		l.endpoints[name] = NewBucket(r)
	}
}

// Bucket is a token bucket. Rates per second refill every millisecond, slower
// ones every second.
type Bucket struct {
	Rate
	tokens float64
	last   time.Time
}

func NewBucket(r Rate) *Bucket {
	if r.Burst == 0 {
		return nil
	}
	return &Bucket{Rate: r, tokens: r.Burst}
}

// perSecond is the sustained rate.
func (b *Bucket) perSecond() float64 { return b.Refill / b.Per.Seconds() }

func (b *Bucket) step() time.Duration {
	if b.Per <= time.Second {
		return time.Millisecond
	}
	return time.Second
}

// take spends a token, if there is one.
func (b *Bucket) take(now time.Time) bool {
	now = now.Truncate(b.step())
	if b.last.IsZero() || now.Before(b.last) {
		b.last = now
	}
	b.tokens = min(b.Burst, b.tokens+now.Sub(b.last).Seconds()*b.perSecond())
	b.last = now
	// A little slack: a refill computed in floating point may miss one by 1e-16.
	if b.tokens < 1-1e-9 {
		return false
	}
	b.tokens = max(0, b.tokens-1)
	return true
}

// reset is when the next request is added.
func (b *Bucket) reset(now time.Time) int64 {
	missing := math.Floor(b.tokens) + 1 - b.tokens
	wait := time.Duration(missing / b.perSecond() * float64(time.Second))
	return int64(math.Ceil(float64(now.Add(wait).UnixMilli()) / 1000))
}

func (b *Bucket) headers(h http.Header, now time.Time) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(b.Burst)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(b.tokens+1e-9)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset(now), 10))
}

// unlimited writes the headers of an answer that no bucket of the plan counts:
// Auth0 always sends some.
func unlimited(h http.Header, now time.Time) {
	h.Set("X-RateLimit-Limit", "10000")
	h.Set("X-RateLimit-Remaining", "9999")
	h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Unix()+1, 10))
}

// PassManagement spends a request of the global bucket, then one of the
// endpoint's; the answer carries the headers of the narrower of the two.
func (l *Limits) PassManagement(w http.ResponseWriter, now time.Time, endpoint string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	unlimited(w.Header(), now)
	text := Spend(l.management, w.Header(), now, GlobalLimit)
	if text == "" {
		text = Spend(l.endpoints[endpoint], w.Header(), now, EndpointLimit)
	}
	if text == "" {
		return true
	}
	web.SendError(w, http.StatusTooManyRequests, text, "too_many_requests")
	return false
}

// PassAuthentication spends a request of the Authentication API.
func (l *Limits) PassAuthentication(w http.ResponseWriter, now time.Time, path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	unlimited(w.Header(), now)
	text := Spend(l.authentication, w.Header(), now, GlobalLimit)
	if text == "" && path == "/oauth/token" {
		text = Spend(l.token, w.Header(), now, GlobalLimit)
	}
	if text == "" {
		return true
	}
	web.SendJSON(w, http.StatusTooManyRequests, map[string]string{
		"error": "too_many_requests", "error_description": text, "error_uri": "https://auth0.com/docs/policies/rate-limits",
	})
	return false
}

// Spend takes a request from a bucket and writes its headers. It returns the
// text of the refusal when the bucket is empty.
func Spend(b *Bucket, h http.Header, now time.Time, refusal string) string {
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
