package tenancy_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// GHSA-4mq7-pvjg-xp2r, CVE-2021-32701, heimdall#3452: an answer for one route
// must not serve another.
func TestCacheConfusionSameTokenTwoRoutes(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	read, admin := x.require(tenancy.AllOf("read:invoices"))(reached), x.require(tenancy.AllOf("admin:all"))(reached)
	good := token(i, "", nil)
	for range 3 {
		wantStatus(t, ask(read, good), http.StatusOK)
		wantStatus(t, ask(admin, good), http.StatusForbidden, `error="insufficient_scope"`, `scope="admin:all"`)
	}
}

func TestCacheConfusionSameTokenTwoOrganizations(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromHeader("X-Org"), tenancy.GuardConfig{})
	h := x.require(tenancy.AllOf("read:invoices"))(reached)
	good := token(i, "", nil)
	for range 3 {
		for org, status := range map[string]int{orgID: 200, "org_victim": 403, "ORG_ACME": 403, "": 400} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+good)
			r.Header.Set("X-Org", org)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			wantStatus(t, w.Result(), status)
		}
	}
}

func TestCacheConfusionSameTokenTwoAPIs(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	good := token(i, "", nil)
	ours := verifier(t, i, tenancy.VerifierConfig{})
	other, err := tenancy.NewVerifier(i.ID, "https://other.example.com", tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := ours.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		_, err := other.Verify(t.Context(), good)
		wantToken(t, err, "audience")
	}
}

// fast-jwt GHSA-rp9m-7r4c-75qg: tokens that share a prefix, a suffix or a
// signature are different tokens.
func TestCacheConfusionSimilarTokens(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	v := verifier(t, i, tenancy.VerifierConfig{})
	good := token(i, "", nil)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for n := range len(good) {
		bad := []byte(good)
		if bad[n] == 'A' {
			bad[n] = 'B'
		} else {
			bad[n] = 'A'
		}
		if _, err := v.Verify(t.Context(), string(bad)); !errors.Is(err, tenancy.ErrInvalidToken) {
			t.Fatalf("byte %d changed: %v", n, err)
		}
	}
}

func TestCacheEntryEndsWithTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i, tenancy.VerifierConfig{})
		good := token(i, "exp", time.Now().Add(2*time.Minute).Unix())
		for range 5 {
			if _, err := v.Verify(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			time.Sleep(29 * time.Second)
		}
		time.Sleep(5 * time.Second) // exp and the leeway of 30 s are over
		_, err := v.Verify(t.Context(), good)
		wantToken(t, err, "expired")
	})
}

func TestCacheEntryEndsWithItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i, tenancy.VerifierConfig{})
		good := token(i, "", nil)
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		i.Publish(josetest.RSAKey("new", &josetest.RSA(1).PublicKey))
		time.Sleep(5 * time.Minute)
		_, err := v.Verify(t.Context(), good)
		wantToken(t, err, "key")
	})
}

func TestCacheServesThroughAnOutageUpToMaxStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i, tenancy.VerifierConfig{MaxStale: time.Hour})
		long := token(i, "exp", time.Now().Add(10*time.Hour).Unix())
		if _, err := v.Verify(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		i.Answer(http.StatusInternalServerError, nil)
		time.Sleep(59 * time.Minute)
		if _, err := v.Verify(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := v.Verify(t.Context(), long); !errors.Is(err, tenancy.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
	})
}

func TestCallersCannotChangeTheCache(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	good := token(i, "", nil)
	for range 2 {
		tenant := mustExtract(t, x, good)
		if !slices.Equal(tenant.Permissions, []string{"read:invoices", "write:invoices"}) {
			t.Fatalf("got %q", tenant.Permissions)
		}
		tenant.Permissions[0], tenant.Scopes[0], tenant.TenantID = "admin:all", "admin:all", "org_victim"
	}
}

func TestCacheIsBounded(t *testing.T) {
	i := josetest.NewIssuer()
	const size, tokens = 50, 400
	v := verifier(t, i, tenancy.VerifierConfig{CacheSize: size, Algorithms: []string{"ES256"}})
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	verify := func(n int) {
		c := josetest.With(claims(i), "n", n)
		if _, err := v.Verify(t.Context(), josetest.Sign(josetest.EC(), josetest.With(josetest.Header("es"), "alg", "ES256"), c)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range size {
		verify(n)
	}
	before := heap()
	for n := range tokens {
		verify(size + n)
	}
	if grown := heap() - before; grown > 64<<10 {
		t.Errorf("the heap has grown by %d bytes with a full cache", grown)
	}
	runtime.KeepAlive(v)
}

func TestCacheUnderConcurrency(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	h := x.require(tenancy.AllOf("read:invoices"))(reached)
	tokens := []string{token(i, "", nil), token(i, "permissions", []string{"other"}), token(i, "exp", 1000)}
	want := []int{200, 403, 401}
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			for m := range 50 {
				k := (n + m) % len(tokens)
				if got := ask(h, tokens[k]).StatusCode; got != want[k] {
					t.Errorf("got %d, want %d", got, want[k])
				}
			}
		})
	}
	wg.Wait()
}
