package auth0test_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// TestGlobalLimit: bursts are as large as the bucket, then the rate counts.
func TestGlobalLimit(t *testing.T) {
	t.Parallel()
	for plan, want := range map[auth0test.Plan]struct{ burst, perSecond int }{
		auth0test.Free: {2, 2}, auth0test.Enterprise: {50, 16}, auth0test.EnterpriseDev: {10, 2}, auth0test.Private100: {50, 50},
	} {
		synctest.Test(t, func(t *testing.T) {
			tenant := auth0test.NewTenant(auth0test.Options{Plan: plan})
			a := newAdmin(t, tenant)
			for range 2 {
				passed := 0
				for range 2 * want.burst {
					if status, _, _ := ask(t, tenant, a.bearer, "GET", "/api/v2/roles", ""); status == 200 {
						passed++
					}
				}
				if passed != want.burst {
					t.Errorf("plan %d: a burst of %d, want %d", plan, passed, want.burst)
				}
				time.Sleep(time.Hour)
			}
			passed := 0
			for range 1000 { // Ten seconds in steps of ten milliseconds.
				if status, _, _ := ask(t, tenant, a.bearer, "GET", "/api/v2/roles", ""); status == 200 {
					passed++
				}
				time.Sleep(10 * time.Millisecond)
			}
			most := min(1000, want.burst+10*want.perSecond)
			if passed < most-1 || passed > most {
				t.Errorf("plan %d: %d in ten seconds, want %d", plan, passed, most)
			}
		})
	}
}

func TestLimitHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{Plan: auth0test.Professional})
		a := newAdmin(t, tenant)
		read := func(path string) (int, string) {
			status, _, h := ask(t, tenant, a.bearer, "GET", path, "")
			return status, fmt.Sprint(h["X-Ratelimit-Limit"], h["X-Ratelimit-Remaining"])
		}
		if _, h := read("/api/v2/roles"); h != "[10000] [9999]" {
			t.Errorf("an endpoint without a limit says %s", h)
		}
		for i := range 40 {
			if status, h := read("/api/v2/users"); status != 200 || h != fmt.Sprintf("[40] [%d]", 39-i) {
				t.Fatalf("request %d: %d %s", i, status, h)
			}
		}
		status, body, h := ask(t, tenant, a.bearer, "GET", "/api/v2/users", "")
		if status != 429 || h.Get("X-RateLimit-Remaining") != "0" || h.Get("X-RateLimit-Reset") != fmt.Sprint(time.Now().Unix()+1) || h.Get("Retry-After") != "" {
			t.Errorf("got %d %s %v", status, body, h)
		}
		if status, _ := read("/api/v2/connections"); status != 200 {
			t.Errorf("another endpoint is limited too: %d", status)
		}
	})
}

// TestHeadersOnEveryAnswer: Auth0 always sends them, refused or not.
func TestHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	for _, bearer := range []string{a.bearer, ""} {
		for _, path := range []string{"/api/v2/roles", "/api/v2/users/nobody", "/api/v2/no-such-thing", "/userinfo", "/.well-known/jwks.json"} {
			_, _, h := ask(t, tenant, bearer, "GET", path, "")
			for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
				if h.Get(name) == "" {
					t.Errorf("%s has no %s: %v", path, name, h)
				}
			}
		}
	}
}

func TestGlobalLimitText(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{Plan: auth0test.Free})
	var last string
	for range 5 {
		_, last, _ = ask(t, tenant, "", http.MethodGet, "/api/v2/users", "")
	}
	want := `{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached","errorCode":"too_many_requests"}`
	if last != want {
		t.Errorf("got %s", last)
	}
}
