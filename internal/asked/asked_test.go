package asked

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestURI(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/app/a%2Fb?x=1&y": "/app/a%2Fb?x=1&y", "/app": "/app", "/app/?": "/app/", "http://proxied.example/app/z?q": "/app/z?q",
		"//evil.example/app": "/evil.example/app", `/%5Cevil.example`: `/%5Cevil.example`, "/": "/",
	} {
		http.StripPrefix("/app", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			assert.Equal(t, want, URI(r))
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
		assert.Equal(t, want, URI(httptest.NewRequest(http.MethodGet, target, nil)))
	}
	r := httptest.NewRequest(http.MethodGet, "/a?b=c", nil)
	r.RequestURI = "" // of a client, or made by hand
	assert.Equal(t, "/a?b=c", URI(r))
}
