package auth0test_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// plainGet reads a user over a client, with a token of its own.
func plainGet(ctx context.Context, hc *http.Client, base, bearer string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", base+"/api/v2/users/auth0%7Ca", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", bearer)
	return hc.Do(r)
}

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	tenant.Fault("GET /api/v2/users/{id}", auth0test.Fault{Status: 503, Times: 2})
	tenant.Fault("GET /api/v2/users/{id}", auth0test.Fault{RetryAfter: 1500 * time.Millisecond, Times: 1})
	for i, want := range []int{503, 503, 429, 404} {
		status, _, header := ask(t, tenant, a.bearer, "GET", "/api/v2/users/auth0%7Ca", "")
		if status != want {
			t.Errorf("request %d: got %d, want %d", i, status, want)
		}
		if retry := header.Get("Retry-After"); (retry == "2") != (want == 429) {
			t.Errorf("request %d: Retry-After %q", i, retry)
		}
	}
	remove := tenant.Fault("POST /oauth/token", auth0test.Fault{Status: 500})
	status, body, _ := ask(t, tenant, "", "POST", "/oauth/token", "{}")
	if status != 500 || !strings.Contains(body, `"error":"server_error"`) {
		t.Errorf("Authentication API: %d %s", status, body)
	}
	remove()
	if status, _, _ := ask(t, tenant, "", "POST", "/oauth/token", "{}"); status == 500 {
		t.Error("the fault was not removed")
	}
}

// TestFaultCuts: the work is done or not done, the caller cannot tell; in
// process and over TLS.
func TestFaultCuts(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	server := tenant.Start()
	defer server.Close()
	bearer := "Bearer " + tokenAt(t, server.Client, server.URL, tenant)
	for name, hc := range map[string]*http.Client{"in process": tenant.HTTPClient(), "TLS": server.Client} {
		for _, f := range []auth0test.Fault{{CutBefore: true, Times: 1}, {CutAfter: true, Times: 1}} {
			tenant.Fault("POST /api/v2/roles", f)
			role := fmt.Sprint(name, f.CutAfter)
			r, _ := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/v2/roles", strings.NewReader(`{"name":"`+role+`"}`))
			r.Header.Set("Authorization", bearer)
			r.Header.Set("Content-Type", "application/json")
			if res, err := hc.Do(r); err == nil {
				t.Errorf("%s, %+v: answered %d", name, f, res.StatusCode)
			}
			_, body, _ := ask(t, tenant, "Bearer "+token(t, tenant, tenant.Machine()), "GET", "/api/v2/roles?name_filter="+strings.ReplaceAll(role, " ", "+"), "")
			if done := strings.Contains(body, role); done != f.CutAfter {
				t.Errorf("%s, %+v: done %t", name, f, done)
			}
		}
	}
}

func TestFaultLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{})
		a := newAdmin(t, tenant)
		tenant.Fault("GET /api/v2/users/{id}", auth0test.Fault{Latency: time.Minute})
		start := time.Now()
		ask(t, tenant, a.bearer, "GET", "/api/v2/users/auth0%7Ca", "")
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := plainGet(ctx, tenant.HTTPClient(), "https://"+auth0test.DefaultDomain, a.bearer)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFaultSlowBody(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddUser(resource.User{ID: "a", Email: "a@example.com"}, "")
	server := tenant.StartHTTP()
	defer server.Close()
	bearer := "Bearer " + tokenAt(t, server.Client, server.URL, tenant)
	tenant.Fault("GET /api/v2/users/{id}", auth0test.Fault{SlowBody: 150 * time.Millisecond, Times: 1})
	start := time.Now()
	res, err := plainGet(t.Context(), server.Client, server.URL, bearer)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if head := time.Since(start); head > 140*time.Millisecond {
		t.Errorf("the head came after %s", head)
	}
	if _, err := io.ReadAll(res.Body); err != nil || time.Since(start) < 150*time.Millisecond {
		t.Errorf("the body came after %s, %v", time.Since(start), err)
	}
}

func TestBadFaultPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a route without a path is taken")
		}
	}()
	auth0test.NewTenant(auth0test.Options{}).Fault("/api/v2/users", auth0test.Fault{})
}
