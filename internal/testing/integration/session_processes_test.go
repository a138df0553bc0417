package integration

import (
	"bufio"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	sdk "github.com/auth0/go-auth0/management"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/session/redissession"
)

const processBase = "https://app.example.com"

var processKeys = [][]byte{[]byte(strings.Repeat("k1", 16))}

// TestLoginProcess is one process of TestTokensAcrossProcesses, and nothing by itself.
func TestLoginProcess(t *testing.T) {
	redis := os.Getenv("AUTH0KIT_LOGIN_REDIS")
	if redis == "" {
		t.Skip("a process of TestTokensAcrossProcesses")
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis}})
	require.NoError(t, err)
	defer client.Close()
	store, err := redissession.New(client, redissession.Config{Prefix: os.Getenv("AUTH0KIT_LOGIN_PREFIX")})
	require.NoError(t, err)
	sessions, err := session.New(store, session.Config{Keys: processKeys})
	require.NoError(t, err)
	web, err := session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/auth/login"})
	require.NoError(t, err)
	app, err := login.FromEnv()
	require.NoError(t, err)
	auth, err := login.New(web, app, login.Config{Audience: loginAudience})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/auth/", auth)
	mux.Handle("GET /token", web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := auth.AccessToken(r.Context(), loginAudience)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, token)
	})))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = http.Serve(l, mux) }()
	_, _ = os.Stdout.WriteString("serving on " + l.Addr().String() + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

// loginProcess starts one, and returns its address.
func loginProcess(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLoginProcess$", "-test.count=1")
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), t.Output()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if addr, ok := strings.CutPrefix(lines.Text(), "serving on "); ok {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return addr
		}
	}
	t.Fatal("the process does not serve")
	return ""
}

// TestTokensAcrossProcesses: of 64 parallel requests to four processes with one
// expired access token, one uses the refresh token, whose reuse would end them all.
func TestTokensAcrossProcesses(t *testing.T) {
	t.Parallel()
	redis := backends.Redis(t)
	tenant := auth0test.NewTenant(auth0test.Options{})
	auth0 := tenant.StartHTTP()
	t.Cleanup(auth0.Close)
	tenant.AddAPI(loginAudience, "read:invoices")
	app := tenant.AddClient(auth0test.Application{CallbackURL: processBase + "/auth/callback", RotateRefreshTokens: true})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	require.NoError(t, tenant.Management().API().ResourceServer.Update(t.Context(), loginAudience, &sdk.ResourceServer{AllowOfflineAccess: new(true)}))
	var processes []string
	prefix := "test:" + rand.Text()
	for range 4 {
		processes = append(processes, loginProcess(t, "AUTH0KIT_LOGIN_REDIS="+redis, "AUTH0KIT_LOGIN_PREFIX="+prefix,
			"APP_BASE_URL="+processBase, "AUTH0_DOMAIN="+auth0.URL, "AUTH0_CLIENT_ID="+app.ID, "AUTH0_CLIENT_SECRET="+app.Secret))
	}
	var turn atomic.Int64
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &http.Client{Jar: jar, Transport: navigating{roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "app.example.com" {
			r.URL.Scheme, r.URL.Host = "http", processes[turn.Add(1)%4]
		}
		return http.DefaultTransport.RoundTrip(r)
	})}}
	expired := body(t, submit(t, c, visit(t, c, processBase+"/auth/login?to=/token"), "username", "ada@example.com", "password", "correct horse"))
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	store, err := redissession.New(client, redissession.Config{Prefix: prefix})
	require.NoError(t, err)
	sessions, err := session.New(store, session.Config{Keys: processKeys})
	require.NoError(t, err)
	expireAccess(t, sessions, c, processBase)
	exchanges := func() (n int) {
		for _, r := range tenant.Requests() {
			if strings.HasSuffix(r.Path, "/oauth/token") {
				assert.Equal(t, http.StatusOK, r.Status, "no refresh token was used twice")
				n++
			}
		}
		return n
	}
	before := exchanges()
	tokens := make([]string, 64)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() { tokens[i] = body(t, visit(t, c, processBase+"/token")) })
	}
	all.Wait()
	assert.Equal(t, 1, exchanges()-before, "exchanges of 64 requests over four processes")
	assert.NotEqual(t, expired, tokens[0])
	assert.Equal(t, 3, strings.Count(tokens[0], ".")+1, tokens[0])
	for _, token := range tokens {
		assert.Equal(t, tokens[0], token)
	}
}
