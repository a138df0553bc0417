package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
)

// served is a run of the program.
type served struct {
	vars map[string]string
	log  *safeBuffer
	stop func() error
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func serve(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, w := io.Pipe()
	ended := make(chan error, 1)
	s := &served{vars: map[string]string{}, log: new(safeBuffer)}
	go func() { err := run(ctx, args, w, s.log); w.CloseWithError(err); ended <- err }()
	s.stop = func() error { cancel(); return <-ended }
	scan := bufio.NewScanner(out)
	for scan.Scan() && !strings.HasPrefix(scan.Text(), "# ready") {
		name, value, _ := strings.Cut(scan.Text(), "=")
		s.vars[name] = value
	}
	require.NoError(t, scan.Err())
	return s
}

func (s *served) client(t *testing.T) *management.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if file := s.vars["SSL_CERT_FILE"]; file != "" {
		pem, err := os.ReadFile(file)
		require.NoError(t, err)
		roots.AppendCertsFromPEM(pem)
	}
	client, err := management.New(management.Config{
		Domain: s.vars["AUTH0_DOMAIN"], ClientID: s.vars["AUTH0_CLIENT_ID"], ClientSecret: s.vars["AUTH0_CLIENT_SECRET"],
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
	})
	require.NoError(t, err)
	return client
}

func TestServesAClient(t *testing.T) {
	t.Parallel()
	s := serve(t, "-ca", filepath.Join(t.TempDir(), "ca.pem"))
	users, err := s.client(t).UsersByEmail(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.Len(t, users, 1)
	require.NoError(t, s.stop())
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d 200 POST   /oauth/token \d+m?s$`, s.log.String())
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d 200 GET    /api/v2/users-by-email \d+m?s$`, s.log.String())
	assert.NotContains(t, s.log.String(), "ada@example.com", "queries are not logged")

	again := serve(t, "-ca", filepath.Join(t.TempDir(), "ca.pem"))
	same, err := again.client(t).UsersByEmail(t.Context(), "ada@example.com")
	require.NoError(t, err)
	assert.Equal(t, users[0].ID, same[0].ID, "ids do not change between starts")
	for _, name := range []string{"AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "APP_CLIENT_ID", "APP_CLIENT_SECRET"} {
		assert.Equal(t, s.vars[name], again.vars[name], name)
		assert.NotEmpty(t, again.vars[name], name)
	}
	require.NoError(t, again.stop())
}

func TestFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"users":[{"email":"eve@example.com","password":"x"}],"applications":[{"name":"a","id":"app1","secret":"s1","callbacks":["https://a/cb"]}]}`), 0o600))
	s := serve(t, "-http", "-client-id", "m1", "-client-secret", "s2", "-seed", file, "-plan", "free", "-ignore-settings", "bindings,clients")
	assert.Equal(t, "m1", s.vars["AUTH0_CLIENT_ID"])
	assert.Equal(t, "s2", s.vars["AUTH0_CLIENT_SECRET"])
	assert.Equal(t, "app1", s.vars["APP_CLIENT_ID"])
	assert.NotContains(t, s.vars, "SSL_CERT_FILE")
	require.True(t, strings.HasPrefix(s.vars["AUTH0_ISSUER_BASE_URL"], "http://127.0.0.1:"))
	res, err := http.Get(s.vars["AUTH0_ISSUER_BASE_URL"] + "/")
	require.NoError(t, err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	users, err := s.client(t).UsersByEmail(t.Context(), "eve@example.com")
	require.NoError(t, err, "with AUTH0_DOMAIN as it is printed")
	assert.Len(t, users, 1)
	for _, want := range []string{"AUTH0_DOMAIN=http://127.0.0.1:", "eve@example.com", "AUTH0_CLIENT_ID=app1", "AUTH0_CLIENT_SECRET=s1"} {
		assert.Contains(t, string(page), want)
	}
	res, err = http.Get(s.vars["AUTH0_ISSUER_BASE_URL"] + "/api/v2/roles")
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, "2", res.Header.Get("X-RateLimit-Limit"), "of the plan")
	require.NoError(t, s.stop())
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "seed.json")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	for want, args := range map[string][]string{
		"-ca is missing":                 nil,
		"-addr:":                         {"-ca", filepath.Join(t.TempDir(), "ca.pem"), "-addr", "nowhere"},
		"-ca:":                           {"-ca", filepath.Join(t.TempDir(), "no", "such", "folder")},
		"-plan: there is no plan":        {"-http", "-plan", "gold"},
		"-seed: open":                    {"-http", "-seed", "no-such-file.json"},
		`unknown field "user"`:           {"-http", "-seed", file(`{"user":[]}`)},
		"has a user auth0|":              {"-http", "-seed", file(`{"users":[{"email":"a@example.com"},{"email":"a@example.com"}]}`)},
		"who is no user":                 {"-http", "-seed", file(`{"organizations":[{"name":"o","members":[{"user":"nobody@example.com"}]}]}`)},
		"flag provided but not defined:": {"-no-such-flag"},
	} {
		err := run(t.Context(), args, io.Discard, io.Discard)
		require.ErrorContains(t, err, want)
	}
}
