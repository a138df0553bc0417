package browser_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"image/color"
	"image/png"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/browser"
)

const document = `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">
<style>
  html { height: 3000px; background: rgb(255, 255, 255) }
  @media (prefers-color-scheme: dark) { html { background: rgb(0, 0, 0) } }
</style>
<form method="post" action="/greet"><input id="name" name="name"><button id="send">Send</button></form>
<script>
async function register() {
  const made = await navigator.credentials.create({publicKey: {
    challenge: new Uint8Array(32), rp: {name: "test"}, user: {id: new Uint8Array([1, 2, 3]), name: "ada", displayName: "Ada"},
    pubKeyCredParams: [{type: "public-key", alg: -7}],
    authenticatorSelection: {residentKey: "required", userVerification: "required"}}});
  return made.id;
}
async function use() {
  const got = await navigator.credentials.get({publicKey: {challenge: new Uint8Array(32), userVerification: "required"}});
  return [got.id, got.response.userHandle.byteLength, new Uint8Array(got.response.authenticatorData)[32] & 4];
}
</script>`

func site() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(document))
	})
	mux.HandleFunc("POST /greet", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "greeted", Value: r.PostFormValue("name")})
		w.Write([]byte("Hello, " + r.PostFormValue("name")))
	})
	mux.HandleFunc("GET /cookie", func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("greeted")
		if err != nil {
			w.Write([]byte("nobody"))
			return
		}
		w.Write([]byte(c.Value))
	})
	return mux
}

// local is the server's URL with a name, which an RP ID has to be.
func local(s *httptest.Server) string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }

func text(t *testing.T, p *browser.Page, url string) string {
	t.Helper()
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(url)))
	got, err := chromedp.Run(p, chromedp.Evaluate[string](`document.body.innerText`))
	require.NoError(t, err)
	return got
}

// One Chromium serves all of these, since it takes seconds to start.
func TestPage(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(site())
	t.Cleanup(server.Close)
	first := browser.Start(t)
	for _, test := range []func(*testing.T, *browser.Page, string){form, passkey, pictures, consoleErrors, throttle, onlyThisMachine} {
		test(t, first.Another(), local(server))
	}
}

func form(t *testing.T, p *browser.Page, url string) {
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(url), chromedp.SendKeys(chromedp.ID("name"), "Ada")))
	_, err := chromedp.RunResponse(p, chromedp.Click(chromedp.ID("send")))
	require.NoError(t, err)
	assert.Equal(t, "Ada", text(t, p, url+"/cookie"))
	assert.Equal(t, "nobody", text(t, p.Another(), url+"/cookie"), "another context shares no cookie")
}

func passkey(t *testing.T, p *browser.Page, url string) {
	authenticator := p.AddAuthenticator()
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(url)))

	id, err := chromedp.Run(p, chromedp.Evaluate[string](`register()`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	used, err := chromedp.Run(p, chromedp.Evaluate[[]any](`use()`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.Equal(t, []any{id, 3.0, 4.0}, used, "id, length of the user handle, flag of user verification")

	held, err := chromedp.Call(p, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: authenticator})
	require.NoError(t, err)
	require.Len(t, held.Credentials, 1)
	assert.Equal(t, "localhost", held.Credentials[0].RpID)
	assert.Empty(t, p.ConsoleErrors())
}

func pictures(t *testing.T, p *browser.Page, url string) {
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(url)))
	for _, c := range []struct {
		scheme             string
		height, wantHeight int
		background         color.Gray
	}{{"light", 640, 640, color.Gray{255}}, {"dark", 640, 640, color.Gray{0}}, {"dark", 0, 3000, color.Gray{0}}} {
		picture, err := png.Decode(bytes.NewReader(p.Screenshot(360, int64(c.height), c.scheme)))
		require.NoError(t, err)
		assert.Equal(t, 360, picture.Bounds().Dx())
		assert.Equal(t, c.wantHeight, picture.Bounds().Dy())
		assert.Equal(t, c.background, color.GrayModel.Convert(picture.At(359, c.wantHeight-1)))
	}
	assert.True(t, bytes.HasPrefix(p.PDF(), []byte("%PDF-")))
}

func consoleErrors(t *testing.T, p *browser.Page, url string) {
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(url)))
	assert.Empty(t, p.ConsoleErrors())
	require.NoError(t, chromedp.Do(p, chromedp.Evaluate[chromedp.Void](`console.log("fine"); console.error("broken")`)))
	assert.Equal(t, []string{"error: broken"}, p.ConsoleErrors())
	_, err := chromedp.Run(p, chromedp.Evaluate[int](`fetch("/absent").then(r => r.status)`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.Len(t, p.ConsoleErrors(), 2, "a failed request")
}

// A delay is a lower bound, which no busy machine breaks.
func throttle(t *testing.T, p *browser.Page, url string) {
	require.NoError(t, chromedp.Do(p, chromedp.Navigate(url)))
	p.Throttle(300*time.Millisecond, -1)
	took, err := chromedp.Run(p, chromedp.Evaluate[float64](`(async () => {
		const start = performance.now();
		await (await fetch("/cookie", {cache: "no-store"})).text();
		return performance.now() - start;
	})()`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, took, 290.0)
}

func onlyThisMachine(t *testing.T, p *browser.Page, _ string) {
	assert.ErrorContains(t, chromedp.Do(p, chromedp.Navigate("http://example.com")), "ERR_NAME_NOT_RESOLVED")
}

func TestTrustedCertificate(t *testing.T) {
	t.Parallel()
	trusted, stranger := httptest.NewTLSServer(site()), httptest.NewUnstartedServer(site())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake that fails
	stranger.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	stranger.StartTLS()
	t.Cleanup(trusted.Close)
	t.Cleanup(stranger.Close)
	p := browser.Start(t, trusted.Certificate())
	assert.Equal(t, "nobody", text(t, p, trusted.URL+"/cookie"))
	assert.ErrorContains(t, chromedp.Do(p, chromedp.Navigate(stranger.URL)), "ERR_CERT", "a certificate that nobody named")
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
