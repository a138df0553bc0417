//go:build unix

package integration

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// spaPage is a single-page application: start makes a client of auth0-spa-js,
// which forgets everything when the page is loaded again.
const spaPage = `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<script src="/auth0-spa-js.js"></script>
<script>
let client;
function start(refresh) {
  client = new auth0.Auth0Client({domain: "DOMAIN", clientId: "CLIENT", useRefreshTokens: refresh, useRefreshTokensFallback: false,
    authorizationParams: {redirect_uri: location.origin + "/", audience: "https://orders.example.com", scope: "openid profile email read:orders"}});
}
const state = async () => ({user: (await client.getUser())?.email ?? "", in: await client.isAuthenticated()});
const finish = async refresh => { start(refresh); await client.handleRedirectCallback(); history.replaceState(null, "", "/"); return state(); };
const renew = () => client.getTokenSilently({cacheMode: "off"});
const reload = async () => { start(false); await client.checkSession(); return state(); };
const read = url => fetch(url).then(r => r.status, e => e.name);
</script>`

type spaState struct {
	User string `json:"user"`
	In   bool   `json:"in"`
}

// spa is the application in a browser, at a tenant on a socket.
type spa struct {
	*testing.T
	page   *browser.Page
	tenant *auth0test.Tenant
	server *auth0test.Server
	url    string
}

func newSPA(t *testing.T) *spa {
	t.Helper()
	library := filepath.Join(node.Modules(t), "@auth0", "auth0-spa-js", "dist", "auth0-spa-js.production.js")
	tenant := auth0test.NewTenant(auth0test.Options{})
	server := tenant.Start()
	t.Cleanup(server.Close)
	block, _ := pem.Decode(server.CAPEM)
	authority, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)

	var page string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth0-spa-js.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(page))
	})
	app := httptest.NewTLSServer(mux)
	t.Cleanup(app.Close)
	tenant.AddAPI("https://orders.example.com", "read:orders")
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	client := tenant.AddClient(auth0test.Application{CallbackURL: app.URL + "/", WebOrigin: app.URL, Public: true, RotateRefreshTokens: true})
	page = strings.NewReplacer("DOMAIN", server.Domain, "CLIENT", client.ID).Replace(spaPage)
	return &spa{T: t, page: browser.Start(t, authority, app.Certificate()), tenant: tenant, server: server, url: app.URL}
}

// evaluate awaits what a script of the page promises.
func evaluate[T any](s *spa, script string) T {
	s.Helper()
	got, err := chromedp.Run(s.page, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(s, err, script)
	return got
}

// login goes to the pages of the tenant and comes back.
func (s *spa) login(refresh string) {
	s.Helper()
	require.NoError(s, chromedp.Do(s.page, chromedp.Navigate(s.url+"/")))
	_, err := chromedp.RunResponse(s.page, chromedp.Evaluate[chromedp.Void](`start(`+refresh+`); client.loginWithRedirect()`))
	require.NoError(s, err)
	require.NoError(s, chromedp.Do(s.page, chromedp.SendKeys(chromedp.ID("username"), "ada@example.com"), chromedp.SendKeys(chromedp.ID("password"), "correct horse")))
	_, err = chromedp.RunResponse(s.page, chromedp.Click(chromedp.CSS("button[type=submit]")))
	require.NoError(s, err)
	if evaluate[string](s, `location.pathname`) == "/u/consent" {
		_, err = chromedp.RunResponse(s.page, chromedp.Click(chromedp.CSS("button[value=accept]")))
		require.NoError(s, err)
	}
	assert.Equal(s, spaState{"ada@example.com", true}, evaluate[spaState](s, `finish(`+refresh+`)`))
}

// opensUserInfo uses an access token where the tenant itself takes it.
func (s *spa) opensUserInfo(token string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), "GET", s.server.URL+"/userinfo", nil)
	require.NoError(s, err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := s.server.Client.Do(r)
	require.NoError(s, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(s, err)
	assert.Contains(s, string(body), "ada@example.com")
}

// count counts the requests to a path that were answered 200.
func (s *spa) count(method, path string) int {
	n := 0
	for _, r := range s.tenant.Requests() {
		if r.Method == method && r.Path == path && r.Status == 200 {
			n++
		}
	}
	return n
}

// TestSinglePageApplication: Auth0's own library logs in by redirect and renews
// silently, by a web message and by refresh tokens.
func TestSinglePageApplication(t *testing.T) {
	t.Parallel()
	s := newSPA(t)

	s.login("false")
	s.opensUserInfo(evaluate[string](s, `renew()`))
	require.NoError(t, chromedp.Do(s.page, chromedp.Navigate(s.url+"/")))
	assert.Equal(t, spaState{"ada@example.com", true}, evaluate[spaState](s, `reload()`), "the session at the tenant is enough")
	assert.Equal(t, 2, s.count("GET", "/authorize"), "both came by web messages")

	s.page = s.page.Another() // Without the session.
	s.login("true")
	tokens := s.count("POST", "/oauth/token")
	first := evaluate[string](s, `renew()`)
	s.tenant.Advance(time.Second) // Tokens of one second are alike.
	second := evaluate[string](s, `renew()`)
	assert.NotEqual(t, first, second)
	s.opensUserInfo(second)
	assert.Equal(t, tokens+2, s.count("POST", "/oauth/token"))
	assert.Equal(t, 2, s.count("GET", "/authorize"), "no frame was needed")
	assert.Empty(t, s.page.ConsoleErrors())

	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(spaPage)) }))
	t.Cleanup(foreign.Close)
	require.NoError(t, chromedp.Do(s.page, chromedp.Navigate(foreign.URL)))
	assert.Equal(t, "TypeError", evaluate[any](s, `read("`+s.server.URL+`/userinfo")`), "a page of an origin that no application has")
	assert.InEpsilon(t, 200.0, evaluate[any](s, `read("`+s.server.URL+`/.well-known/jwks.json")`), 0)
}
