package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/examples/internal/program"
	"github.com/auth0kit/auth0kit/examples/internal/visitor"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
)

// start serves the application offline.
func start(t *testing.T) *app {
	t.Helper()
	for _, name := range []string{"AUTH0_DOMAIN", "REDIS_URL", "SESSION_KEY"} {
		t.Setenv(name, "")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a, err := newApp(l.Addr().(*net.TCPAddr).Port)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- program.Serve(ctx, l, a.handler()) }()
	go func() { _ = a.sessions.Run(ctx) }()
	t.Cleanup(func() { stop(); assert.NoError(t, <-done); a.close() })
	return a
}

// browser is a person's.
type browser struct {
	*testing.T
	*visitor.Visitor
}

func (a *app) browser(t *testing.T, agent string) *browser {
	return &browser{t, visitor.New(a.base, agent)}
}

// open asks as a navigation does and returns the page and its address.
func (b *browser) open(path string) (status int, page, at string) {
	b.Helper()
	require.NoError(b, b.Open(b.Context(), path))
	return b.Status, b.Page, b.At
}

// send fills the first form of the page.
func (b *browser) send(pairs ...string) (status int, page, at string) {
	b.Helper()
	require.NoError(b, b.Send(b.Context(), "", pairs...))
	return b.Status, b.Page, b.At
}

var endLink = regexp.MustCompile(`/sessions/end\?which=[A-Z0-9]{26}`)

// signIn opens a page and signs in where it leads.
func (a *app) signIn(b *browser, path, user string) (status int, page, at string) {
	b.Helper()
	b.open(path)
	status, page, at = b.send("username", user, "password", password)
	if user == ada {
		status, page, at = b.send("code", a.tenant.OTP(a.phone))
	}
	return status, page, at
}

const (
	onWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	onPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)

// TestSessions signs in with two devices, which the user recognizes, and signs out
// one of them, everywhere else, and everywhere.
func TestSessions(t *testing.T) {
	a := start(t)
	desk, phone := a.browser(t, onWindows), a.browser(t, onPhone)
	status, page, at := a.signIn(desk, "/sessions", ada)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, a.base+"/sessions", at)
	assert.Contains(t, page, "No sessions but this one")
	a.tenant.Advance(time.Minute) // a code is taken once
	a.signIn(phone, "/sessions", ada)
	_, page, _ = desk.open("/sessions")
	assert.Contains(t, page, "Chrome on Windows")
	assert.Contains(t, page, "Safari on iPhone")

	link := endLink.FindString(page)
	require.NotEmpty(t, link)
	_, page, _ = desk.open(link)
	assert.Contains(t, page, "End the session on Safari on iPhone?")
	_, page, _ = desk.send("which", strings.TrimPrefix(link, "/sessions/end?which="))
	assert.Contains(t, page, "That session has ended.")
	require.Eventually(t, func() bool { // Auth0 is told, which would let the phone in again without a password
		return slices.ContainsFunc(a.tenant.Requests(), func(r auth0test.Request) bool {
			return strings.HasPrefix(r.Path, "/api/v2/sessions/") && strings.HasSuffix(r.Path, "/revoke") && r.Status != 0
		})
	}, 30*time.Second, 10*time.Millisecond)
	_, _, at = phone.open("/sessions")
	assert.Contains(t, at, "/u/login")

	for which, says := range map[string]string{"others": "You are signed out everywhere else.", "all": "Sign in to see"} {
		desk.open("/sessions/end?which=" + which)
		status, page, _ = desk.send("which", which)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, page, says)
		if which == "all" {
			break
		}
	}
	_, page, _ = desk.open("/sessions/end?which=gone")
	assert.NotContains(t, page, "End ")
}

// TestTransfer: it needs a factor, and who has none is told what to do.
func TestTransfer(t *testing.T) {
	a := start(t)
	b := a.browser(t, onWindows)
	status, _, _ := a.signIn(b, "/transfer", ada)
	require.Equal(t, http.StatusOK, status)
	_, page, _ := b.send("amount", "12")
	assert.Contains(t, page, "Sent: 12 euros.")
	_, page, _ = b.open("/transfer")
	number := regexp.MustCompile(`name="number" value="([^"]+)"`).FindStringSubmatch(page)
	require.Len(t, number, 2)
	token := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(page)
	require.Len(t, token, 2)
	for _, amount := range []string{"7", "7000"} { // the form of one page, twice
		form := url.Values{"csrf_token": token[1:], "number": number[1:], "amount": {amount}}
		require.NoError(t, b.Post(t.Context(), "/transfer", form))
		assert.Contains(t, b.Page, "Sent: 7 euros.")
	}

	b = a.browser(t, onPhone)
	status, page, _ = a.signIn(b, "/transfer", bob)
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, page, "You need a second factor for this")
}

// TestAuth0EndsIt: a session that ends at Auth0 ends here, and the other way round.
func TestAuth0EndsIt(t *testing.T) {
	a := start(t)
	b := a.browser(t, onWindows)
	a.signIn(b, "/sessions", bob)
	var sid, user string
	users, err := a.tenant.Management().UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	user = users[0].ID
	list, err := a.sessions.List(t.Context(), user)
	require.NoError(t, err)
	require.Len(t, list, 1)
	sid = list[0].SID
	require.NoError(t, a.tenant.Management().RevokeSession(t.Context(), sid))
	require.Eventually(t, func() bool {
		list, err := a.sessions.List(t.Context(), user)
		return err == nil && len(list) == 0
	}, 30*time.Second, 10*time.Millisecond)
}

// TestPagesOfFailures have the look of the others, and a status.
func TestPagesOfFailures(t *testing.T) {
	a := start(t)
	b := a.browser(t, onWindows)
	for path, want := range map[string]int{"/nothing": 404, "/auth/callback?state=x": 400, "/phone": 200, "/style.css": 200} {
		status, page, _ := b.open(path)
		assert.Equal(t, want, status, path)
		if want != http.StatusOK {
			assert.Contains(t, page, "To the first page", path)
		}
	}
	_, _, _ = a.signIn(b, "/sessions", bob)
	require.NoError(t, b.Post(t.Context(), "/sessions/end", url.Values{"which": {"all"}}))
	assert.Equal(t, http.StatusForbidden, b.Status)
	assert.Contains(t, b.Page, "This form is not valid any more")
	for _, which := range []string{"", "\x00"} {
		b.open("/")
		token := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(b.Page)
		require.Len(t, token, 2)
		require.NoError(t, b.Post(t.Context(), "/sessions/end", url.Values{"csrf_token": token[1:], "which": {which}}))
		assert.Equal(t, http.StatusBadRequest, b.Status, "%q", which)
	}
	kind, body := a.pages.Refusal(&http.Request{}, session.Refusal{Status: 401})
	assert.Equal(t, "text/html; charset=utf-8", kind)
	assert.Contains(t, string(body), "You are not signed in")
}

// TestYourTenant: with AUTH0_… the application is one at a tenant that it is told of,
// and with REDIS_URL its sessions outlive it.
func TestYourTenant(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	base := "http://localhost:" + strconv.Itoa(port)
	tenant := auth0test.NewTenant(auth0test.Options{Plan: auth0test.Enterprise})
	server, err := tenant.ListenHTTP("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client := tenant.AddClient(auth0test.Application{CallbackURL: base + "/auth/callback", LogoutURL: base})
	tenant.AddGrant(client.ID, server.URL+"/api/v2/", "read:authentication_methods", "read:users", "delete:sessions", "delete:refresh_tokens")
	tenant.AddUser(resource.User{Email: bob, Name: "Bob"}, password)
	for name, value := range map[string]string{
		"AUTH0_DOMAIN": server.URL, "AUTH0_CLIENT_ID": client.ID, "AUTH0_CLIENT_SECRET": client.Secret, "APP_BASE_URL": base,
		"REDIS_URL": "redis://" + backends.Redis(t), "SESSION_KEY": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{6, 1}, 16)),
	} {
		t.Setenv(name, value)
	}
	serve := func(l net.Listener) (a *app, stop func()) {
		a, err := newApp(port)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- program.Serve(ctx, l, a.handler()) }()
		go func() { _ = a.sessions.Run(ctx) }()
		return a, func() { cancel(); assert.NoError(t, <-done); a.close() }
	}
	a, stop := serve(l)
	assert.Nil(t, a.tenant)
	b := a.browser(t, onWindows)
	_, page, at := a.signIn(b, "/sessions", bob)
	assert.Equal(t, base+"/sessions", at)
	assert.Contains(t, page, "Chrome on Windows")
	stop()

	l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	require.NoError(t, err)
	_, stop = serve(l)
	defer stop()
	_, _, at = b.open("/sessions")
	assert.Equal(t, base+"/sessions", at, "the session was in Redis")
	b.open("/sessions/end?which=all")
	_, page, _ = b.send("which", "all")
	assert.Contains(t, page, "Sign in to see")
	require.Eventually(t, func() bool { // Auth0 is told
		return slices.ContainsFunc(tenant.Requests(), func(r auth0test.Request) bool {
			return strings.HasPrefix(r.Path, "/api/v2/users/") && r.Method != http.MethodGet && r.Status >= 200 && r.Status < 300
		})
	}, 30*time.Second, 10*time.Millisecond)
}

// TestRun: the program says where it serves, and what is wrong with its settings.
func TestRun(t *testing.T) {
	for _, name := range []string{"AUTH0_DOMAIN", "REDIS_URL", "SESSION_KEY"} {
		t.Setenv(name, "")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	require.NoError(t, run(ctx, []string{"-addr", "127.0.0.1:0"}, &out))
	assert.Contains(t, out.String(), "serving on http://localhost:")
	for name, value := range map[string]string{"SESSION_KEY": "short", "REDIS_URL": "::", "AUTH0_DOMAIN": "tenant.eu.auth0.com"} {
		t.Setenv(name, value)
		err := run(ctx, []string{"-addr", "127.0.0.1:0"}, &out)
		require.Error(t, err, name)
		t.Setenv(name, "")
	}
}
