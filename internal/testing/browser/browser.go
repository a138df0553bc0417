// Package browser drives headless Chromium for tests: a page of its own cookies,
// a virtual authenticator for passkeys, screenshots, PDF, a slow network, and
// what the console complained about.
//
// A Page is a context for github.com/chromedp/chromedp; navigation, forms and
// scripts are written with that package directly. Tests of packages that users
// import do not import this one, since chromedp would come into the users'
// go.sum: such tests stand in internal/testing/integration.
package browser

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// timeout ends a page that waits for something that does not come. It is far
// above what a test takes on a busy machine.
const timeout = 5 * time.Minute

// A Page is a tab in a browser context of its own. It is for one goroutine.
type Page struct {
	context.Context // for chromedp.Do, Run and Call

	t       testing.TB
	console func() (chromedp.ConsoleMessage, error, bool)
	errors  []string
}

// Start starts Chromium with an empty profile and returns a page of it; both end
// with the test. Servers that present one of the certificates are trusted. Only
// this machine can be reached. Without Chromium the test is skipped, or fails
// where everything is required.
func Start(t testing.TB, trusted ...*x509.Certificate) *Page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(backends.Program(t, "chromium", "chromium")),
		chromedp.NoSandbox, // tests may run as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(timeout),
	)
	if keys := keyHashes(trusted); keys != "" {
		options = append(options, chromedp.Flag("ignore-certificate-errors-spki-list", keys))
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	return open(t, ctx)
}

// Another returns a page in a further browser context of the same Chromium: it
// shares no cookie and no storage with p.
func (p *Page) Another() *Page {
	p.t.Helper()
	return open(p.t, p.Context, chromedp.WithNewBrowserContext())
}

func open(t testing.TB, parent context.Context, options ...chromedp.ContextOption) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	next, stop := iter.Pull2(chromedp.Console(ctx))
	t.Cleanup(stop)
	return &Page{Context: ctx, t: t, console: next}
}

// AddAuthenticator gives the page a platform authenticator with discoverable
// credentials, which approves everything with user verification.
func (p *Page) AddAuthenticator() webauthn.AuthenticatorID {
	p.t.Helper()
	_, err := chromedp.Call(p, webauthn.Enable, webauthn.EnableParams{})
	p.ok(err)
	added, err := chromedp.Call(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol:                    webauthn.AuthenticatorProtocolCtap2,
			Transport:                   webauthn.AuthenticatorTransportInternal,
			HasResidentKey:              true,
			HasUserVerification:         true,
			IsUserVerified:              true,
			AutomaticPresenceSimulation: true,
		},
	})
	p.ok(err)
	return added.AuthenticatorID
}

// Screenshot returns a PNG of the page at a width and height in CSS pixels and a
// color scheme ("light" or "dark"), which stay as they are then. A height of 0
// takes the whole page.
func (p *Page) Screenshot(width, height int64, scheme string) []byte {
	p.t.Helper()
	_, err := chromedp.Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	p.ok(err)
	capture := chromedp.CaptureScreenshot()
	if height == 0 {
		height, capture = 1, chromedp.FullScreenshot(100)
	}
	p.ok(chromedp.Do(p, chromedp.EmulateViewport(width, height)))
	png, err := chromedp.Run(p, capture)
	p.ok(err)
	return png
}

// PDF returns the page as it is printed on A4.
func (p *Page) PDF() []byte {
	p.t.Helper()
	pdf, err := chromedp.Run(p, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground()))
	p.ok(err)
	return pdf
}

// Throttle delays every answer by latency and limits both directions to so many
// bytes a second; -1 is no limit.
func (p *Page) Throttle(latency time.Duration, bytesPerSecond float64) {
	p.t.Helper()
	_, err := chromedp.Call(p, network.Enable, network.EnableParams{})
	p.ok(err)
	_, err = chromedp.Call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{
			Latency:            float64(latency) / float64(time.Millisecond),
			DownloadThroughput: bytesPerSecond,
			UploadThroughput:   bytesPerSecond,
		}},
	})
	p.ok(err)
}

// ConsoleErrors returns what the page wrote to the console as an error since it
// was opened: console.error, uncaught exceptions, requests and resources that
// failed, violations of a policy.
func (p *Page) ConsoleErrors() []string {
	p.t.Helper()
	const mark = "read up to here by a test"
	p.ok(chromedp.Do(p, chromedp.Evaluate[chromedp.Void](`console.debug("`+mark+`")`)))
	for {
		m, err, more := p.console()
		p.ok(err)
		if !more || m.Text == mark {
			return p.errors
		}
		if m.Type == chromedp.ConsoleError || m.IsException() {
			p.errors = append(p.errors, m.String())
		}
	}
}

func (p *Page) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("chromium: %v", err)
	}
}

// keyHashes is the form in which Chromium wants the certificates.
func keyHashes(certificates []*x509.Certificate) string {
	var hashes []string
	for _, c := range certificates {
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		hashes = append(hashes, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return strings.Join(hashes, ",")
}
