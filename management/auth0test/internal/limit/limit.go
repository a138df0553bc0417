package limit

import (
	_ "embed"
	"encoding/json"
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

// Rate is the size of a bucket and what is put back each minute or second; in
// rates.json with seconds.
type Rate struct {
	Burst, Refill float64
	Per           time.Duration
}

func (r *Rate) UnmarshalJSON(b []byte) error {
	var v [3]float64
	err := json.Unmarshal(b, &v)
	*r = Rate{v[0], v[1], time.Duration(v[2]) * time.Second}
	return err
}

const (
	GlobalLimit   = "Global limit has been reached"
	EndpointLimit = "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."
)

// rates.json has the plans in their order, and the limits of endpoints, whose names are
// those that routes carry. Of sets of them the later counts.
//
//go:embed rates.json
var ratesJSON []byte

type planLimits struct {
	Management, Authentication, Token Rate
	Methods                           Rate // Of reads, and of writes, of the authentication methods of one user.
	Endpoints                         []string
}

type rateTable struct {
	Plans     []planLimits
	Endpoints map[string]map[string]Rate
}

var rates = sync.OnceValue(func() (t rateTable) {
	if err := json.Unmarshal(ratesJSON, &t); err != nil {
		panic(err) // The file was built into the program.
	}
	return t
})

// Methods returns a bucket for the authentication methods of one user, nil without a
// limit.
func (p Plan) Methods() *Bucket { return NewBucket(rates().Plans[p].Methods) }

// Limits are the buckets of a tenant.
type Limits struct {
	mu                                sync.Mutex
	management, authentication, token *Bucket
	endpoints                         map[string]*Bucket
}

func (l *Limits) Start(p Plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	table := rates().Plans[p]
	l.management, l.authentication, l.token = NewBucket(table.Management), NewBucket(table.Authentication), NewBucket(table.Token)
	l.endpoints = make(map[string]*Bucket)
	for _, set := range table.Endpoints {
		for name, r := range rates().Endpoints[set] {
			l.endpoints[name] = NewBucket(r)
		}
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
