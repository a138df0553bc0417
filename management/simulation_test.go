package management

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// simulated is a tenant's plan: a bucket for all operations (nil: none) that is
// asked first, and one for each documented group.
type simulated struct {
	mu      sync.Mutex
	global  *testBucket
	groups  map[string]*testBucket // By route.
	sent    int
	refused int
	lowest  float64 // Of what was to stay, the worst share that did, of any bucket.
}

func perMinute(size, n float64) *testBucket {
	return &testBucket{size: size, rate: n / 60, step: time.Second, level: size}
}

func perSecond(size, n float64) *testBucket { return &testBucket{size: size, rate: n, level: size} }

func (s *simulated) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(40 * time.Millisecond)
	s.mu.Lock()
	now, route := time.Now(), simulatedRoute(req)
	s.sent++
	named, status := s.global, http.StatusNoContent
	if s.global != nil && !s.spend(s.global, now) {
		status = http.StatusTooManyRequests
	} else if own := s.groups[route]; own != nil {
		named = own
		if !s.spend(own, now) {
			status = http.StatusTooManyRequests
		}
	}
	if status == http.StatusTooManyRequests {
		s.refused++
	}
	resp := answerOf(req, status, "")
	if named != nil {
		resp.Header.Set("X-RateLimit-Limit", strconv.Itoa(int(named.size)))
		resp.Header.Set("X-RateLimit-Remaining", strconv.Itoa(int(named.level)))
		wait := (1 - named.level + math.Floor(named.level)) / named.rate
		resp.Header.Set("X-RateLimit-Reset", strconv.FormatInt(int64(math.Ceil(float64(now.UnixMilli())/1000+wait)), 10))
	}
	s.mu.Unlock()
	time.Sleep(40 * time.Millisecond)
	return resp, nil
}

func (s *simulated) spend(b *testBucket, now time.Time) bool {
	if b.at.IsZero() {
		b.at = now
	}
	b.fill(now)
	if b.level < 1 {
		s.lowest = 0
		return false
	}
	b.level--
	reserve := b.size - math.Max(1, math.Floor(0.8*b.size))
	if reserve > 0 {
		s.lowest = min(s.lowest, max(0, math.Floor(b.level)/reserve))
	}
	return true
}

func simulatedRoute(req *http.Request) string {
	return req.Method + " " + strings.Split(strings.TrimPrefix(req.URL.Path, "/api/v2/"), "/")[0]
}

// work is how many calls of a route are made, by that many goroutines.
type work struct {
	method, path    string
	calls, parallel int
}

func mixed(calls, parallel int) []work {
	return []work{
		{"GET", "users/auth0|1", calls, parallel}, {"PATCH", "users/auth0|1", calls, parallel}, {"DELETE", "users/auth0|1", calls, parallel},
		{"POST", "sessions/s1/revoke", calls, parallel},
	}
}

func everyRoute() (all []work) {
	for n := range 12 {
		all = append(all, work{"GET", "area-" + string(rune('a'+n)) + "/x", 3, 3})
	}
	return all
}

type simulation struct {
	name   string
	global func() *testBucket
	groups func() map[string]*testBucket
	work   []work
	others float64 // Requests a second of somebody else.
	most   time.Duration
	refuse int
}

func none() *testBucket { return nil }

func selfService() map[string]*testBucket {
	return map[string]*testBucket{
		"GET users": perMinute(40, 500), "PATCH users": perMinute(20, 200), "DELETE users": perMinute(20, 200),
		"GET logs": perMinute(10, 100), "GET connections": perMinute(5, 50),
	}
}

func organizationGroups() map[string]*testBucket {
	return map[string]*testBucket{"GET organizations": perMinute(40, 500), "POST organizations": perMinute(20, 200)}
}

func simulations() []simulation {
	enterprise := func() *testBucket { return perSecond(50, 16) }
	noGroups := func() map[string]*testBucket { return nil }
	members := append(mixed(200, 8), work{"GET", "organizations/org_1/members", 200, 8}, work{"POST", "organizations/org_1/members", 60, 8})
	return []simulation{
		{"Free 2, 2/s: 4 routes", func() *testBucket { return perSecond(2, 2) }, noGroups, mixed(25, 4), 0, 80 * time.Second, 8},
		{"Free 2, 2/s: 12 routes at once", func() *testBucket { return perSecond(2, 2) }, noGroups, everyRoute(), 0, 40 * time.Second, 24},
		{"Self-service, table only: 4 routes", none, selfService, mixed(100, 8), 0, 40 * time.Second, 0},
		{"Enterprise 50, 16/s: 4 routes", enterprise, noGroups, mixed(200, 16), 0, 60 * time.Second, 0},
		{"Enterprise 50, 16/s: 12 routes at once", enterprise, noGroups, everyRoute(), 0, 5 * time.Second, 0},
		{"Enterprise with table: 6 routes", enterprise, organizationGroups, members, 0, 100 * time.Second, 120},
		{"Enterprise, others take 10/s", enterprise, noGroups, mixed(75, 16), 10, 70 * time.Second, 20},
		{"Private 20, 20/s: same size as groups", func() *testBucket { return perSecond(20, 20) }, noGroups, mixed(200, 8), 0, 60 * time.Second, 20},
		{"Private 5000, 5000/s", func() *testBucket { return perSecond(5000, 5000) }, noGroups, mixed(4000, 64), 0, 30 * time.Second, 0},
		{"Unpublished groups of one size", none, func() map[string]*testBucket {
			return map[string]*testBucket{"GET area-a": perMinute(40, 120), "GET area-b": perSecond(40, 20)}
		}, []work{{"GET", "area-a/x", 60, 16}, {"GET", "area-b/x", 600, 16}}, 0, 70 * time.Second, 90},
	}
}

// TestPacingSimulation prints the table of docs/management/pacing.md: what the
// pacing makes of the plans that Auth0 publishes, in virtual time.
func TestPacingSimulation(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	fmt.Fprintf(&table, "| Plan and load | Calls | Refused (429) | Took | At best | Reserve kept |\n|---|---|---|---|---|---|\n")
	for _, sc := range simulations() {
		var took time.Duration
		var refused int
		synctest.Test(t, func(t *testing.T) { took, refused = sc.run(t, &table) })
		assert.LessOrEqual(t, took, sc.most, sc.name)
		assert.LessOrEqual(t, refused, sc.refuse, sc.name)
	}
	t.Logf("\n%s", table.String())
}

func (sc simulation) run(t *testing.T, table *strings.Builder) (time.Duration, int) {
	s := &simulated{global: sc.global(), groups: sc.groups(), lowest: 1}
	c, err := New(Config{Domain: testDomain, HTTPClient: &http.Client{Transport: s}, MaxWait: -1,
		Token: func(context.Context) (string, error) { return "t", nil }})
	require.NoError(t, err)
	stop := make(chan struct{})
	var others, wg sync.WaitGroup
	if sc.others > 0 {
		others.Go(func() { s.others(stop, sc.others) })
	}
	start, calls := time.Now(), 0
	for _, w := range sc.work {
		calls += w.calls
		jobs := make(chan int, w.calls)
		for n := range w.calls {
			jobs <- n
		}
		close(jobs)
		for range w.parallel {
			wg.Go(func() {
				for range jobs {
					assert.NoError(t, c.send(t.Context(), "simulate", w.method, nil, nil, strings.Split(w.path, "/")...))
				}
			})
		}
	}
	wg.Wait()
	took := time.Since(start)
	close(stop)
	others.Wait()
	fmt.Fprintf(table, "| %s | %d | %d | %.1f s | %.1f s | %.0f%% |\n", sc.name, calls, s.refused, took.Seconds(), sc.best(calls), 100*s.lowest)
	return took, s.refused
}

func (s *simulated) others(stop chan struct{}, rate float64) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(float64(time.Second) / rate)):
			s.mu.Lock()
			s.global.fill(time.Now())
			s.global.level = max(0, s.global.level-1)
			s.mu.Unlock()
		}
	}
}

// best is the time that the buckets themselves need, with the share of ours.
func (sc simulation) best(calls int) float64 {
	least := func(n int, b *testBucket, others float64) float64 {
		return max(0, (float64(n)-max(1, math.Floor(0.8*b.size)))/(b.rate-others))
	}
	longest := 0.0
	if b := sc.global(); b != nil {
		longest = least(calls, b, sc.others)
	}
	for route, b := range sc.groups() {
		for _, w := range sc.work {
			if strings.HasPrefix(w.method+" "+w.path, route) {
				longest = max(longest, least(w.calls, b, 0))
			}
		}
	}
	return longest
}
