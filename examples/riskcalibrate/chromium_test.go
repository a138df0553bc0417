package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/browser"
)

// The report fits every screen, also at 768 and 1280 pixels, and axe finds nothing
// in either scheme.
func TestReportInChromium(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "report.html")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-demo", "-html", page}, &out))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.ServeFile(w, r, page)
		}
	}))
	t.Cleanup(server.Close)
	p := browser.Start(t)
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(server.URL)))
	p.Inspect("riskcalibrate")
	assert.Empty(t, p.ConsoleErrors())
}
