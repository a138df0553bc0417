//go:build unix

package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

// webProgram is examples/web, run as users do.
type webProgram struct {
	*testing.T
	base string
}

func startWeb(t *testing.T) *webProgram {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "web")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../../examples/web").CombinedOutput()
	require.NoError(t, err, string(out))
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, binary, "-addr", "127.0.0.1:"+backends.FreePort(t))
	cmd.Env = append(os.Environ(), "AUTH0_DOMAIN=", "REDIS_URL=", "SESSION_KEY=")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return &webProgram{t, strings.TrimSpace(strings.TrimPrefix(line, "serving on "))}
}

// do runs steps of a page.
func (w *webProgram) do(p context.Context, steps ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	require.NoError(w, chromedp.Do(p, steps...))
}

// text is what a page shows.
func (w *webProgram) text(p context.Context) string {
	w.Helper()
	got, err := chromedp.Run(p, chromedp.Evaluate[string](`document.body.innerText`))
	require.NoError(w, err)
	return got
}

// shows waits for a text.
func (w *webProgram) shows(p context.Context, text string) {
	w.Helper()
	require.Eventually(w, func() bool {
		got, err := chromedp.Run(p, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
		return err == nil && strings.Contains(got, text)
	}, time.Minute, 20*time.Millisecond, "%s", text)
}

var phoneCode = regexp.MustCompile(`<code>(\d{3}) (\d{3})</code>`)

// code reads Ada's phone.
func (w *webProgram) code() string {
	w.Helper()
	res, err := http.Get(w.base + "/phone")
	require.NoError(w, err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	m := phoneCode.FindSubmatch(page)
	require.NotNil(w, m, string(page))
	return string(m[1]) + string(m[2])
}

// signIn opens a page as Bob, who has a password alone.
func (w *webProgram) signIn(p context.Context, path string) {
	w.Helper()
	w.do(p, chromedp.Navigate(w.base+path),
		chromedp.SendKeys(chromedp.ID("username"), "bob@example.com"), chromedp.SendKeys(chromedp.ID("password"), "correct horse"))
	_, err := chromedp.RunResponse(p, chromedp.Click(chromedp.CSS("button[type=submit]")))
	require.NoError(w, err)
}

// clickTwice presses a button twice, as impatient people do.
func (w *webProgram) clickTwice(p context.Context, css string) {
	w.Helper()
	_, err := chromedp.RunResponse(p, chromedp.Evaluate[chromedp.Void](`{ const b = document.querySelector(`+"`"+css+"`"+`); b.click(); b.click() }`))
	require.NoError(w, err)
}

// TestWebInChromium: double clicks, two tabs, the back button and a slow network sign
// nobody out, show nothing that has ended, and end in a page that says what happened.
func TestWebInChromium(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	p := browser.Start(t)
	w.signIn(p, "/sessions")
	require.Contains(t, w.text(p), "No sessions but this one")

	// A second browser, and a double click that ends it.
	other := p.Another()
	w.signIn(other, "/sessions")
	w.do(p, chromedp.Navigate(w.base+"/sessions/end?which=others"))
	w.clickTwice(p, "button.danger")
	w.shows(p, "You are signed out everywhere else.")
	assert.Contains(t, w.text(p), "This one", "who clicked twice is signed in")
	w.do(other, chromedp.Navigate(w.base+"/sessions"))
	require.Eventually(t, func() bool {
		got, err := chromedp.Run(other, chromedp.Evaluate[string](`location.pathname`))
		return err == nil && (got == "/u/login" || got == "/sessions") // Auth0 may not have been told yet
	}, time.Minute, 20*time.Millisecond)

	// Two tabs at the sign-in at once: both arrive.
	third := p.Another()
	tab, cancel := chromedp.NewContext(third)
	t.Cleanup(cancel)
	w.do(tab, chromedp.Navigate(w.base+"/sessions"))
	w.signIn(third, "/transfer")
	w.shows(third, "You need a second factor for this")
	w.do(tab, chromedp.SendKeys(chromedp.ID("username"), "bob@example.com"), chromedp.SendKeys(chromedp.ID("password"), "correct horse"))
	_, err := chromedp.RunResponse(tab, chromedp.Click(chromedp.CSS("button[type=submit]")))
	require.NoError(t, err)
	w.shows(tab, "This one")
	w.do(third, chromedp.Navigate(w.base+"/sessions"))
	w.shows(third, "This one")

	// Back to the sign-in that is over, and forward: no session is lost.
	_, err = chromedp.RunResponse(tab, chromedp.NavigateBack())
	require.NoError(t, err)
	w.do(tab, chromedp.Navigate(w.base+"/sessions"))
	w.shows(tab, "This one")

	// A slow network, and a sign-out that is clicked twice on it.
	p.Throttle(300*time.Millisecond, 20_000)
	w.do(p, chromedp.Navigate(w.base+"/"))
	w.clickTwice(p, `form[action="/auth/logout"] button`)
	w.shows(p, "Sign in")
	p.Throttle(0, -1)
	_, err = chromedp.RunResponse(p, chromedp.NavigateBack())
	require.NoError(t, err)
	assert.NotContains(t, w.text(p), "You are signed in as", "the page before is not shown out of a cache")
	assert.Empty(t, p.ConsoleErrors())
}

// TestWebSecondFactorInChromium signs Ada in with a double click on the code.
func TestWebSecondFactorInChromium(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	p := browser.Start(t)
	w.do(p, chromedp.Navigate(w.base+"/transfer"),
		chromedp.SendKeys(chromedp.ID("username"), "ada@example.com"), chromedp.SendKeys(chromedp.ID("password"), "correct horse"))
	_, err := chromedp.RunResponse(p, chromedp.Click(chromedp.CSS("button[type=submit]")))
	require.NoError(t, err)
	w.do(p, chromedp.SendKeys(chromedp.ID("code"), w.code()))
	_, err = chromedp.RunResponse(p, chromedp.Click(chromedp.CSS("button[type=submit]")))
	require.NoError(t, err)
	w.shows(p, "You proved your second factor at")
	w.do(p, chromedp.SendKeys(chromedp.ID("amount"), "12"))
	w.clickTwice(p, "button.primary")
	w.shows(p, "Sent: 12 euros.")
	assert.Empty(t, p.ConsoleErrors())
	w.pictures(p)
}

// pictures looks at each page.
func (w *webProgram) pictures(p *browser.Page) {
	w.Helper()
	for name, path := range map[string]string{
		"home": "/", "sessions": "/sessions", "confirm": "/sessions/end?which=all", "transfer": "/transfer", "missing": "/nothing", "phone": "/phone",
	} {
		w.do(p, chromedp.Navigate(w.base+path))
		p.Inspect("web-" + name)
	}
}

// TestDoubleClicksAtTheLoginInChromium: the link to the sign-in, the forms of Auth0's
// pages and the link to a page that needs a step-up are clicked twice each, and the
// person arrives, signed in once.
func TestDoubleClicksAtTheLoginInChromium(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	auth0 := tenant.StartHTTP()
	t.Cleanup(auth0.Close)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // apart from Auth0's cookies
	client := tenant.AddClient(auth0test.Application{CallbackURL: base + "/auth/callback"})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	phone := tenant.Enroll(ada, "otp", "")
	factors, err := guardian.New(tenant.Management(), guardian.Config{})
	require.NoError(t, err)
	sessions, err := session.New(session.NewMemory(), session.Config{Keys: processKeys})
	require.NoError(t, err)
	web, err := session.NewHTTP(sessions, session.HTTPConfig{LoginPath: "/auth/login", AllowInsecureCookie: true})
	require.NoError(t, err)
	auth, err := login.New(web, login.Application{
		Domain: auth0.URL, ClientID: client.ID, ClientSecret: client.Secret, BaseURL: base, HTTPClient: auth0.Client,
	}, login.Config{Factors: factors})
	require.NoError(t, err)
	var since atomic.Pointer[time.Time]
	since.Store(new(time.Now()))
	mux.Handle("/auth/", auth)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /{$}", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := session.FromContext(r.Context())
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<title>App</title><a id=in href=/auth/login>Sign in</a> <a id=pay href=/pay>Pay</a> signed in: %t`, s != nil)
	})))
	mux.Handle("GET /pay", web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, _ := session.FromContext(r.Context()); s.AuthenticatedBy("mfa").Before(*since.Load()) {
			auth.StepUp(w, r)
			return
		}
		_, _ = io.WriteString(w, "paid")
	})))

	w, p := &webProgram{t, base}, browser.Start(t)
	authenticate := func() {
		w.shows(p, "Password")
		w.do(p, chromedp.SendKeys(chromedp.ID("username"), "ada@example.com"), chromedp.SendKeys(chromedp.ID("password"), "correct horse"))
		w.clickTwice(p, "button[type=submit]")
		w.shows(p, "code")
		w.do(p, chromedp.SendKeys(chromedp.ID("code"), tenant.OTP(phone)))
		w.clickTwice(p, "button[type=submit]")
	}
	w.do(p, chromedp.Navigate(base+"/"))
	w.clickTwice(p, "#in")
	authenticate()
	w.shows(p, "signed in: true")
	tenant.Advance(30 * time.Second) // a code is taken once
	since.Store(new(time.Now()))
	w.clickTwice(p, "#pay")
	authenticate()
	w.shows(p, "paid")
	w.do(p, chromedp.Navigate(base+"/"))
	w.shows(p, "signed in: true")
	list, err := sessions.List(t.Context(), ada)
	require.NoError(t, err)
	assert.Len(t, list, 1, "one session")
	assert.Empty(t, p.ConsoleErrors())
}
