package tenancy_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// invented is a token with a key that nobody has.
func invented(i *josetest.Issuer, n int) string {
	return josetest.Segment(josetest.Header(fmt.Sprint("invented-", n))) + "." + josetest.Segment(claims(i)) + ".AAAA"
}

func TestStormOfUnknownKeysThroughTheMiddleware(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).authenticated()(reached)
		good := token(i, "", nil)
		wantStatus(t, ask(h, good), http.StatusOK)
		var wg sync.WaitGroup
		for n := range 500 {
			junk := invented(i, n)
			wg.Go(func() { wantStatus(t, ask(h, junk), http.StatusUnauthorized, `error="invalid_token"`) })
		}
		wg.Wait()
		if got := i.Fetches.Load(); got > 3 {
			t.Errorf("%d fetches, want the first and two for 500 unknown keys", got)
		}
		i.Publish(josetest.RSAKey("rs", &josetest.RSA(0).PublicKey), josetest.RSAKey("new", &josetest.RSA(1).PublicKey))
		rotated := josetest.Sign(josetest.RSA(1), josetest.Header("new"), claims(i))
		wantStatus(t, ask(h, rotated), http.StatusOK)
		wantStatus(t, ask(h, good), http.StatusOK)
	})
}

func TestStormOfBadSignaturesThroughTheMiddleware(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).authenticated()(reached)
		wantStatus(t, ask(h, token(i, "", nil)), http.StatusOK)
		head := josetest.Segment(josetest.Header("rs")) + "."
		for n := range 500 {
			forged := head + josetest.Segment(josetest.With(claims(i), "n", n)) + "." + josetest.Base64(make([]byte, 256))
			wantStatus(t, ask(h, forged), http.StatusUnauthorized, "signature")
			time.Sleep(100 * time.Millisecond)
		}
		if got := i.Fetches.Load(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

func TestOutageIsNoReasonToSignUsersOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		i.Answer(0, errors.New("no route to host"))
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).authenticated()(reached)
		good := token(i, "", nil)
		for range 10 {
			resp := ask(h, good)
			wantStatus(t, resp, http.StatusServiceUnavailable)
			if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 5 {
				t.Errorf("Retry-After is %q", resp.Header.Get("Retry-After"))
			}
			if resp.Header.Get("WWW-Authenticate") != "" {
				t.Error("the client is asked to authenticate")
			}
		}
		i.Answer(http.StatusOK, nil)
		time.Sleep(5 * time.Second)
		wantStatus(t, ask(h, good), http.StatusOK)
	})
}

func TestCustomDomainsOfOneTenant(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	// However a domain is written, iss is compared in Auth0's form.
	v, err := tenancy.NewVerifier(strings.TrimSuffix(i.ID, "/"), audience, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}, OtherIssuers: []string{"login.example.com"}})
	require.NoError(t, err)
	for iss, ok := range map[string]bool{i.ID: true, "https://login.example.com/": true, "https://login.example.com": false, "https://evil.example.com/": false} {
		_, err := v.Verify(t.Context(), token(i, "iss", iss))
		if ok != (err == nil) {
			t.Errorf("%s: %v", iss, err)
		}
	}
	if got := i.Fetches.Load(); got != 2 {
		t.Errorf("%d fetches, want one for each issuer that is ours", got)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		issuer, audience string
		cfg              tenancy.VerifierConfig
	}{
		"path":           {"https://tenant.example.com/a/", audience, tenancy.VerifierConfig{}},
		"http":           {"http://tenant.example.com/", audience, tenancy.VerifierConfig{}},
		"query":          {"https://tenant.example.com/?x=/", audience, tenancy.VerifierConfig{}},
		"other issuer":   {"https://tenant.example.com/", audience, tenancy.VerifierConfig{OtherIssuers: []string{""}}},
		"no audience":    {"https://tenant.example.com/", "", tenancy.VerifierConfig{}},
		"quote":          {"https://tenant.example.com/", `a"b`, tenancy.VerifierConfig{}},
		"line break":     {"https://tenant.example.com/", "a\nb", tenancy.VerifierConfig{}},
		"HS256":          {"https://tenant.example.com/", audience, tenancy.VerifierConfig{Algorithms: []string{"HS256"}}},
		"leeway":         {"https://tenant.example.com/", audience, tenancy.VerifierConfig{Leeway: time.Hour}},
		"short MaxStale": {"https://tenant.example.com/", audience, tenancy.VerifierConfig{MaxStale: time.Second}},
	} {
		_, err := tenancy.NewVerifier(c.issuer, c.audience, c.cfg)
		if err == nil || !strings.HasPrefix(err.Error(), "tenancy: ") || strings.Contains(err.Error(), "jose") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What the caller does with a slice afterwards changes nothing.
func TestPolicyIsACopy(t *testing.T) {
	t.Parallel()
	i, algorithms := josetest.NewIssuer(), []string{"RS256"}
	v := verifier(t, i, tenancy.VerifierConfig{Algorithms: algorithms, CacheSize: -1})
	algorithms[0] = "ES256"
	_, err := v.Verify(t.Context(), token(i, "", nil))
	require.NoError(t, err)
}

// One junk token a second through the routes, and a rotation: no request with the new
// key is answered with 401, at most one of 1,000 is refused at all, nobody waits
// longer than 10 s, and the issuer sees at most six fetches a minute.
func TestRotationUnderJunkThroughTheMiddleware(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).authenticated()(reached)
		wantStatus(t, ask(h, token(i, "", nil)), http.StatusOK)
		fetches, start := i.Fetches.Load(), time.Now()
		statuses := make(map[int]int)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for n := range 1000 {
			wg.Go(func() { wantStatus(t, ask(h, invented(i, n)), http.StatusUnauthorized, `error="invalid_token"`) })
			if n%100 == 0 {
				i.Publish(josetest.RSAKey(fmt.Sprint("rotation-", n/100), &josetest.RSA(n/100%3).PublicKey))
			}
			good := josetest.Sign(josetest.RSA(n/100%3), josetest.Header(fmt.Sprint("rotation-", n/100)), josetest.With(claims(i), "jti", fmt.Sprint(n)))
			wg.Go(func() {
				began := time.Now()
				status := ask(h, good).StatusCode
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
				if waited := time.Since(began); waited > 10*time.Second {
					t.Errorf("a request waited %s", waited)
				}
			})
			time.Sleep(time.Second)
		}
		minutes := time.Since(start).Minutes()
		got := float64(i.Fetches.Load() - fetches)
		wg.Wait()
		require.GreaterOrEqual(t, statuses[http.StatusOK], 999, "%v", statuses)
		require.Zero(t, statuses[http.StatusUnauthorized], "%v", statuses)
		require.LessOrEqual(t, got, 6*minutes+3)
	})
}
