package tenancy_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// A flood of bad requests makes a line per reason and second, which names no user
// and nothing of a token.
func TestALinePerReasonAndSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		i := josetest.NewIssuer()
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Logger: slog.New(slog.NewTextHandler(&out, nil))}).require(tenancy.AllOf("purge:invoices"))(reached)
		good, junk := token(i, "", nil), "junk-with-a-secret"
		for range 100 {
			ask(h, good)
			ask(h, junk)
			ask(h) // no line: every browser does it
			time.Sleep(100 * time.Millisecond)
		}
		text := out.String()
		assert.Equal(t, 10, strings.Count(text, "reason=permission"))
		assert.Equal(t, 10, strings.Count(text, "reason=malformed"))
		assert.Equal(t, 18, strings.Count(text, "skipped=9"))
		assert.Contains(t, text, "missing=[purge:invoices]")
		assert.Contains(t, text, "client=client")
		for _, secret := range []string{"auth0|1", "secret", good[:20], "no_token"} {
			assert.NotContains(t, text, secret)
		}
	})
}

// A route without the wildcard is the server's mistake: 500, and once in the log.
func TestFromPathOnAnotherRoute(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromPath("org"), tenancy.GuardConfig{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	mux := http.NewServeMux()
	mux.Handle("GET /organizations/{organization}/invoices", x.authenticated()(reached))
	mux.Handle("GET /files/{org...}", x.authenticated()(reached))
	get := func(h http.Handler, path string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+token(i, "", nil))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for range 5 {
		assert.Equal(t, 500, get(mux, "/organizations/org_acme/invoices"))
	}
	assert.Equal(t, 1, strings.Count(out.String(), "reason=route"))
	assert.Contains(t, out.String(), "/organizations/{organization}/invoices")
	assert.Equal(t, 400, get(mux, "/files/"))
	assert.Equal(t, 500, get(x.authenticated()(reached), "/orgs/org_acme")) // outside of the router
	assert.Contains(t, out.String(), "outside of the router")
}
