package integration

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

const smallestLogin = "testdata/smallest_login.go"

// TestSmallestLogin builds the program that README and the doc of session/login
// show, runs it as users do, and logs in.
func TestSmallestLogin(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile(smallestLogin)
	require.NoError(t, err)
	addr := "127.0.0.1:" + backends.FreePort(t)
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "login")
	require.NoError(t, os.WriteFile(source, []byte(strings.Replace(string(program), `":8080"`, `"`+addr+`"`, 1)), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, string(out))

	const base = "https://app.example.com" // whose proxy is the transport below
	tenant := auth0test.NewTenant(auth0test.Options{})
	auth0 := tenant.StartHTTP()
	t.Cleanup(auth0.Close)
	app := tenant.AddClient(auth0test.Application{CallbackURL: base + "/auth/callback", LogoutURL: base})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	run := exec.CommandContext(t.Context(), binary)
	run.Env = append(os.Environ(), "APP_BASE_URL="+base, "AUTH0_DOMAIN="+auth0.URL, "AUTH0_CLIENT_ID="+app.ID,
		"AUTH0_CLIENT_SECRET="+app.Secret, "SESSION_KEY="+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k1"), 16)))
	run.Stderr = t.Output()
	require.NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Transport: navigating{roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "app.example.com" {
			r.URL.Scheme, r.URL.Host = "http", addr
		}
		return http.DefaultTransport.RoundTrip(r)
	})}}
	page, err := browser.Get(base + "/account")
	require.NoError(t, err)
	assert.Contains(t, body(t, submit(t, browser, page, "username", "ada@example.com", "password", "correct horse")), "Hello "+ada)
}

// TestSmallestLoginIsShown: the doc of session/login and README have the program,
// word by word.
func TestSmallestLoginIsShown(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile(smallestLogin)
	require.NoError(t, err)
	doc, err := os.Open("../../../session/login/doc.go")
	require.NoError(t, err)
	defer doc.Close()
	var shown strings.Builder
	for lines := bufio.NewScanner(doc); lines.Scan(); {
		line, _ := strings.CutPrefix(lines.Text(), "//")
		shown.WriteString(strings.TrimPrefix(line, "\t") + "\n")
	}
	assert.Contains(t, shown.String(), string(program))
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	assert.Contains(t, string(readme), string(program))
}
